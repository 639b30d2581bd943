"""Announcing: everybody's thread has everything, one push reaches them where they are, and nothing is told twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.recording import NOTICE_LIFETIME
from commands.routing import MAX_PUSHES_PER_HOUR
from domain.effects import CancelRun, Deliver, Tell, TellTeam
from domain.notices import Choice, Notice, NoticeKind, Urgency
from domain.people import AddressKind
from domain.preferences import Level, QuietHours
from domain.runs import Run, RunState
from store.tables import Tables
from tests.fakes.announcing import AnnouncingDesk, announcing
from tests.fakes.directory import ANN, BEN, person
from tests.fakes.policies import example_policy, loaded
from tests.fakes.records import make_run
from tests.fakes.virtual_time import START

TEAM = ("slack:team", "telegram:-100")
CHOICES = (Choice("Deny", "no 3K"),)


def notice(
    key: str = "k", kind: NoticeKind = NoticeKind.FINAL, urgency: Urgency = Urgency.NORMAL, **more: Any
) -> Notice:
    return Notice(key, kind, f"text of {key}", urgency=urgency, **more)


async def fall_asleep(desk: AnnouncingDesk, who: str = "ann") -> datetime:
    """Begin quiet hours now, and return when they end."""
    await desk.write(lambda tables: tables.preferences.set_quiet(who, QuietHours(14 * 60, 15 * 60 + 30, "UTC")))
    return datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


async def test_a_person_is_told_in_the_own_thread_and_by_one_push_with_the_rest_as_fallbacks(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await desk.commit(Tell("ann", notice(urgency=Urgency.HIGH)))
        assert [one.deliver for one in desk.queued()] == [
            Deliver("web:ann", notice(urgency=Urgency.HIGH)),
            Deliver("telegram:ann", notice(urgency=Urgency.HIGH), ("ntfy:ann", "sms:ann")),
        ]
        assert await desk.store.read(lambda tables: tables.rates.current("push:ann", START)) == 1


async def test_nobody_is_pushed_where_no_channel_is_configured(tmp_path: Path) -> None:
    async with announcing(tmp_path, reachable=frozenset()) as desk:
        await desk.commit(Tell("ann", notice(urgency=Urgency.HIGH)))
        assert list(desk.sent()) == ["web:ann"]
        assert await desk.store.read(lambda tables: tables.rates.current("push:ann", START)) == 0


async def test_the_same_key_again_tells_nothing_again_even_when_another_address_would_be_chosen(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await desk.commit(Tell("ann", notice()))
        await desk.write(lambda tables: tables.reachability.opt_out("telegram:ann", START, "blocked"))
        await desk.commit(Tell("ann", notice()))
        assert list(desk.sent()) == ["web:ann", "telegram:ann"]
        assert await desk.store.read(lambda tables: tables.rates.current("push:ann", START)) == 1


async def test_an_address_that_opted_out_is_passed_over(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await desk.write(lambda tables: tables.reachability.opt_out("telegram:ann", START, "blocked"))
        await desk.commit(Tell("ann", notice()))
        assert list(desk.sent()) == ["web:ann", "ntfy:ann"]


async def test_an_answer_goes_to_where_it_was_asked_and_an_alarm_not_by_the_channel_in_trouble(tmp_path: Path) -> None:
    async with announcing(tmp_path, team=TEAM) as desk:
        await desk.commit(Tell("ann", notice("in the group"), origin="telegram:-100"))
        await desk.commit(Tell("ben", notice("in trouble", NoticeKind.ALARM), but_not="telegram"))
        assert list(desk.sent()) == ["web:ann", "telegram:-100", "web:ben", "ntfy:ben"]


async def test_somebody_removed_meanwhile_is_told_nothing_by_push(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await desk.commit(Tell("zoe", notice()))
        assert list(desk.sent()) == ["web:zoe"]


async def test_quiet_hours_hold_the_push_but_not_the_thread(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        ends = await fall_asleep(desk)
        await desk.commit(Tell("ann", notice()), Tell("ben", notice()))
        assert list(desk.sent()) == ["web:ann", "web:ben", "telegram:ben"]
        (held,) = await desk.held()
        assert (held.person, held.to, held.until) == ("ann", "telegram:ann", ends)
        assert held.deliver == Deliver("telegram:ann", notice(), ("ntfy:ann",))
        assert held.expires_at == START + NOTICE_LIFETIME
        assert await desk.store.read(lambda tables: tables.rates.current("push:ann", START)) == 0


async def test_after_six_pushes_in_an_hour_the_rest_waits_and_the_urgent_does_not(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        for number in range(MAX_PUSHES_PER_HOUR + 2):
            await desk.commit(Tell("ann", notice(f"k{number}")))
        await desk.commit(Tell("ann", notice("urgent", urgency=Urgency.HIGH)))
        await desk.commit(Tell("ann", notice("asking", NoticeKind.APPROVAL_REQUEST, choices=CHOICES)))
        pushed = [one.key for one in desk.sent()["telegram:ann"]]
        assert pushed == ["k0", "k1", "k2", "k3", "k4", "k5", "urgent", "asking"]
        assert [(one.deliver.notice.key, one.until) for one in await desk.held()] == [
            ("k6", START + timedelta(hours=1)),
            ("k7", START + timedelta(hours=1)),
        ]
        desk.clock.advance(3600)
        await desk.commit(Tell("ann", notice("next hour")))
        assert desk.sent()["telegram:ann"][-1].key == "next hour"


async def test_what_is_urgent_or_has_buttons_takes_the_urgent_lane(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await desk.commit(
            Tell("ann", notice("plain")),
            Tell("ann", notice("urgent", urgency=Urgency.HIGH)),
            Deliver("ntfy:ann", notice("asking", choices=CHOICES)),
            Deliver("ntfy:ann", notice("direct")),
        )
        assert {one.deliver.notice.key: one.urgent for one in desk.queued()} == {
            "plain": False,
            "urgent": True,
            "asking": True,
            "direct": False,
        }


async def test_other_effects_go_into_the_outbox_as_they_are(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await desk.commit(CancelRun("RUN-1", "github", "CORRELATION-1"))
        assert await desk.store.read(lambda tables: tables.outbox.has("cancel:RUN-1"))


@pytest.mark.parametrize(
    ("kind", "urgency", "told"),
    [
        (NoticeKind.FINAL, Urgency.NORMAL, True),
        (NoticeKind.APPROVAL_REQUEST, Urgency.NORMAL, True),
        (NoticeKind.APPROVAL_RESOLVED, Urgency.NORMAL, True),
        (NoticeKind.MODE_CHANGED, Urgency.LOW, True),
        (NoticeKind.ALARM, Urgency.HIGH, True),
        (NoticeKind.ALARM, Urgency.NORMAL, False),
        (NoticeKind.ATTEMPT_START, Urgency.LOW, False),
        (NoticeKind.DIGEST, Urgency.NORMAL, False),
    ],
)
async def test_the_team_is_told_what_concerns_everybody(
    tmp_path: Path, kind: NoticeKind, urgency: Urgency, told: bool
) -> None:
    async with announcing(tmp_path, team=TEAM) as desk:
        await desk.commit(TellTeam(notice(kind=kind, urgency=urgency)))
        assert list(desk.sent()) == (list(TEAM) if told else [])


async def test_a_teams_place_that_cannot_or_must_not_be_reached_is_left_out(tmp_path: Path) -> None:
    async with announcing(tmp_path, team=TEAM, reachable=frozenset({AddressKind.TELEGRAM})) as desk:
        await desk.commit(TellTeam(notice("no Slack")))
        await desk.commit(TellTeam(notice("no Telegram"), but_not="telegram"))
        await desk.write(lambda tables: tables.reachability.opt_out("telegram:-100", START, "removed from the group"))
        await desk.commit(TellTeam(notice("out of the group")))
        assert {to: [one.key for one in told] for to, told in desk.sent().items()} == {"telegram:-100": ["no Slack"]}


async def test_the_teams_buttons_belong_to_nobody_in_particular(tmp_path: Path) -> None:
    async with announcing(tmp_path, team=("telegram:-100",)) as desk:
        asking = notice(kind=NoticeKind.APPROVAL_REQUEST, choices=CHOICES, choices_for="ann")
        await desk.commit(TellTeam(asking))
        (shown,) = desk.sent()["telegram:-100"]
        assert (shown.choices, shown.choices_for) == (CHOICES, None)


async def subscribe(desk: AnnouncingDesk, who: str, topic: str, level: Level = Level.ALL) -> None:
    await desk.write(lambda tables: tables.preferences.subscribe(who, topic, level))


async def told_of(desk: AnnouncingDesk, run: Run, what: Notice) -> set[str]:
    """Tell the subscribers of a run and return who was told in their thread."""
    await desk.write(lambda tables: desk.announcer.tell_subscribers(run, what, tables, desk.clock.now()))
    return {to.removeprefix("web:") for to in desk.sent() if to.startswith("web:")}


@pytest.mark.parametrize(("topic", "told"), [("all", True), ("strict", True), ("mutation", True), ("triage", False)])
async def test_a_subscriber_is_told_of_the_loop_the_action_or_all(tmp_path: Path, topic: str, told: bool) -> None:
    document = example_policy()
    document["actions"]["strict"]["loop"] = "mutation"
    async with announcing(tmp_path) as desk:
        desk.policy = loaded(document)
        await subscribe(desk, "vic", topic)
        assert await told_of(desk, make_run(action="strict"), notice()) == ({"vic"} if told else set())
        assert ("telegram:vic" in desk.sent()) is told


@pytest.mark.parametrize(
    ("level", "kind", "state", "told"),
    [
        (Level.ALL, NoticeKind.ATTEMPT_START, RunState.RUNNING, True),
        (Level.ALL, NoticeKind.FINAL, RunState.SUCCEEDED, True),
        (Level.FINALS, NoticeKind.ATTEMPT_DONE, RunState.RUNNING, False),
        (Level.FINALS, NoticeKind.FINAL, RunState.SUCCEEDED, True),
        (Level.FAILURES, NoticeKind.FINAL, RunState.SUCCEEDED, False),
        (Level.FAILURES, NoticeKind.FINAL, RunState.UNKNOWN, True),
        (Level.FAILURES, NoticeKind.FINAL, RunState.CANCELLED, True),
        (Level.FAILURES, NoticeKind.ATTEMPT_START, RunState.RUNNING, False),
    ],
)
async def test_the_level_says_how_much_a_subscriber_hears(
    tmp_path: Path, level: Level, kind: NoticeKind, state: RunState, told: bool
) -> None:
    async with announcing(tmp_path) as desk:
        await subscribe(desk, "vic", "all", level)
        assert await told_of(desk, make_run(state=state), notice(kind=kind)) == ({"vic"} if told else set())


async def test_the_more_telling_of_two_subscriptions_counts(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await subscribe(desk, "vic", "all", Level.FAILURES)
        await subscribe(desk, "vic", "mutation", Level.ALL)
        assert await told_of(desk, make_run(), notice(kind=NoticeKind.ATTEMPT_START)) == {"vic"}


async def test_who_asked_for_the_run_is_not_told_as_a_subscriber(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await subscribe(desk, "owner", "all")
        await subscribe(desk, "ann", "all")
        assert await told_of(desk, make_run(requested_by="owner"), notice()) == {"ann"}


@pytest.mark.parametrize("topic", ["all", "mutation"])
async def test_a_muted_topic_is_left_out_until_its_time_is_over(tmp_path: Path, topic: str) -> None:
    async with announcing(tmp_path) as desk:
        await subscribe(desk, "vic", "mutation")
        await desk.write(lambda tables: tables.preferences.mute("vic", topic, START + timedelta(hours=8)))
        assert await told_of(desk, make_run(), notice("muted")) == set()
        desk.clock.advance(8 * 3600)
        assert await told_of(desk, make_run(), notice("over")) == {"vic"}


async def test_muting_something_else_changes_nothing(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await subscribe(desk, "vic", "all")
        await desk.write(lambda tables: tables.preferences.mute("vic", "triage", START + timedelta(hours=8)))
        assert await told_of(desk, make_run(), notice()) == {"vic"}


async def test_a_subscriber_who_may_no_longer_read_or_is_gone_hears_nothing(tmp_path: Path) -> None:
    async with announcing(tmp_path, people=(ANN, BEN, person("eve", "no-such-role"))) as desk:
        for who in ("ann", "eve", "zoe"):
            await subscribe(desk, who, "all")
        assert await told_of(desk, make_run(), notice()) == {"ann"}


async def test_an_address_is_reached_as_long_as_it_is_the_persons_or_the_teams(tmp_path: Path) -> None:
    async with announcing(tmp_path, team=TEAM) as desk:
        reaches = desk.announcer.reaches
        assert reaches("ann", "telegram:ann")
        assert reaches("ann", "telegram:-100")
        assert not reaches("ann", "telegram:ben")
        assert not reaches("zoe", "telegram:ann")


async def test_a_push_is_counted_and_sent(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:

        def push(tables: Tables) -> None:
            desk.announcer.push("ann", Deliver("ntfy:ann", notice()), tables, START)

        await desk.write(push)
        assert list(desk.sent()) == ["ntfy:ann"]
        assert await desk.store.read(lambda tables: tables.rates.current("push:ann", START)) == 1
