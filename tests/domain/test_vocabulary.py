"""The shared words: frozen data, closed lists, and the few figures they carry."""

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest

import domain
from domain.approvals import Approval, ApprovalState, Vote
from domain.decisions import Decision, Verdict
from domain.errors import UserError
from domain.findings import MutantCounts
from domain.requests import RequestKind, Risk
from domain.runs import RunState
from tests.fakes.virtual_time import START


def modules() -> list[ModuleType]:
    return [importlib.import_module(f"domain.{one.name}") for one in pkgutil.iter_modules(domain.__path__)]


def defined(kind: type) -> list[type]:
    found = (one for module in modules() for one in vars(module).values() if isinstance(one, type))
    return sorted({one for one in found if one.__module__.startswith("domain.") and issubclass(one, kind)}, key=repr)


RECORDS = [one for one in defined(object) if is_dataclass(one)]
CLOSED_WORDS = defined(StrEnum)


@pytest.mark.parametrize("record", RECORDS, ids=lambda one: one.__name__)
def test_every_record_is_frozen_and_slotted(record: type[Any]) -> None:
    blank = object.__new__(record)
    with pytest.raises(FrozenInstanceError):
        setattr(blank, fields(record)[0].name, None)
    assert "__dict__" not in dir(blank)


@pytest.mark.parametrize("words", CLOSED_WORDS, ids=lambda one: one.__name__)
def test_every_closed_word_is_lower_case_and_stands_once(words: type[StrEnum]) -> None:
    values = [word.value for word in words.__members__.values()]
    assert len(set(values)) == len(values) > 1
    assert [value for value in values if value != value.lower() or " " in value] == []


def test_only_the_verdict_allow_allows() -> None:
    assert {verdict: Decision(verdict, "a", "b").allowed for verdict in Verdict} == {
        Verdict.ALLOW: True,
        Verdict.DENY: False,
        Verdict.NEEDS: False,
    }


def test_every_kind_of_request_but_reading_writes() -> None:
    assert [kind for kind in RequestKind if not kind.writes] == [RequestKind.READ]


def test_a_run_is_open_until_it_is_over() -> None:
    still_open = {RunState.ACCEPTED, RunState.DISPATCHED, RunState.RUNNING}
    assert {state for state in RunState if not state.final} == still_open


@dataclass(frozen=True)
class Counted:
    counts: MutantCounts
    scored: int
    total: int
    score: int | None


@pytest.mark.parametrize(
    "case",
    [
        Counted(MutantCounts(), 0, 0, None),
        Counted(MutantCounts(invalid=3, ignored=2, error=1, pending=4), 0, 10, None),
        Counted(MutantCounts(survived=2, no_coverage=1), 3, 3, 0),
        Counted(MutantCounts(killed=2, timeout=1, survived=1, no_coverage=2, pending=5), 6, 11, 5000),
        Counted(MutantCounts(killed=2, survived=1), 3, 3, 6666),
        Counted(MutantCounts(killed=7), 7, 7, 10_000),
    ],
)
def test_a_score_rests_on_judged_mutants_only_and_is_unknown_without_any(case: Counted) -> None:
    counts = case.counts
    assert (counts.scored, counts.total, counts.score_basis_points) == (case.scored, case.total, case.score)


def test_an_approval_counts_only_who_agreed() -> None:
    votes = (Vote("ann", True, START, ""), Vote("ben", False, START, "no"), Vote("vic", True, START, ""))
    approval = Approval(
        id="A", handle="3K", state=ApprovalState.OPEN, action="deploy", ref="main", inputs={}, digest="d",
        risk=Risk.HIGH, requested_by="olga", reply_to="web:olga", needed=3, allow_self=False, made_at=START,
        expires_at=START, votes=votes,
    )  # fmt: skip
    assert approval.granted == 2


def test_bad_news_for_people_has_a_sentence_and_a_code() -> None:
    error = UserError("port: must be a number", "bad_port")
    assert (str(error), error.code) == ("port: must be a number", "bad_port")
    assert UserError("x").code == "bad_input"
