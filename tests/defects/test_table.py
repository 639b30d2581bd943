"""None of the earlier system's defects is one of ours: each row of the table is proven, and the lessons name it."""

import re
from pathlib import Path

import pytest

from tests.defects.table import DEFECTS, Defect
from tests.house.checkout import ROOT

# Those that the loops and the bot of today answer; the others are about parts that are not there.
ANSWERED = (*range(1, 32), 36, 37, 39, 40, 42)
LESSON = re.compile(r"\| D(?P<number>\d+) \| [^|]+ \| [^|]+ \|")


def lessons() -> list[int]:
    """Return the numbers of the lessons' rows; a row of another form is a mistake."""
    lines = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8").splitlines()
    _, _, *rows = [line for line in lines if line.startswith("|")]
    matches = [LESSON.fullmatch(row) for row in rows]
    return [int(match["number"]) if match else 0 for match in matches]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: f"D{defect.number}")
async def test_reins_does_what_its_row_says(defect: Defect, tmp_path: Path) -> None:
    await defect.proof(tmp_path)


def test_every_number_has_exactly_one_row_and_a_proof_of_its_own() -> None:
    assert [defect.number for defect in DEFECTS] == list(ANSWERED)
    names = [getattr(defect.proof, "__name__", "") for defect in DEFECTS]
    assert [name.partition("_")[0] for name in names] == [f"d{number}" for number in ANSWERED]


def test_every_row_says_something_in_each_column() -> None:
    told = [(one.given, one.original, one.reins) for one in DEFECTS]
    assert [row for row in told if not all(row) or len(set(row)) < 3] == []


def test_the_lessons_have_one_row_for_each_number_of_the_table() -> None:
    known = lessons()
    assert known == sorted(set(known))
    assert [number for number in ANSWERED if number not in known] == []
