"""Runs and approvals with everything filled in, for tests that care about one or two of their fields."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.approvals import Approval, ApprovalState
from domain.requests import Risk
from domain.runs import Run, RunState
from tests.fakes.virtual_time import START

_RUN = Run(
    id="RUN-1",
    handle="3K",
    action="mutation",
    repository="acme/shop",
    ref="main",
    inputs={},
    state=RunState.ACCEPTED,
    requested_by="owner",
    reply_to="web:owner",
    correlation="CORRELATION-1",
    created_at=START,
    deadline_at=START + timedelta(minutes=5),
)
_APPROVAL = Approval(
    id="APPROVAL-1",
    handle="3K",
    state=ApprovalState.OPEN,
    action="strict",
    ref="main",
    inputs={"threshold": "90"},
    digest="d" * 64,
    risk=Risk.REPORT,
    requested_by="olga",
    reply_to="web:olga",
    needed=1,
    allow_self=False,
    made_at=START,
    expires_at=START + timedelta(minutes=15),
)


def make_run(number: int = 1, **fields: Any) -> Run:
    """Make a run whose id and correlation end in `number`."""
    return replace(_RUN, **{"id": f"RUN-{number}", "correlation": f"CORRELATION-{number}", **fields})


def make_approval(number: int = 1, **fields: Any) -> Approval:
    """Make an open approval, valid for 15 minutes from START, whose id ends in `number`."""
    return replace(_APPROVAL, **{"id": f"APPROVAL-{number}", **fields})
