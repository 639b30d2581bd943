"""Answering while nothing can be recorded: reads go on, writes are refused, the brake still works, a gap row follows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from commands.answer import Answer
from commands.changes import SetMode
from commands.command import Outcome
from commands.ledger import event
from commands.replies import NOT_RECORDED
from domain.clock import to_text
from domain.decisions import Decision
from domain.modes import Mode
from store.tables import Tables


class Unrecorded(StrEnum):
    """What became of a message that could not be recorded; the gap row counts these."""

    ANSWERED = "answered"
    REFUSED = "refused"
    LOWERED = "lowered"


@dataclass(slots=True)
class Outage:
    """Counts what happened since the record stopped; the counts go into the gap row when it goes on."""

    since: datetime | None = None
    answered: int = 0
    refused: int = 0
    lowered: int = 0

    def note(self, now: datetime, what: Unrecorded) -> None:
        """Count one message that could not be recorded."""
        self.since = self.since or now
        setattr(self, what.value, getattr(self, what.value) + 1)

    def write_gap(self, tables: Tables, now: datetime) -> None:
        """Append the gap row, and catch the stored mode up with a brake that was pulled meanwhile."""
        assert self.since is not None, "there was an outage"
        evidence: dict[str, object] = {
            "since": to_text(self.since),
            "answered": self.answered,
            "refused": self.refused,
            "lowered": self.lowered,
        }
        tables.audit.append(event(now, "audit-gap", to_text(self.since), "recovered", evidence))
        if self.lowered:
            tables.mode.set(Mode.OFF, "reins", now)

    def plus(self, later: "Outage") -> "Outage":
        """Return both together: the gap row could not be written, and messages came in meanwhile."""
        return Outage(
            self.since,
            self.answered + later.answered,
            self.refused + later.refused,
            self.lowered + later.lowered,
        )


def unrecorded(outcome: Outcome | None) -> Unrecorded:
    """Tell what became of a message; `outcome` is None where the gate refused.

    The only change the gate lets through without a record is a lower mode; naming the present mode changes nothing.
    """
    if outcome is None:
        return Unrecorded.REFUSED
    return Unrecorded.LOWERED if any(isinstance(one, SetMode) for one in outcome.changes) else Unrecorded.ANSWERED


def answer_unrecorded(outcome: Outcome | None, decision: Decision) -> Answer:
    """Word the answer to a message that could not be recorded.

    `outcome` is what an allowed read or mode command answered, None where the gate refused.
    """
    keys: tuple[str, ...] = ("status", "halt")
    if outcome is None:
        text = f"Refused ({decision.rule}): {decision.reason}."
    elif unrecorded(outcome) is Unrecorded.LOWERED:
        text = f"Mode is held at off from now on. {NOT_RECORDED}; this is written down as soon as it can be."
    else:
        text, keys = f"{outcome.reply.text}\n({NOT_RECORDED}: this answer is not in it.)", outcome.reply.keys
    return Answer(text, keys, decision.verdict, decision.rule, recorded=False)
