"""Writing down what became of one try: the row's state, its audit row, what it means for a run, and the next channel."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.performing import Fate, Performer, Tried
from bot.retry import wait_before
from channels.port import Handed
from commands.announcing import Announcer
from commands.audience import outcome_card
from commands.ledger import event
from commands.recording import commit_effect
from domain.approvals import ApprovalState
from domain.clock import Clock, to_text
from domain.effects import Deliver, Dispatch, LinkAddress, Tell
from domain.ids import Entropy, fingerprint
from domain.modes import ModeSources
from domain.notices import DeliveryState, Notice, NoticeKind
from domain.people import Address, AddressKind
from domain.runs import RunState
from loops.progress import Progress, closing_cards, final_notice, refuse
from loops.watch import commit_progress
from store.tables import Tables
from store.tables.outbox import OutboxRow

MAX_TRIES = 20_000  # a probe every 5 s for a day makes 17,280; this ends rows whose lifetime is broken
LOOK_BACK_CAP_SECONDS = 30.0  # looking back repeats nothing, and what it shows is wanted soon after an outage
FAN_OUT_AFTER = timedelta(seconds=30)  # of the 60 s within which another channel must be reached; a try takes up to 25
FAN_OUT_AFTER_TRIES = 3
FANNED_OUT_AT_ONCE = 100
RECEIPT_WITHIN = timedelta(seconds=60)  # then the provider is asked, and the next channel is tried meanwhile
_FINAL = frozenset({DeliveryState.DELIVERED.value, DeliveryState.DEAD.value})
_CARDS = frozenset({NoticeKind.ATTEMPT_START, NoticeKind.ATTEMPT_DONE})


class Settling:
    """Turns the fate of a try into rows, inside the transaction that settles it."""

    def __init__(
        self,
        performer: Performer,
        announcer: Announcer,
        mode: Callable[[Tables], ModeSources],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """Wire it; the performer is only asked how long its providers need before one can look back."""
        self._performer = performer
        self._announcer = announcer
        self._mode = mode
        self._clock = clock
        self._entropy = entropy

    def record(self, row: OutboxRow, tried: Tried, tables: Tables, tries: int | None = None) -> bool:
        """Write one try down; True when that left something to do at once.

        `tries` is how many count towards the next wait, where not all of them do.
        """
        now = self._clock.now()
        match tried.fate:
            case Fate.DONE:
                return self._done(row, tried, tables, now)
            case Fate.ACCEPTED:
                return self._accepted(row, tried, tables, now)
            case Fate.PACED:
                wait = timedelta(seconds=tried.retry_after_seconds or 0)
                tables.outbox.postpone(row, unsent(row), min(now + wait, row.expires_at), "", counts=False)
                return False
            case _ if tried.fate is Fate.NEVER or row.tries >= MAX_TRIES or now >= row.expires_at:
                state = DeliveryState.EXPIRED if now >= row.expires_at else DeliveryState.DEAD
                return self._ended(row, tried, state, tables)
            case _:
                return self._postpone(row, tried, tables, row.tries if tries is None else tries)

    def receipt(self, row: OutboxRow, state: DeliveryState, reason: str | None, tables: Tables) -> bool:
        """Write down what a provider's receipt settled; True when the next channel is tried."""
        self._audit(row, reason, state, tables)
        return state is DeliveryState.DEAD and self._fan_out(row, tables, self._clock.now())

    def fan_out_late(self, tables: Tables, now: datetime) -> int:
        """Try the next channel for every notice that has been on its way for too long; return how many those were."""
        late = tables.outbox.to_fan_out(now - FAN_OUT_AFTER, FANNED_OUT_AT_ONCE)
        return sum(self._fan_out(row, tables, now) for row in late)

    def _done(self, row: OutboxRow, tried: Tried, tables: Tables, now: datetime) -> bool:
        handed = tried.handed or Handed()
        if not tables.outbox.settle(row, DeliveryState.DELIVERED, now, None, handed.provider_id):
            return False
        self._audit(row, tried.reason, DeliveryState.DELIVERED, tables)
        self._reached_forge(row, tried, tables, now)
        if isinstance(row.effect, LinkAddress):
            self._tell_linked(row.effect, tables, now)
            return True
        return isinstance(row.effect, Deliver) and self._shown(row.effect, handed, tables, now)

    def _accepted(self, row: OutboxRow, tried: Tried, tables: Tables, now: datetime) -> bool:
        """Wait for the receipt, unless it overtook the provider's own answer."""
        assert tried.handed is not None, "a channel said it"
        assert isinstance(row.effect, Deliver), "only channels accept without delivering"
        provider_id = tried.handed.provider_id or ""
        channel = row.effect.to.partition(":")[0]
        if not tables.outbox.await_receipt(row, provider_id, now + RECEIPT_WITHIN):
            return False
        self._audit(row, tried.reason, DeliveryState.SENDING, tables)
        early = tables.receipts.get(channel, provider_id)
        if early is None or early.status not in _FINAL:
            return False
        state = DeliveryState(early.status)
        settled = tables.outbox.settle_by_receipt(channel, provider_id, state, now, early.error)
        return settled is not None and self.receipt(settled, state, early.error, tables)

    def _ended(self, row: OutboxRow, tried: Tried, state: DeliveryState, tables: Tables) -> bool:
        now = self._clock.now()
        if not tables.outbox.settle(row, state, now, tried.reason):
            return False
        self._audit(row, tried.reason, state, tables)
        if tried.fate is not Fate.UNCLEAR:  # else the watch finds the job, or says that nobody can tell (I11)
            self._never_reached_forge(row, tried, state, tables)
        self._fan_out(row, tables, now)
        return True

    def _postpone(self, row: OutboxRow, tried: Tried, tables: Tables, tries: int) -> bool:
        now = self._clock.now()
        asked = None if tried.retry_after_seconds is None else int(tried.retry_after_seconds)
        wait = wait_before(tries, asked, self._entropy)
        state = DeliveryState.PENDING
        if tried.fate is Fate.UNCLEAR:
            # A provider needs its time after it was sent something, not after it was asked.
            seconds = 0.0 if tried.looked else self._performer.look_back_after_seconds(row.effect)
            look_back = timedelta(seconds=seconds)
            cap = timedelta(seconds=max(LOOK_BACK_CAP_SECONDS, asked or 0))
            state, wait = DeliveryState.AMBIGUOUS, max(min(wait, cap), look_back)
        elif tried.fate is Fate.REPEAT:
            state = DeliveryState.AMBIGUOUS
        if not tables.outbox.postpone(row, state, min(now + wait, row.expires_at), tried.reason or ""):
            return False
        self._audit(row, tried.reason, state, tables)
        hopeless = tried.fate is Fate.BROKEN or row.tries >= FAN_OUT_AFTER_TRIES
        return hopeless and self._fan_out(row, tables, now)

    def _fan_out(self, row: OutboxRow, tables: Tables, now: datetime) -> bool:
        """Let the next channel have a try as well, once."""
        effect = row.effect
        if not isinstance(effect, Deliver) or not effect.fallbacks or not tables.outbox.mark_fanned(row.id, now):
            return False
        onward = Deliver(effect.fallbacks[0], effect.notice, effect.fallbacks[1:])
        commit_effect(onward, tables, now, urgent=True)
        evidence: dict[str, object] = {"from": _masked(effect.to), "to": _masked(onward.to), "tries": row.tries}
        tables.audit.append(event(now, "notice-fanned-out", effect.notice.key, "next channel", evidence))
        return True

    def _shown(self, effect: Deliver, handed: Handed, tables: Tables, now: datetime) -> bool:
        """Bind the buttons to the message they were sent with, and remember the message as the subject's card."""
        notice = effect.notice
        if handed.provider_id is None:
            return False
        tables.buttons.bind([fingerprint(token) for token in handed.tokens], handed.provider_id)
        if notice.subject is None or not (handed.tokens or notice.kind in _CARDS):
            return False
        tables.cards.put(effect.to, notice.subject, handed.provider_id, now)
        cards = self._overtaken_by(notice.kind, notice.subject, effect.to, tables)
        for card in cards:
            commit_effect(card, tables, now)
        return bool(cards)

    def _overtaken_by(self, kind: NoticeKind, subject: str, to: str, tables: Tables) -> tuple[Deliver, ...]:
        """Return what brings a message up to date whose request was decided, or whose run ended, while it was on its way."""
        approval = tables.approvals.get(subject) if kind is NoticeKind.APPROVAL_REQUEST else None
        if approval is not None and approval.state is not ApprovalState.OPEN:
            return (outcome_card(approval, to),)
        run = tables.runs.get(subject) if kind in _CARDS else None
        if run is None or not run.state.final:
            return ()
        final = final_notice(run, self._mode(tables).effective.value)
        return closing_cards(Progress(run, (final,)), [to])

    def _tell_linked(self, effect: LinkAddress, tables: Tables, now: datetime) -> None:
        kind, _, value = effect.address.partition(":")
        masked = Address(AddressKind(kind), value).masked()
        text = f"{masked} is linked: it is {effect.person} from now on. If this was not you, tell the operators."
        notice = Notice(f"linked:{effect.person}:{to_text(now)}", NoticeKind.ALARM, text)
        self._announcer.commit(Deliver(effect.address, notice), tables, now)
        self._announcer.commit(Tell(effect.person, notice), tables, now)  # also where they were known before

    def _audit(self, row: OutboxRow, reason: str | None, state: DeliveryState, tables: Tables) -> None:
        """Every try leaves a row (I8); the notice's text stays out, its key says which it was."""
        match row.effect:
            case Deliver(to=to, notice=notice):
                key = f"{notice.key}:{_masked(to)}"
            case LinkAddress(address=address):
                key = f"link:{_masked(address)}"
            case _:
                key = row.key
        evidence: dict[str, object] = {"key": key, "try": row.tries, "error": reason}
        kind = type(row.effect).__name__.lower()
        tables.audit.append(event(self._clock.now(), f"effect-{kind}", key, state.value, evidence))

    def _reached_forge(self, row: OutboxRow, tried: Tried, tables: Tables, now: datetime) -> None:
        run = tables.runs.get(row.effect.run_id) if isinstance(row.effect, Dispatch) else None
        if run is not None and run.state is RunState.ACCEPTED:
            url = tried.job.url if tried.job else None
            tables.runs.change(replace(run, state=RunState.DISPATCHED, url=url), now)

    def _never_reached_forge(self, row: OutboxRow, tried: Tried, state: DeliveryState, tables: Tables) -> None:
        run = tables.runs.get(row.effect.run_id) if isinstance(row.effect, Dispatch) else None
        if run is not None and not run.state.final:
            mode, sentence = self._mode(tables).effective.value, tried.reason or ""
            # A refusal begins with its code; what ran out of time before ends with whatever was in its way.
            code = sentence.partition(":")[0] if tried.fate is Fate.NEVER else state.value
            progress = refuse(run, code or state.value, sentence, mode, self._clock.now())
            commit_progress(progress, self._announcer, tables, self._clock)


def unsent(row: OutboxRow) -> DeliveryState:
    """Return the state of a row that was only paced: what was unclear before stays unclear."""
    return DeliveryState.AMBIGUOUS if row.state is DeliveryState.AMBIGUOUS else DeliveryState.PENDING


def _masked(to: str) -> str:
    kind, _, value = to.partition(":")
    return Address(AddressKind(kind), value).masked()
