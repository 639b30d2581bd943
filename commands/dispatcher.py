"""The one place where a message becomes an answer: read it, decide it in one transaction, and stay useful without one."""

import re
from collections.abc import Callable
from dataclasses import replace

import structlog

from audit.redaction import redact
from commands.answer import Answer
from commands.deciding import Decider, Received, is_repeat
from commands.outage import Outage, Unrecorded, answer_unrecorded, unrecorded
from commands.parser import NotUnderstood, Parsed, index_by_verb, parse
from commands.reading import Reading
from commands.recording import AlreadyDecidedError
from commands.surroundings import Surroundings
from domain.decisions import Verdict
from domain.effects import Deliver
from domain.errors import UserError
from domain.ids import fingerprint, ulid
from domain.messages import MAX_TEXT_CHARACTERS, Inbound
from domain.notices import Notice, NoticeKind, Urgency
from domain.people import Person
from domain.untrusted import clean_line
from store.port import Store, StoreUnwritable
from store.tables import Tables

MAX_MESSAGE_ID_CHARACTERS = 160
_CODE = re.compile(r"\d{6,}")
_SECRET_WORDS = {"ok": _CODE, "no": _CODE, "link": re.compile(r"(?<=\s)\S+")}
log = structlog.get_logger("dispatcher")


class Dispatcher:
    """Takes normalised messages from every channel: one method, one path."""

    def __init__(self, store: Store, surroundings: Surroundings, wake_relay: Callable[[], None]) -> None:
        """Wire the dispatcher; `wake_relay` is called after a commit that left something to do."""
        self._store = store
        self._around = surroundings
        self._wake_relay = wake_relay
        self._verbs = index_by_verb(surroundings.catalogue)
        self._decider = Decider(surroundings, self._verbs)
        self._outage = Outage()
        self._kept_policy: str | None = None

    @property
    def recording(self) -> bool:
        """Tell whether the last messages could be recorded."""
        return self._outage.since is None

    async def handle(self, message: Inbound) -> Answer:
        """Answer one message; when this returns, everything about it is durable.

        A message seen before gets the first answer again and nothing else happens. While the audit log cannot be
        written, reads and lowering the mode still work. A fault of ours is logged under an id that the answer carries.

        Raises:
            UserError: the message has no usable id; without one it could act twice.
        """
        if not 1 <= len(message.message_id) <= MAX_MESSAGE_ID_CHARACTERS or not message.message_id.isascii():
            raise UserError("the message id must be 1 to 160 ASCII characters: without one a message could act twice")
        person, understood = self._around.people.find(message.sender), self._understand(message.text)
        text = _kept_text(message, person, understood)
        cleaned = message if text == message.text else replace(message, text=text)
        received = Received(cleaned, person, understood, self._around.policy())
        try:
            return await self._recorded_answer(received)
        except Exception as error:  # noqa: BLE001 - the one catch of faults of ours on the path of a message
            return await self._tell_fault(received, error)

    def _understand(self, text: str) -> Parsed | NotUnderstood:
        """Read the text as it came: cleaning would glue two lines into one command. A mistyped code is not echoed."""
        understood = parse(text, self._verbs)
        if isinstance(understood, Parsed):
            return understood
        # Nothing takes stars where it takes no digits, so this is no command either.
        return parse(_CODE.sub(lambda found: "*" * len(found[0]), text), self._verbs)

    async def close_gap(self) -> None:
        """Record an outage that is over; does nothing when there was none.

        Raises:
            StoreUnwritable: it is not over.
        """
        ended, self._outage = self._outage, Outage()  # taken away first: of several callers only one may write it
        if ended.since is None:
            return
        try:
            await self._store.transact(lambda tables: ended.write_gap(tables, self._around.clock.now()))
        except BaseException:
            self._outage = ended.plus(self._outage)
            raise
        if self._outage.since is None:
            self._around.brake.release_ours()

    async def _recorded_answer(self, received: Received) -> Answer:
        try:
            await self.close_gap()
            try:
                answer, work_left = await self._store.transact(lambda tables: self._transaction(received, tables))
            except AlreadyDecidedError:  # somebody was first: on a second look the gate sees that and says so
                answer, work_left = await self._store.transact(lambda tables: self._transaction(received, tables))
        except StoreUnwritable as error:
            log.warning("unrecorded", message=_log_id(received), channel=received.message.channel, error=str(error))
            answer, noted = await self._store.read(lambda tables: self._unrecorded(received, tables))
            self._note(noted)
            return answer
        if not answer.repeated:
            self._kept_policy = received.state.version
        if work_left:
            self._wake_relay()
        if work_left or answer.verdict is not Verdict.ALLOW:  # plain reads are in the audit log, not in this one
            _log_answer(received, answer)
        return answer

    def _transaction(self, received: Received, tables: Tables) -> tuple[Answer, bool]:
        """Decide one message, and keep the text of a policy version with its first decision, to derive it again."""
        state = received.state
        if state.version != self._kept_policy and state.raw is not None:
            tables.policies.keep(state.version, state.raw, self._around.clock.now())
        return self._decider.transaction(received, tables)

    def _unrecorded(self, received: Received, tables: Tables) -> tuple[Answer, Unrecorded | None]:
        """Answer from a read-only view while nothing can be written, and say what the gap row must count."""
        message = received.message
        taken = tables.inbox.taken(message)
        if taken is not None and is_repeat(received, taken):
            return Answer.from_json(taken.answer).again(), None
        if received.person is None:
            return Answer(None, (), Verdict.DENY, "unknown_person", recorded=False), Unrecorded.REFUSED
        # Codes and buttons are spent while they are read, which cannot be done now: only plain text is understood.
        reading = Reading(received.understood, message.proof, message.text)
        judged = self._decider.judge(received, received.person, reading, tables, 0, writable=False)
        outcome = self._decider.outcome(received, judged, tables) if judged.decision.allowed else None
        return answer_unrecorded(outcome, judged.decision), unrecorded(outcome)

    def _note(self, noted: Unrecorded | None) -> None:
        # On the event loop and in one go, so that the end of an earlier outage does not release this brake.
        if noted is Unrecorded.LOWERED:
            self._around.brake.pull()
        if noted is not None:
            self._outage.note(self._around.clock.now(), noted)

    async def _tell_fault(self, received: Received, error: Exception) -> Answer:
        problem = ulid(self._around.clock.now(), self._around.entropy)
        channel, message = received.message.channel, _log_id(received)
        log.error("message_failed", problem=problem, message=message, channel=channel, exc_info=error)
        text = f"Something went wrong on our side and nothing was changed. Log id {problem}."
        answer = Answer(text, ("status",), None, "fault", problem=problem)
        if received.message.reply_to is not None and received.person is not None:
            return replace(answer, recorded=await self._send_fault(received.message, text, problem))
        return answer

    async def _send_fault(self, message: Inbound, text: str, problem: str) -> bool:
        """Send the log id where the answer would have gone, and tell whether that is durable; the message was undone."""
        assert message.reply_to is not None, "only channels that are answered through the outbox come here"
        notice = Notice(f"fault:{problem}", NoticeKind.REPLY, text, urgency=Urgency.HIGH)
        deliver, now = Deliver(message.reply_to.text(), notice), self._around.clock.now()
        try:
            await self._store.transact(lambda tables: self._around.announcer.commit(deliver, tables, now))
        except StoreUnwritable as error:
            log.warning("fault_untold", problem=problem, error=str(error))
            return False
        self._wake_relay()
        return True


def _kept_text(message: Inbound, person: Person | None, understood: Parsed | NotUnderstood) -> str:
    """Return the text as it is kept: one clean line, without the codes that it may carry."""
    if message.press is not None:
        return f"button {fingerprint(message.press.token)[:12]}"
    if person is None:  # it may be a linking code in any disguise, and nobody ever reads it
        return f"unread {fingerprint(message.text)[:12]}"
    text = clean_line(message.text, MAX_TEXT_CHARACTERS)
    if isinstance(understood, Parsed):
        secrets = _SECRET_WORDS.get(understood.command.verb)
        return secrets.sub("******", text) if secrets else text
    # Nobody types a button's token by hand: whoever sends one as text read it where it was not meant for them.
    return _CODE.sub("******", _SECRET_WORDS.get(understood.verb, _CODE).sub("******", redact(text)))


def _log_id(received: Received) -> str:
    """Return what names a message in the log; its real id may be a nonce, which stays out."""
    return fingerprint(received.message.message_id)[:12]


def _log_answer(received: Received, answer: Answer) -> None:
    log.info(
        "answered",
        message=_log_id(received),
        channel=received.message.channel,
        person=received.person.id if received.person else None,
        rule=answer.rule,
        receipt=answer.receipt,
        repeated=answer.repeated,
    )
