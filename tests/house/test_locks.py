"""Both lock files pin everything by hash, name no package index and agree with pyproject.toml and each other."""

import re
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.checkout import ROOT, pyproject

RUN, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
PINNED = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; [^\\]+?)?(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)
NAMES_AN_INDEX = re.compile(r"https?:|file:|--(?:extra-)?index-url|--find-links|--trusted-host")


def requirement_lines(lock: str) -> Iterator[str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    without_comments = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r" *\\\n *", " ", without_comments)
    yield from (line.strip() for line in joined.splitlines() if line.strip())


def pins(lock: str) -> dict[str, str]:
    matches = [PINNED.fullmatch(line) for line in requirement_lines(lock)]
    return {match["name"]: match["version"] for match in matches if match}


def direct(group: list[str]) -> list[Requirement]:
    return [Requirement(line) for line in group]


@pytest.mark.parametrize("lock", [RUN, DEVELOPMENT])
def test_every_line_is_one_version_with_its_hashes(lock: str) -> None:
    assert [line for line in requirement_lines(lock) if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("lock", [RUN, DEVELOPMENT])
def test_no_line_names_a_package_index(lock: str) -> None:
    assert NAMES_AN_INDEX.findall((ROOT / lock).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [(RUN, pyproject()["project"]["dependencies"]), (DEVELOPMENT, pyproject()["dependency-groups"]["dev"])],
    ids=[RUN, DEVELOPMENT],
)
def test_every_direct_dependency_is_locked_to_a_version_it_allows(lock: str, wanted: list[str]) -> None:
    locked = pins(lock)
    unmet = [str(need) for need in direct(wanted) if locked.get(canonicalize_name(need.name), "") not in need.specifier]
    assert unmet == []


def test_the_development_lock_runs_the_very_packages_that_are_shipped() -> None:
    assert pins(RUN).items() <= pins(DEVELOPMENT).items()
