"""The one place where a message becomes a decision: read, gate, run, and one transaction that keeps it all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from audit.row import receipt
from commands.answer import Answer
from commands.command import Context, Outcome, Reply, Subject
from commands.ledger import entry_of
from commands.outage import Outage, Unrecorded, answer_unrecorded, unrecorded
from commands.parser import NotUnderstood, Parsed, index_by_verb, parse
from commands.recording import AlreadyDecidedError, commit_effect, record
from commands.replies import misunderstanding, refusal
from commands.strangers import alarms_about
from commands.surroundings import Surroundings, gather
from domain.decisions import Decision, Verdict
from domain.errors import UserError
from domain.ids import fingerprint, ulid
from domain.messages import MAX_TEXT_CHARACTERS, Inbound
from domain.people import Person, Scope
from domain.requests import Request, RequestKind
from domain.untrusted import clean_line
from policy.facts import Case, Facts
from policy.gate import evaluate
from policy.loading import PolicyState
from policy.rules.scope import scopes_of
from store.port import Store, StoreUnwritable
from store.tables import Tables
from store.tables.inbox import Taken

MAX_MESSAGE_ID_CHARACTERS = 160
_FROM_A_STRANGER = Request(
    "unread", RequestKind.READ, Scope.READ
)  # a stranger's text is not even parsed for the record
log = structlog.get_logger("dispatcher")


@dataclass(frozen=True, slots=True)
class _Received:
    """A message on its way: cleaned, its sender looked up, its text read, and the policy it is judged by."""

    message: Inbound
    person: Person | None
    understood: Parsed | NotUnderstood
    state: PolicyState


@dataclass(frozen=True, slots=True)
class _Judged:
    """A message with everything that led to its decision."""

    case: Case
    decision: Decision
    context: Context


class Dispatcher:
    """Takes normalised messages from every channel: one method, one path."""

    def __init__(self, store: Store, surroundings: Surroundings, wake_relay: Callable[[], None]) -> None:
        """Wire the dispatcher; `wake_relay` is called after a commit that left something to do."""
        self._store = store
        self._around = surroundings
        self._wake_relay = wake_relay
        self._verbs = index_by_verb(surroundings.catalogue)
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
        text = clean_line(message.text, MAX_TEXT_CHARACTERS)
        cleaned = message if text == message.text else replace(message, text=text)
        # Parsing sees the text as it came: cleaning would glue two lines into one command.
        person, understood = self._around.people.find(message.sender), parse(message.text, self._verbs)
        received = _Received(cleaned, person, understood, self._around.policy())
        try:
            return await self._recorded_answer(received)
        except Exception as error:  # noqa: BLE001 - the one catch of faults of ours on the path of a message
            return self._tell_fault(received, error)

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

    async def _recorded_answer(self, received: _Received) -> Answer:
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

    def _transaction(self, received: _Received, tables: Tables) -> tuple[Answer, bool]:
        """Do all that is durable about one message; tell whether that left work for the relay."""
        message, now = received.message, self._around.clock.now()
        taken = tables.inbox.taken(message)
        if taken is not None and _is_repeat(received, taken):
            return Answer.from_json(taken.answer).again(), False
        self._keep_policy(received.state, tables, now)
        if received.person is None:
            return self._turn_away(received, tables)
        used = tables.rates.count(f"{message.channel}:{received.person.id}", now)
        judged = self._judge(received, received.person, tables, used)
        if taken is not None:
            judged = replace(judged, decision=Decision(Verdict.DENY, "id_reused", "another message came under this id"))
        outcome = self._outcome(received.understood, judged, tables)
        answer = self._keep(message, judged, outcome, tables)
        if taken is None:
            number = tables.inbox.claim(message, received.person.id, answer.to_json())
            tables.thread.add_exchange(received.person.id, number, message.received_at)
        wrote = bool(outcome.changes or outcome.effects)
        self._around.sealer.seal_if_due(tables, now, privileged=wrote)
        return answer, wrote

    def _keep_policy(self, state: PolicyState, tables: Tables, now: datetime) -> None:
        """Keep the text of a policy version with its first decision, so that the decision can be derived again."""
        if state.version != self._kept_policy and state.raw is not None:
            tables.policies.keep(state.version, state.raw, now)

    def _judge(
        self, received: _Received, person: Person, tables: Tables, used: int, *, writable: bool = True
    ) -> _Judged:
        message = received.message
        context = self._context(received, person, tables)
        subject = _subject(received.understood, context, tables)
        facts = gather(message, subject, context, tables, used)
        if not writable:
            facts = replace(facts, audit_writable=False)
        decision = evaluate(subject.request, person, message.proof, facts, context.state)
        return _Judged(Case(subject.request, person, message.proof, facts, context.state), decision, context)

    def _context(self, received: _Received, person: Person, tables: Tables) -> Context:
        message, state = received.message, received.state
        now, entropy = self._around.clock.now(), self._around.entropy
        return Context(
            person=person,
            scopes=scopes_of(person, state),
            proof=message.proof,
            reply_to=message.sender,
            channel=message.channel,
            state=state,
            mode=self._around.mode(tables),
            now=now,
            new_id=lambda: ulid(now, entropy),
            everyone=self._around.people.all,
            catalogue=self._around.catalogue,
        )

    def _outcome(self, understood: Parsed | NotUnderstood, judged: _Judged, tables: Tables) -> Outcome:
        decision, context = judged.decision, judged.context
        if isinstance(understood, NotUnderstood):
            return Outcome(misunderstanding(understood, context) if decision.allowed else Reply(""))
        command, arguments = understood.command, understood.arguments
        if decision.allowed:
            return command.run(arguments, context, tables)
        if "approval" in decision.needs and command.ask is not None:
            return command.ask(arguments, context, tables)
        return Outcome(Reply(""))

    def _keep(self, message: Inbound, judged: _Judged, outcome: Outcome, tables: Tables) -> Answer:
        decision, now = judged.decision, judged.context.now
        for change in outcome.changes:
            record(change, tables, now)
        for effect in outcome.effects:
            commit_effect(effect, tables, now)
        seq, row_hash = tables.audit.append(entry_of(message, judged.case, decision, outcome.changes, now))
        reply = outcome.reply
        if not reply.text and not self._already_told_the_limit(message, judged, tables):
            handle = tables.handles.next(now)
            tables.handles.give(handle, "decision", str(seq), now)
            reply = refusal(decision, handle)
        return Answer(reply.text or None, reply.keys, decision.verdict, decision.rule, receipt(seq, row_hash))

    def _already_told_the_limit(self, message: Inbound, judged: _Judged, tables: Tables) -> bool:
        """Limits answer once an hour, then fall silent (docs/design.md)."""
        if judged.decision.rule != "rate_limited":
            return False
        return tables.rates.count(f"limited:{message.channel}:{judged.context.person.id}", judged.context.now) > 1

    def _turn_away(self, received: _Received, tables: Tables) -> tuple[Answer, bool]:
        """Keep silent towards a stranger; the record and those who may approve learn of it."""
        message, state, now = received.message, received.state, self._around.clock.now()
        facts = Facts(message.channel, self._around.mode(tables))
        decision = evaluate(_FROM_A_STRANGER, None, message.proof, facts, state)
        alarms = alarms_about(message, self._around.people.all(), state, tables, now)
        for alarm in alarms:
            commit_effect(alarm, tables, now)
        case = Case(_FROM_A_STRANGER, None, message.proof, facts, state)
        tables.audit.append(entry_of(message, case, decision, (), now))
        answer = Answer(None, (), decision.verdict, decision.rule)
        if tables.inbox.taken(message) is None:
            tables.inbox.claim(message, None, answer.to_json())
        self._around.sealer.seal_if_due(tables, now, privileged=False)
        return answer, bool(alarms)

    def _unrecorded(self, received: _Received, tables: Tables) -> tuple[Answer, Unrecorded | None]:
        """Answer from a read-only view while nothing can be written, and say what the gap row must count."""
        taken = tables.inbox.taken(received.message)
        if taken is not None and _is_repeat(received, taken):
            return Answer.from_json(taken.answer).again(), None
        if received.person is None:
            return Answer(None, (), Verdict.DENY, "unknown_person"), Unrecorded.REFUSED
        judged = self._judge(received, received.person, tables, 0, writable=False)
        outcome = self._outcome(received.understood, judged, tables) if judged.decision.allowed else None
        return answer_unrecorded(outcome, judged.decision), unrecorded(outcome)

    def _note(self, noted: Unrecorded | None) -> None:
        # On the event loop and in one go, so that the end of an earlier outage does not release this brake.
        if noted is Unrecorded.LOWERED:
            self._around.brake.pull()
        if noted is not None:
            self._outage.note(self._around.clock.now(), noted)

    def _tell_fault(self, received: _Received, error: Exception) -> Answer:
        problem = ulid(self._around.clock.now(), self._around.entropy)
        channel, message = received.message.channel, _log_id(received)
        log.error("message_failed", problem=problem, message=message, channel=channel, exc_info=error)
        text = f"Something went wrong on our side and nothing was changed. Log id {problem}."
        return Answer(text, ("status",), None, "fault", problem=problem)


def _is_repeat(received: _Received, taken: Taken) -> bool:
    """Tell a repeat from a reused id: a repeat comes from the same person, and answers are for nobody else."""
    person = received.person.id if received.person else None
    return taken.text == received.message.text and taken.person == person


def _log_id(received: _Received) -> str:
    """Return what names a message in the log; its real id may be a nonce, which stays out."""
    return fingerprint(received.message.message_id)[:12]


def _log_answer(received: _Received, answer: Answer) -> None:
    log.info(
        "answered",
        message=_log_id(received),
        channel=received.message.channel,
        person=received.person.id if received.person else None,
        rule=answer.rule,
        receipt=answer.receipt,
        repeated=answer.repeated,
    )


def _subject(understood: Parsed | NotUnderstood, context: Context, tables: Tables) -> Subject:
    if isinstance(understood, NotUnderstood):
        return Subject(Request("unread", RequestKind.READ, Scope.READ, clean_line(understood.verb, 20)))
    return understood.command.about(understood.arguments, context, tables)
