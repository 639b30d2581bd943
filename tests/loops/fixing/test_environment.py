"""What a fix program sees of our environment, whatever the policy lists."""

import pytest

from loops.fixing.environment import own_secrets, program_environment
from loops.fixing.port import FixOrder
from tests.fakes.workshop import backlog_report
from tests.loops.fixing.test_plan import order

NEVER = [
    *("GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE"),
    *("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_URL", "REINS_GITHUB__TOKEN", "REINS_SMS__AUTH_TOKEN"),
    *("GIT_ASKPASS", "GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK", "GITHUB_STEP_SUMMARY"),
]


@pytest.mark.parametrize("name", NEVER)
def test_what_acts_as_us_is_not_handed_on_although_it_is_listed(name: str) -> None:
    assert name not in program_environment({name: "a-value-of-ours"}, [name], order())


def test_only_listed_names_are_handed_on_and_none_is_made_up() -> None:
    environment = program_environment({"CARGO_HOME": "/c", "OTHER": "x"}, ["CARGO_HOME", "NOT_SET"], order())
    assert {"CARGO_HOME": "/c", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}.items() <= environment.items()
    assert {"OTHER", "NOT_SET", "HOME"}.isdisjoint(environment)


def test_a_listed_name_does_not_change_what_we_say_ourselves() -> None:
    environment = program_environment({"PATH": "/p", "LANG": "de", "REINS_LOOP": "x"}, ["PATH", "REINS_LOOP"], order())
    assert (environment["PATH"], environment["LANG"], environment["REINS_LOOP"]) == ("/p", "de", "triage")


def test_a_copy_of_a_secret_is_not_handed_on_under_another_name() -> None:
    ours = {"GITHUB_TOKEN": "ghs_0123456789", "COPY": "https://x:ghs_0123456789@github.com", "FINE": "x"}
    environment = program_environment(ours, ["COPY", "FINE"], order())
    assert ("COPY" in environment, environment["FINE"]) == (False, "x")


@pytest.mark.parametrize(("unresolved", "said"), [(None, "unknown"), (0, "0"), (7, "7")])
def test_an_unknown_number_is_never_zero(unresolved: int | None, said: str) -> None:
    asked = FixOrder(backlog_report(unresolved=unresolved), order().source, 2, order().deadline_at)
    environment = program_environment({}, [], asked)
    assert (environment["REINS_UNRESOLVED"], environment["REINS_ATTEMPT"]) == (said, "2")


def test_secrets_are_known_by_their_names_and_the_longest_comes_first() -> None:
    ours = {
        "GITHUB_TOKEN": "0123456789",
        "REINS_GITHUB__TOKEN": "0123456789-longer",
        "REINS_SMS__AUTH_TOKEN": "short",
        "REINS_HOME": "/var/lib/reins",
        "MY_TOKEN": "not-ours-to-know",
    }
    assert own_secrets(ours) == ("0123456789-longer", "0123456789")
