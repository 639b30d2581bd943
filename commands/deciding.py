"""The one transaction of a message: judge it by the gate, run its command, and keep everything that follows together."""

from dataclasses import dataclass, replace
from datetime import datetime

from audit.row import receipt
from commands.answer import Answer
from commands.answering import find_approval
from commands.audience import outdated
from commands.carrier import answer_carrier_word
from commands.command import Context, Outcome, Reply, Subject
from commands.confirming import ask_for_code, can_confirm
from commands.ledger import entry_of, event
from commands.linking import link_by_code
from commands.parser import NotUnderstood, Parsed
from commands.reading import Reading, Verbs, read
from commands.recording import AlreadyDecidedError, record
from commands.replies import misunderstanding, refusal
from commands.replying import Kept, replies_to, silent_toast
from commands.strangers import alarms_about
from commands.surroundings import Surroundings, gather
from domain.decisions import Decision, Verdict
from domain.effects import Deliver, Outgoing
from domain.ids import ulid
from domain.messages import Inbound
from domain.notices import NoticeKind
from domain.people import Person, Scope
from domain.requests import Request, RequestKind
from domain.untrusted import clean_line
from policy.facts import Case, Facts
from policy.gate import evaluate
from policy.loading import PolicyState
from policy.rules.scope import scopes_of
from store.tables import Tables
from store.tables.inbox import Taken

_UNREAD = Request("unread", RequestKind.READ, Scope.READ)  # a stranger's text is not even parsed for the record
_CARRIER_WORD = Request("carrier-word", RequestKind.READ, Scope.READ)


@dataclass(frozen=True, slots=True)
class Received:
    """A message on its way: cleaned, its sender looked up, its text parsed, and the policy it is judged by."""

    message: Inbound
    person: Person | None
    understood: Parsed | NotUnderstood
    state: PolicyState


@dataclass(frozen=True, slots=True)
class Judged:
    """A message with everything that led to its decision."""

    reading: Reading
    case: Case
    decision: Decision
    context: Context


class Decider:
    """Decides messages inside a transaction; it holds no state of its own."""

    def __init__(self, surroundings: Surroundings, verbs: Verbs) -> None:
        """Work with these surroundings and this grammar."""
        self._around = surroundings
        self._verbs = verbs

    def transaction(self, received: Received, tables: Tables) -> tuple[Answer, bool]:
        """Do all that is durable about one message; tell whether that left work for the relay."""
        message = received.message
        taken = tables.inbox.taken(message)
        if taken is not None and is_repeat(received, taken):
            return Answer.from_json(taken.answer).again(), False
        if received.person is None:
            return self._stranger(received, tables, known=taken is not None)
        now = self._around.clock.now()
        reading = read(message, received.understood, received.person, self._verbs, tables, now)
        if reading.pressed is not None and reading.pressed.first_press is not None and taken is None:
            return self._pressed_again(received, received.person, reading.pressed.first_press, tables)
        used = tables.rates.count(f"{message.channel}:{received.person.id}", now)
        judged = self.judge(received, received.person, reading, tables, used)
        if taken is not None:
            judged = replace(judged, decision=Decision(Verdict.DENY, "id_reused", "another message came under this id"))
        outcome = self.outcome(received, judged, tables)
        return self._keep(received, judged, outcome, tables, claim=taken is None)

    def judge(
        self, received: Received, person: Person, reading: Reading, tables: Tables, used: int, *, writable: bool = True
    ) -> Judged:
        """Ask the gate. What is wrong with a button stands before the gate's own answer."""
        message = received.message
        context = self._context(received, person, reading, tables)
        subject = _subject(reading.understood, context, tables)
        if message.carrier_word is not None:
            subject = Subject(_CARRIER_WORD)
        facts = gather(message, subject, context, tables, used)
        facts = replace(facts, audit_writable=writable, confirmation=reading.confirmation)
        decision = evaluate(subject.request, person, reading.proof, facts, context.state)
        if reading.pressed is not None and reading.pressed.objection is not None:
            decision = reading.pressed.objection
        return Judged(reading, Case(subject.request, person, reading.proof, facts, context.state), decision, context)

    def outcome(self, received: Received, judged: Judged, tables: Tables) -> Outcome:
        """Run what was allowed, or ask for what is missing where it can be asked for."""
        decision, context, understood = judged.decision, judged.context, judged.reading.understood
        if received.message.carrier_word is not None:
            everyone = context.everyone()
            return answer_carrier_word(received.message, context.person, everyone, context.state, context.now)
        if isinstance(understood, NotUnderstood):
            return Outcome(misunderstanding(understood, context) if decision.allowed else Reply(""))
        if decision.allowed:
            return understood.command.run(understood.arguments, context, tables)
        if "approval" in decision.needs and understood.command.ask is not None:
            return understood.command.ask(understood.arguments, context, tables)
        wants_code = decision.needs == ("proof:code",) and judged.reading.confirmation is None
        if wants_code and can_confirm(received.message, context.person.id, tables):
            return ask_for_code(received.message, context, tables)
        outdated_one = find_approval(judged.case.request.target, tables) if decision.rule == "digest_changed" else None
        return Outcome(Reply(""), effects=(outdated(outdated_one),) if outdated_one else ())

    def _context(self, received: Received, person: Person, reading: Reading, tables: Tables) -> Context:
        message, state = received.message, received.state
        now, entropy = self._around.clock.now(), self._around.entropy
        return Context(
            person=person,
            scopes=scopes_of(person, state),
            proof=reading.proof,
            reply_to=message.reply_to or message.sender,
            channel=message.channel,
            state=state,
            mode=self._around.mode(tables),
            now=now,
            new_id=lambda: ulid(now, entropy),
            two_digits=lambda: f"{int.from_bytes(entropy.token(4), 'big') % 100:02}",
            everyone=self._around.people.all,
            catalogue=self._around.catalogue,
        )

    def _keep(
        self, received: Received, judged: Judged, outcome: Outcome, tables: Tables, *, claim: bool
    ) -> tuple[Answer, bool]:
        message, decision, now = received.message, judged.decision, judged.context.now
        for change in outcome.changes:
            record(change, tables, now)
        for effect in outcome.effects:
            self._around.announcer.commit(effect, tables, now)
        if decision.rule == "number_wrong":
            approval = find_approval(judged.case.request.target, tables)
            assert approval is not None, "the gate has compared its number"
            tables.approvals.note_wrong_number(approval.id, judged.context.person.id, now)
        answer, reply = self._answer(received, judged, outcome, tables)
        replied = False
        if claim:
            number = tables.inbox.claim(message, judged.context.person.id, answer.to_json())
            tables.thread.add_exchange(judged.context.person.id, number, message.received_at)
            if judged.reading.pressed is not None and (decision.allowed or outcome.changes):
                tables.buttons.press(judged.reading.pressed.hash, judged.context.person.id, number, now)
            if judged.reading.confirmed is not None and not tables.confirmations.consume(
                judged.reading.confirmed, number, now
            ):
                raise AlreadyDecidedError(judged.reading.confirmed)
            kept = Kept(message, judged.context.person.id, answer, reply, number)
            replied = not _challenged(outcome) and self._reply(kept, judged.reading, tables, now)
        wrote = bool(outcome.changes or outcome.effects)
        self._around.sealer.seal_if_due(tables, now, privileged=wrote)
        return answer, wrote or replied

    def _answer(self, received: Received, judged: Judged, outcome: Outcome, tables: Tables) -> tuple[Answer, Reply]:
        decision, now = judged.decision, judged.context.now
        entry = entry_of(received.message, judged.case, decision, outcome.changes, now)
        seq, row_hash = tables.audit.append(entry)
        reply = outcome.reply
        silent = received.message.carrier_word is not None or self._already_told_the_limit(
            received.message, judged, tables
        )
        if not reply.text and not silent:
            handle = tables.handles.next(now)
            tables.handles.give(handle, "decision", str(seq), now)
            reply = refusal(decision, handle)
        return Answer(reply.text or None, reply.keys, decision.verdict, decision.rule, receipt(seq, row_hash)), reply

    def _reply(self, kept: Kept, reading: Reading | None, tables: Tables, now: datetime) -> bool:
        """Put the answer into the outbox where the channel is answered that way."""
        rows = replies_to(kept, reading, tables, now)
        for deliver in rows:
            self._around.announcer.commit(deliver, tables, now)
        return bool(rows)

    def _pressed_again(self, received: Received, person: Person, first: int, tables: Tables) -> tuple[Answer, bool]:
        """Tell somebody who pressed the same button twice what the first press did."""
        message, now = received.message, self._around.clock.now()
        earlier = tables.inbox.answered(first)
        assert earlier is not None, "messages are never deleted"
        answer = Answer.from_json(earlier[1]).again()
        evidence: dict[str, object] = {"person": person.id, "first": first}
        tables.audit.append(event(now, "button-pressed-again", message.message_id, "repeated", evidence))
        number = tables.inbox.claim(message, person.id, answer.to_json())
        replied = self._reply(Kept(message, person.id, answer, Reply(answer.text or ""), number), None, tables, now)
        self._around.sealer.seal_if_due(tables, now, privileged=False)
        return answer, replied

    def _already_told_the_limit(self, message: Inbound, judged: Judged, tables: Tables) -> bool:
        """Limits answer once an hour, then fall silent (docs/design.md)."""
        if judged.decision.rule != "rate_limited":
            return False
        return tables.rates.count(f"limited:{message.channel}:{judged.context.person.id}", judged.context.now) > 1

    def _stranger(self, received: Received, tables: Tables, *, known: bool) -> tuple[Answer, bool]:
        """Link whoever sends a code that was made for that; keep silent towards everybody else, and tell those in charge."""
        message, state, now = received.message, received.state, self._around.clock.now()
        link = None if known else link_by_code(message, received.understood, tables)
        decision = evaluate(_UNREAD, None, message.proof, Facts(message.channel, self._around.mode(tables)), state)
        outgoing: list[Outgoing] = [link] if link else []
        if link is None:
            outgoing += alarms_about(message, self._around.people.all(), state, tables, now)
        if message.press is not None and message.reply_to is not None and not known:
            outgoing.append(silent_toast(message, message.press, message.reply_to))
        for one in outgoing:
            self._around.announcer.commit(one, tables, now)
        facts = Facts(message.channel, self._around.mode(tables))
        tables.audit.append(entry_of(message, Case(_UNREAD, None, message.proof, facts, state), decision, (), now))
        answer = Answer(None, (), decision.verdict, decision.rule)
        if not known:
            tables.inbox.claim(message, None, answer.to_json())
        self._around.sealer.seal_if_due(tables, now, privileged=link is not None)
        return answer, bool(outgoing)


def is_repeat(received: Received, taken: Taken) -> bool:
    """Tell a repeat from a reused id: a repeat comes from the same person, and answers are for nobody else."""
    person = received.person.id if received.person else None
    return taken.text == received.message.text and taken.person == person


def _challenged(outcome: Outcome) -> bool:
    """Tell whether the outcome asks for a code by itself: then a second text would only cost money."""
    return any(isinstance(one, Deliver) and one.notice.kind is NoticeKind.CHALLENGE for one in outcome.effects)


def _subject(understood: Parsed | NotUnderstood, context: Context, tables: Tables) -> Subject:
    if isinstance(understood, NotUnderstood):
        return Subject(Request("unread", RequestKind.READ, Scope.READ, clean_line(understood.verb, 20)))
    return understood.command.about(understood.arguments, context, tables)
