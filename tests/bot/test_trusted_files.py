"""Between two looks at a file what was read stays in force, and not a moment longer."""

from pathlib import Path

from structlog.testing import capture_logs

from bot.policy_source import PolicySource
from domain.people import Person
from policy.loading import PolicyStatus
from store.people import PeopleDirectory

ANN = Person("ann", "Ann", (), ())


def test_people_are_looked_at_again_once_the_time_is_over(tmp_path: Path) -> None:
    now_ns = 1_000_000_000
    people = PeopleDirectory(tmp_path / "people.json", wall_clock_ns=lambda: now_ns, trusted_ns=2_000_000)
    assert people.get("ann") is None
    PeopleDirectory(tmp_path / "people.json").add(ANN)
    now_ns += 1_999_999
    assert people.get("ann") is None
    now_ns += 1
    assert people.get("ann") == ANN


def test_a_clock_set_back_does_not_trust_for_ever(tmp_path: Path) -> None:
    now_ns = 1_000_000_000
    people = PeopleDirectory(tmp_path / "people.json", wall_clock_ns=lambda: now_ns, trusted_ns=2_000_000)
    assert people.get("ann") is None
    PeopleDirectory(tmp_path / "people.json").add(ANN)
    now_ns -= 3_600_000_000_000
    assert people.get("ann") == ANN


def test_a_policy_that_is_not_trusted_is_looked_at_with_every_call(tmp_path: Path) -> None:
    with capture_logs():
        always, rarely = PolicySource(tmp_path / "p.json"), PolicySource(tmp_path / "p.json", trusted_seconds=3600)
        (tmp_path / "p.json").write_text("{")
        assert always().status is PolicyStatus.INVALID
        assert rarely().status is PolicyStatus.MISSING
