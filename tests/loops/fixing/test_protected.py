"""Which paths no fix may change: those of the policy, the policy itself, the workflows, and where links lead."""

from pathlib import Path

import pytest

from loops.fixing.protected import first_protected, protected_paths

WORKFLOWS = ".github/workflows"


def test_the_workflows_and_the_policy_are_always_among_them(tmp_path: Path) -> None:
    found = protected_paths(["ci"], tmp_path / "dev" / "policy.json", tmp_path)
    assert found == {"ci", WORKFLOWS, "dev/policy.json", "policy.json"}


@pytest.mark.parametrize("elsewhere", ["../policy.json", "../../x/policy.json"])
def test_a_policy_of_another_checkout_protects_its_name_in_this_one(tmp_path: Path, elsewhere: str) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    assert protected_paths([], checkout / elsewhere, checkout) == {WORKFLOWS, "policy.json"}


def test_links_protect_themselves_and_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "policy.json").symlink_to("dev/real.json")
    (tmp_path / "ci").symlink_to("build/ci")
    (tmp_path / "out").symlink_to("/etc")
    found = protected_paths(["ci", "ci/run.sh", "out"], tmp_path / "policy.json", tmp_path)
    assert found == {WORKFLOWS, "policy.json", "dev/real.json", "ci", "build/ci", "ci/run.sh", "build/ci/run.sh", "out"}


def test_links_that_go_round_in_circles_protect_themselves(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "a" in protected_paths(["a"], tmp_path / "p.json", tmp_path)


def test_a_checkout_reached_through_a_link_is_the_same_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    assert protected_paths([], link / "p.json", link) == {WORKFLOWS, "p.json"}


@pytest.mark.parametrize("changed", ["ci", "ci/a", "CI/a", "Ci", "docs/x.md", "docs"])
def test_a_path_is_protected_with_everything_below_it_and_the_links_above(changed: str) -> None:
    assert first_protected([changed], ["ci", "docs/x.md"]) == changed


@pytest.mark.parametrize("changed", ["cinema", "a/ci", "c", "docs/x.md.bak", "doc", "docs2/x.md"])
def test_other_paths_are_free(changed: str) -> None:
    assert first_protected([changed], ["ci", "docs/x.md"]) is None


def test_the_name_that_is_shown_is_clean() -> None:
    assert first_protected(["z", "ci/\x1b[2Ja\udcff" + "b" * 200], ["ci"]) == "ci/[2Ja" + "b" * 132 + "…"
