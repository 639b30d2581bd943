"""Turning who should be told into what is sent: every notice finds its addresses here, inside the transaction that causes it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from commands.audience import thread_of
from commands.recording import NOTICE_LIFETIME, commit_effect
from commands.routing import Circumstances, route
from commands.surroundings import Directory
from commands.topics import topics_of
from domain.effects import Deliver, Outgoing, Tell, TellTeam
from domain.notices import Notice, NoticeKind, Urgency
from domain.people import AddressKind, Scope
from domain.preferences import Level
from domain.runs import Run, RunState
from policy.loading import PolicyState
from policy.rules.scope import scopes_of
from store.tables import Tables

_TEAM_KINDS = frozenset(
    {NoticeKind.FINAL, NoticeKind.APPROVAL_REQUEST, NoticeKind.APPROVAL_RESOLVED, NoticeKind.MODE_CHANGED}
)


class Announcer:
    """Commits effects and notices; whom `Tell` and `TellTeam` reach is decided by people's records and settings."""

    def __init__(
        self,
        people: Directory,
        reachable: frozenset[AddressKind],
        team: tuple[str, ...],
        policy: Callable[[], PolicyState],
    ) -> None:
        """Serve the channels that are `reachable`; `team` are the shared places, such as `slack:team`."""
        self._people = people
        self._reachable = reachable
        self._team = team
        self._policy = policy

    def commit(self, outgoing: Outgoing, tables: Tables, now: datetime) -> None:
        """Put an effect into the outbox, or everything that telling somebody takes."""
        match outgoing:
            case Tell():
                self._tell(outgoing, tables, now)
            case TellTeam():
                self._tell_team(outgoing, tables, now)
            case Deliver(notice=notice):
                commit_effect(outgoing, tables, now, urgent=_urgent(notice))
            case _:
                commit_effect(outgoing, tables, now)

    def tell_subscribers(self, run: Run, notice: Notice, tables: Tables, now: datetime) -> None:
        """Tell everybody who subscribed to this run's loop or action; who asked for it is told anyway and left out here."""
        state, people = self._policy(), {one.id: one for one in self._people.all()}
        topics = topics_of(run, state.policy)
        for person_id, levels in tables.preferences.subscribers().items():
            person = people.get(person_id)
            if person is None or person_id == run.requested_by or Scope.READ not in scopes_of(person, state):
                continue
            wanted = any(_covers(level, run, notice) for topic, level in levels.items() if topic in topics)
            muted = tables.preferences.of(person_id).muted if wanted else {}
            if wanted and not any(until > now for topic, until in muted.items() if topic in topics):
                self._tell(Tell(person_id, notice), tables, now)

    def push(self, person: str, deliver: Deliver, tables: Tables, now: datetime) -> None:
        """Send one notice to a push address now, and count it for the person's hour."""
        tables.rates.count(_pushes_of(person), now)
        self.commit(deliver, tables, now)

    def reaches(self, person: str, address: str) -> bool:
        """Tell whether an address is still one of this person's, or of the team's."""
        own = {one.text() for someone in self._people.all() if someone.id == person for one in someone.addresses}
        return address in own or address in self._team

    def _tell(self, tell: Tell, tables: Tables, now: datetime) -> None:
        thread = Deliver(thread_of(tell.person), tell.notice)
        if tables.outbox.has(f"{tell.notice.key}:{thread.to}"):
            return  # told before under this key, perhaps at another address: telling twice tells once
        self.commit(thread, tables, now)
        person = next((one for one in self._people.all() if one.id == tell.person), None)
        if person is None:  # removed meanwhile; the thread's delivery says so in the record
            return
        preferences = tables.preferences.of(person.id)
        chosen = route(tell.notice, person, preferences, self._circumstances(tell, tables, now))
        if not chosen.addresses:
            return
        first, *rest = chosen.addresses
        deliver = Deliver(first, tell.notice, tuple(rest))
        if chosen.held_until is None:
            self.push(person.id, deliver, tables, now)
        else:
            tables.held.add(person.id, first, deliver, now, chosen.held_until, now + NOTICE_LIFETIME)

    def _circumstances(self, tell: Tell, tables: Tables, now: datetime) -> Circumstances:
        return Circumstances(
            now=now,
            reachable=self._reachable,
            opted_out=tables.reachability.all(),
            groups=self._team,
            pushed_this_hour=tables.rates.current(_pushes_of(tell.person), now),
            origin=tell.origin,
            but_not=tell.but_not,
        )

    def _tell_team(self, tell: TellTeam, tables: Tables, now: datetime) -> None:
        if tell.notice.urgency is not Urgency.HIGH and tell.notice.kind not in _TEAM_KINDS:
            return
        # Buttons in a shared place belong to nobody in particular: whoever presses is judged by the gate.
        notice = replace(tell.notice, choices_for=None)
        for to in self._team:
            channel = to.partition(":")[0]
            if channel in self._reachable and channel != tell.but_not and not tables.reachability.opted_out(to):
                self.commit(Deliver(to, notice), tables, now)


def _covers(level: Level, run: Run, notice: Notice) -> bool:
    if level is Level.ALL:
        return True
    over = notice.kind is NoticeKind.FINAL
    return over and (level is Level.FINALS or run.state is not RunState.SUCCEEDED)


def _urgent(notice: Notice) -> bool:
    # Whoever pressed a button waits for its answer, and the app gives up soon.
    return notice.urgency is Urgency.HIGH or bool(notice.choices) or notice.kind is NoticeKind.TOAST


def _pushes_of(person: str) -> str:
    return f"push:{person}"
