"""Unsafe changes to a template are refused by the linters together, and safe ones are let through by all of them."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.federation.linters import FORM, HAS_ACTIONLINT, Findings, lint
from tests.federation.variants import SAFE, UNSAFE, Variant

NEEDS_ACTIONLINT = [
    pytest.mark.workflows,
    pytest.mark.skipif(not HAS_ACTIONLINT, reason="`make workflows` has not installed actionlint, or there is no node"),
]


def file_name(title: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in title) + ".yml"


def each(variants: Mapping[str, Variant]) -> list[Any]:
    return [
        pytest.param(title, id=title, marks=NEEDS_ACTIONLINT if variant.refused_by == FORM else [])
        for title, variant in variants.items()
    ]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Lint all variants at once: starting a linter for each would take longer than its work."""
    folder: Path = tmp_path_factory.mktemp("variants")
    for title, variant in chain(UNSAFE.items(), SAFE.items()):
        (folder / file_name(title)).write_text(variant.text(), encoding="utf-8")
    return lint(folder)


def test_there_are_enough_of_each_and_no_two_share_a_file() -> None:
    assert sum(variant.refused_by != FORM for variant in UNSAFE.values()) >= 30
    assert len(SAFE) >= 30
    assert len({file_name(title) for title in chain(UNSAFE, SAFE)}) == len(UNSAFE) + len(SAFE)


@pytest.mark.parametrize("title", each(UNSAFE))
def test_an_unsafe_change_is_refused(title: str, findings: Findings) -> None:
    assert findings[file_name(title)][str(UNSAFE[title].refused_by)]


@pytest.mark.parametrize("title", each(SAFE))
def test_a_safe_change_is_let_through(title: str, findings: Findings) -> None:
    assert {linter: found for linter, found in findings[file_name(title)].items() if found} == {}
