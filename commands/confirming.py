"""One-time codes: asking for one where a message proves too little, and reading the answer that carries it."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.marks import CODE_MARK
from commands.changes import OpenConfirmation
from commands.command import Context, Outcome, Reply
from commands.parser import Parsed
from domain.confirmations import Confirmation
from domain.effects import Deliver
from domain.ids import fingerprint
from domain.messages import Inbound
from domain.notices import Notice, NoticeKind, Urgency
from domain.people import AddressKind
from domain.untrusted import clean_line
from policy.facts import ConfirmationFacts, ConfirmationState
from store.tables import Tables

LIFETIME = timedelta(minutes=10)  # NIST SP 800-63B-4, 3.1.3: an out-of-band secret lives at most ten minutes
WRONG_CODES = 5  # of 1,000,000: the chance of guessing stays at 1 in 66,000 a day, since one code is alive at a time
WRONG_WITHIN = timedelta(hours=24)
PROMPTS_PER_HOUR = 6  # a stream of codes that nobody asked for wears people down
SHOWN_TEXT_CHARACTERS = 48
LOCKED = "Codes are locked here for a day: five were wrong. Reads and halt still work; the page needs no code."
AUTHENTICATOR_STEP_SECONDS = 30  # RFC 6238, 5.2


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A message that answers a confirmation: what the gate should know, and the command that was waiting."""

    confirmation: Confirmation
    facts: ConfirmationFacts


def code_hash(confirmation: str, code: str) -> str:
    """Return what is kept of a code; the confirmation's id keeps equal codes from looking equal."""
    return fingerprint(f"{confirmation}:{code}")


def read_confirmation(parsed: Parsed, message: Inbound, person: str, tables: Tables, now: datetime) -> Confirmed | None:
    """Return the confirmation that an `ok <id> <code>` answers, checked; None when the id is no confirmation's.

    A wrong code is counted against the address; five in a day lock codes for that address and nothing else. Whoever
    decides the message consumes the confirmation in the same transaction.
    """
    meaning = tables.handles.meaning(parsed.arguments.get("id") or "") if parsed.command.verb == "ok" else None
    confirmation = tables.confirmations.get(meaning[1]) if meaning and meaning[0] == "confirmation" else None
    if confirmation is None:
        return None
    sender = message.sender.text()
    tries_left = WRONG_CODES - tables.confirmations.wrong_since(sender, now - WRONG_WITHIN)
    state = _standing(confirmation, (sender, person), tries_left, now)
    if state is ConfirmationState.RIGHT:
        code = parsed.arguments.get("code") or ""
        if not _is_right(confirmation, code, tables, now):
            state = ConfirmationState.WRONG
        if state is ConfirmationState.WRONG and code:  # a forgotten code is no guess
            tables.confirmations.note_wrong(sender, now)
            tries_left -= 1
    return Confirmed(confirmation, ConfirmationFacts(state, max(tries_left, 0)))


def _standing(confirmation: Confirmation, who: tuple[str, str], tries_left: int, now: datetime) -> ConfirmationState:
    """Return what speaks against looking at the code at all, `RIGHT` when nothing does."""
    if (confirmation.to, confirmation.person) != who:
        return ConfirmationState.FOREIGN
    if confirmation.consumed_at is not None:
        return ConfirmationState.USED
    if now >= confirmation.expires_at:
        return ConfirmationState.EXPIRED
    return ConfirmationState.LOCKED if tries_left <= 0 else ConfirmationState.RIGHT


def _is_right(confirmation: Confirmation, code: str, tables: Tables, now: datetime) -> bool:
    if not (code.isascii() and code.isdigit()):
        return False
    secret = tables.authenticators.secret_of(confirmation.person)
    if secret is not None:
        return _spends_step(confirmation.person, secret, code, tables, now)
    alive = confirmation.code_expires_at is not None and now < confirmation.code_expires_at
    return alive and hmac.compare_digest(confirmation.code_hash or "", code_hash(confirmation.id, code))


def _spends_step(person: str, secret: str, code: str, tables: Tables, now: datetime) -> bool:
    """Check an authenticator's code one step around now; pyotp takes a code twice, so the step is spent in the store."""
    from pyotp import TOTP  # noqa: PLC0415 - most installations have no authenticator enrolled

    step = int(now.timestamp()) // AUTHENTICATOR_STEP_SECONDS
    one_time = TOTP(secret)
    for candidate in (step, step - 1, step + 1):
        if hmac.compare_digest(one_time.generate_otp(candidate), code):
            return tables.authenticators.spend_step(person, candidate)
    return False


def can_confirm(message: Inbound, person: str, tables: Tables) -> bool:
    """Tell whether this sender can be asked for a code: by text to the enrolled number, or from an authenticator."""
    if message.reply_to is None or message.press is not None:
        return False
    return message.sender.kind is AddressKind.SMS or tables.authenticators.secret_of(person) is not None


def ask_for_code(message: Inbound, context: Context, tables: Tables) -> Outcome:
    """Keep the command until its sender answers with a code; on a phone number the code itself goes to that number."""
    sender = message.sender.text()
    if tables.confirmations.wrong_since(sender, context.now - WRONG_WITHIN) >= WRONG_CODES:
        return Outcome(Reply(LOCKED))
    if tables.rates.count(f"code:{sender}", context.now) > PROMPTS_PER_HOUR:
        return Outcome(Reply(""))
    confirmation = Confirmation(
        id=context.new_id(),
        handle=tables.handles.next(context.now),
        person=context.person.id,
        to=sender,
        text=message.text,
        made_at=context.now,
        expires_at=context.now + LIFETIME,
    )
    what = clean_line(message.text, SHOWN_TEXT_CHARACTERS)
    text = f"{confirmation.handle}: {what}? Send ok {confirmation.handle} {CODE_MARK} within 10 min."
    notice = Notice(
        key=f"code:{confirmation.id}",
        kind=NoticeKind.CHALLENGE,
        text=text,
        urgency=Urgency.HIGH,
        subject=confirmation.id,
    )
    said = Reply(text.replace(CODE_MARK, "<code>"), (f"why {confirmation.handle}",))
    return Outcome(said, (OpenConfirmation(confirmation),), (Deliver(sender, notice),))
