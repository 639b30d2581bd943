"""A command that waits for its one-time code: what was asked, from where, and whether it was confirmed."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One question for a code. `to` is the address it was asked from, `channel:value`, `text` the command to run.

    `code_hash` is None until a code was made for it, or where the person uses an authenticator. `consumed_by` is the
    inbox number of the message that confirmed it.
    """

    id: str
    handle: str
    person: str
    to: str
    text: str
    made_at: datetime
    expires_at: datetime
    code_hash: str | None = None
    code_expires_at: datetime | None = None
    consumed_at: datetime | None = None
    consumed_by: int | None = None
