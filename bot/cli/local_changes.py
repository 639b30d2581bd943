"""Changes made at the bot's own machine: written to the audit log before they happen and again with how they went."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from audit.redaction import redact
from audit.row import Entry
from bot.audit_key import AUDIT_ORIGIN
from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from domain.clock import to_text
from domain.ids import ulid
from domain.people import AddressKind, Proof
from domain.untrusted import clean_line
from store.port import Store, StoreUnwritable
from store.sealing import Sealer
from store.tables import Tables

T = TypeVar("T")

CHANNEL = "cli"
MAX_TARGET_CHARACTERS = 64
MAX_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class LocalChange:
    """What is about to be done to what; the evidence holds no full phone number and no secret."""

    action: str
    target: str
    evidence: Mapping[str, object]


def local_actor() -> str:
    """Return who is at this machine, as audit rows name them: `local:1000`."""
    return f"local:{os.getuid()}"


async def change_audited(
    installation: Installation,
    store: Store,
    change: LocalChange,
    apply: Callable[[], T],
    also: Callable[[Tables], None] | None = None,
) -> T:
    """Record the intent, apply the change, record the outcome; both rows bear one correlation id (D33).

    `also` changes tables in the transaction of a good outcome. `apply` blocks and runs in a thread of its own.

    Raises:
        CommandFailedError: the intent could not be recorded and nothing was changed; or the change was made, but its
            outcome could not be recorded.
        Exception: whatever `apply` raised; that is recorded, too.
    """
    sealer = Sealer(installation.seal_key(), AUDIT_ORIGIN)
    correlation = ulid(installation.clock.now(), installation.entropy)

    async def append(outcome: str, reason: str | None = None, work: Callable[[Tables], None] | None = None) -> None:
        now = installation.clock.now()

        def write(tables: Tables) -> None:
            if work is not None:
                work(tables)
            tables.audit.append(_entry(to_text(now), change, (outcome, reason), correlation))
            sealer.seal_if_due(tables, now, privileged=True)

        await store.transact(write)

    try:
        await append("intended")
    except StoreUnwritable as error:
        what = f"refused: {change.action} cannot be written to the audit log ({error}), so nothing was changed"
        raise CommandFailedError(f"{what}; free the disk or end what holds the database", ExitCode.DENIED) from error
    try:
        result = await asyncio.to_thread(apply)
    except Exception as error:
        await append("failed", redact(f"{type(error).__name__}: {error}"))
        raise
    try:
        await append("done", work=also)
    except StoreUnwritable as error:
        what = f"{change.action} was done, but its outcome is not in the audit log ({error})"
        raise CommandFailedError(f"{what}; look at `reins doctor`", ExitCode.NOT_MEASURED) from error
    return result


def _entry(at: str, change: LocalChange, outcome: tuple[str, str | None], correlation: str) -> Entry:
    state, reason = outcome
    return Entry(
        at=at,
        actor=local_actor(),
        address_kind=AddressKind.CONSOLE.value,
        channel=CHANNEL,
        proof=Proof.LOCAL.value,
        action=change.action,
        target=clean_line(change.target, MAX_TARGET_CHARACTERS),
        digest=None,
        decision=None,
        rule=None,
        reason=reason and clean_line(reason, MAX_REASON_CHARACTERS),
        policy_version=None,
        outcome=state,
        correlation=correlation,
        evidence=change.evidence,
    )
