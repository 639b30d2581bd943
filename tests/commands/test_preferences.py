"""subscribe, mute and sleep: own settings only, every bad word is named, and nothing is changed by a mistake."""

from datetime import timedelta
from pathlib import Path

import pytest

from commands.preference_changes import Mute, SetQuietHours, Subscribe, describe_preference, record_preference
from commands.topics import known_topics, topics_of
from domain.decisions import Verdict
from domain.people import Proof
from domain.preferences import Level, Preferences, QuietHours
from policy.loading import load_policy
from tests.fakes.announcing import announcing
from tests.fakes.chat import Chat, chat
from tests.fakes.policies import example_policy, loaded
from tests.fakes.records import make_run
from tests.fakes.virtual_time import START


async def settings(bot: Chat, who: str = "vic") -> Preferences:
    return await bot.read(lambda tables: tables.preferences.of(who))


async def say(bot: Chat, text: str, who: str = "vic") -> str:
    answer = await bot.say(text, person=who)
    assert (answer.verdict, answer.problem) == (Verdict.ALLOW, None), answer
    assert answer.text is not None
    return answer.text


@pytest.mark.parametrize(
    ("text", "topic", "level", "said"),
    [
        ("subscribe mutation", "mutation", Level.FINALS, "how each run ended"),
        ("Subscribe ALL Failures", "all", Level.FAILURES, "runs that did not succeed"),
        ("subscribe strict all", "strict", Level.ALL, "every attempt and end"),
    ],
)
async def test_a_loop_an_action_or_all_can_be_subscribed_to(
    tmp_path: Path, text: str, topic: str, level: Level, said: str
) -> None:
    async with chat(tmp_path) as bot:
        told = await say(bot, text)
        assert told == f"You are told of {topic}: {said}. What you ask for yourself is always told."
        assert await settings(bot) == Preferences(subscriptions={topic: level})
        assert await settings(bot, "ann") == Preferences()


async def test_a_later_subscription_replaces_the_level_and_off_ends_it(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await say(bot, "subscribe mutation all")
        await say(bot, "subscribe mutation failures")
        assert (await settings(bot)).subscriptions == {"mutation": Level.FAILURES}
        assert await say(bot, "subscribe mutation off") == "You are not told of mutation any more."
        assert (await settings(bot)).subscriptions == {}


async def test_without_an_argument_everything_one_has_set_is_shown(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        assert await say(bot, "subscribe") == "You are told of your own runs only."
        for text in ("subscribe triage failures", "subscribe all", "mute triage 2", "mute mutation 1", "sleep 22-6:30"):
            await say(bot, text)
        bot.clock.advance(3600)
        assert await say(bot, "subscribe") == (
            "all: how each run ended\n"
            "triage: runs that did not succeed\n"
            "triage is muted until 2026-11-22T16:00Z\n"
            "Quiet from 22:00 to 06:30 UTC"
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subscribe nothing", "there is no loop or action nothing; there is all, triage, mutation, autonomy, deploy"),
        ("subscribe mutation loud", "the level must be all, finals, failures or off, not loud"),
        ("mute nothing", "there is no loop or action nothing;"),
        ("mute all 0", "hours must be a number from 1 to 168, or off, not 0"),
        ("mute all 169", "hours must be a number from 1 to 168, or off, not 169"),
        ("mute all ٣", "hours must be a number from 1 to 168, or off, not ٣"),
        ("mute all 1.5", "hours must be a number from 1 to 168, or off, not 1.5"),
        ("sleep 22", "hours are written as 22-7 or 22:30-06:45, or off, not 22"),
        ("sleep 24-7", "hours are written as 22-7"),
        ("sleep 22:60-7", "hours are written as 22-7"),
        ("sleep 22-7-8", "hours are written as 22-7"),
        ("sleep 22-22:00", "quiet hours must end at another time than they begin"),
        ("sleep 22-7 Atlantis/Capital", "there is no time zone Atlantis/Capital; zones are written as Europe/Zurich"),
        ("sleep 22-7 Europe", "there is no time zone Europe;"),
        ("sleep 22-7 ../../etc/passwd", "there is no time zone ../../etc/passwd;"),
        ("sleep 22-7 /etc/localtime", "there is no time zone /etc/localtime;"),
        ("sleep 22-7 tzdata.zi", "there is no time zone tzdata.zi;"),
    ],
)
async def test_a_mistake_changes_nothing_and_is_named(tmp_path: Path, text: str, said: str) -> None:
    async with chat(tmp_path) as bot:
        answer = await say(bot, text)
        assert answer.startswith(f"Not done: {said}")
        assert await settings(bot) == Preferences()


@pytest.mark.parametrize(("text", "hours"), [("mute all", 8), ("mute all 1", 1), ("mute all 168", 168)])
async def test_muting_lasts_as_long_as_was_said(tmp_path: Path, text: str, hours: int) -> None:
    async with chat(tmp_path) as bot:
        until = bot.clock.now() + timedelta(hours=hours)
        assert (await say(bot, text)).startswith(f"all is muted until {until:%Y-%m-%dT%H:%M}Z.")
        assert (await settings(bot)).muted == {"all": until}
        assert await say(bot, "mute all off") == "all is not muted."
        assert (await settings(bot)).muted == {}


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("sleep 22-7", QuietHours(1320, 420, "UTC")),
        ("sleep 22:30-06:45 Europe/Zurich", QuietHours(1350, 405, "Europe/Zurich")),
        ("sleep 0-8 america/new_york", QuietHours(0, 480, "America/New_York")),
        ("sleep 13-14 utc", QuietHours(780, 840, "UTC")),
        ("Sleep 9:05-9:06.", QuietHours(545, 546, "UTC")),
    ],
)
async def test_quiet_hours_are_set_in_the_persons_own_zone(tmp_path: Path, text: str, quiet: QuietHours) -> None:
    async with chat(tmp_path) as bot:
        assert quiet.zone in await say(bot, text)
        assert (await settings(bot)).quiet == quiet


async def test_the_zone_stays_until_another_is_named_and_off_ends_the_hours(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await say(bot, "sleep 22-7 Asia/Tokyo")
        assert (await say(bot, "sleep 23-6")) == (
            "Quiet from 23:00 to 06:00 Asia/Tokyo: what is urgent or waits for your answer still comes, the rest"
            " afterwards."
        )
        assert await say(bot, "sleep off") == "No quiet hours any more."
        assert (await settings(bot)).quiet is None


@pytest.mark.parametrize("text", ["subscribe all", "mute all", "sleep 0-23:59"])
async def test_a_number_alone_silences_nobody(tmp_path: Path, text: str) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say(text, person="vic", channel="sms", proof=Proof.ADDRESS)
        assert answer.verdict is not Verdict.ALLOW
        assert await settings(bot) == Preferences()
        shown = await bot.say("subscribe", person="vic", channel="sms", proof=Proof.ADDRESS)
        assert shown.verdict is Verdict.ALLOW


async def test_what_was_set_is_in_the_audit_log(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await say(bot, "mute all 2")
        row = (await bot.audit_rows())[-1]
        assert (row["action"], row["target"], row["evidence"]["changes"]) == ("mute", "all", ["all muted for vic"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Subscribe("vic", "all", Level.FINALS), "vic is told finals of all"),
        (Subscribe("vic", "all", None), "vic is told nothing more of all"),
        (Mute("vic", "all", START), "all muted for vic"),
        (Mute("vic", "all", None), "all unmuted for vic"),
        (SetQuietHours("vic", QuietHours(0, 1, "UTC")), "quiet hours set for vic"),
        (SetQuietHours("vic", None), "quiet hours ended for vic"),
    ],
)
def test_each_change_is_said_in_a_few_words(change: Subscribe | Mute | SetQuietHours, words: str) -> None:
    assert describe_preference(change) == words


async def test_an_unknown_change_is_an_error_and_never_dropped(tmp_path: Path) -> None:
    unknown: Subscribe = "something nobody has heard of"  # type: ignore[assignment]
    with pytest.raises(AssertionError, match="unreachable"):
        describe_preference(unknown)
    async with announcing(tmp_path) as desk:
        with pytest.raises(AssertionError, match="unreachable"):
            await desk.write(lambda tables: record_preference(unknown, tables, START))


def test_topics_are_all_the_loops_and_the_actions_each_once() -> None:
    policy = loaded(example_policy()).policy
    assert known_topics(policy) == ["all", "triage", "mutation", "autonomy", "deploy", "release", "strict"]
    assert known_topics(load_policy(None).policy) == ["all", "triage", "mutation", "autonomy"]


def test_a_run_belongs_to_its_action_its_loop_and_to_all() -> None:
    document = example_policy()
    document["actions"]["strict"]["loop"] = "mutation"
    policy = loaded(document).policy
    assert topics_of(make_run(action="strict"), policy) == {"all", "strict", "mutation"}
    assert topics_of(make_run(action="deploy"), policy) == {"all", "deploy"}
    assert topics_of(make_run(action="gone"), None) == {"all", "gone"}
