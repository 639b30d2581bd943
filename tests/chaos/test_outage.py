"""An hour without each provider and without all of them, and 40 % of calls going wrong: nothing lost, nothing said twice.

Everything is judged by what the providers took and the phones show; our own tables are only asked whether they agree.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.effects import Deliver
from domain.notices import DeliveryState
from domain.people import Address, AddressKind
from store.tables.outbox import Listed
from tests.chaos.outage_world import PEOPLE, PROVIDERS, OutageWorld, address, outage_world

NOTICES = 10_000
OUTAGES: tuple[frozenset[str], ...] = (*(frozenset({name}) for name in PROVIDERS), frozenset(PROVIDERS))
STRETCH = -(-NOTICES // (2 * len(OUTAGES) + 2))  # notices in each hour of outage, and in each stretch with faults
FAULTS = 0.4
FAULTS_SECONDS, CALM_SECONDS = 1200, 300
ALONE_SECONDS, WITH_FAULTS_SECONDS = 2400, 1200  # an hour of outage: the others work, then they fail, too
RECOVERY_P95_SECONDS, RECOVERY_SECONDS = 30.0, 300.0
OTHER_CHANNEL_SECONDS = 60.0
# What a provider takes at once and a second: the n-th of those that waited cannot come sooner (Bot API; Slack's webhooks).
RATES = {"telegram": 25.0, "slack": 1.0}


@dataclass(frozen=True, slots=True)
class Outage:
    """Some providers that were away together: when, and until when the others had no faults."""

    away: frozenset[str]
    began: datetime
    calm_until: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Delays:
    """How long something took, in seconds, shortest first."""

    seconds: Sequence[float]

    def share(self, share: float) -> float:
        return self.seconds[min(int(len(self.seconds) * share), len(self.seconds) - 1)]

    @property
    def text(self) -> str:
        return f"{len(self.seconds):6}{self.share(0.5):8.1f}{self.share(0.95):8.1f}{self.seconds[-1]:8.1f}"


async def faults(world: OutageWorld) -> None:
    """Let 40 % of all calls go wrong for a while."""
    world.mix_faults(FAULTS)
    world.plan(STRETCH, FAULTS_SECONDS)
    await world.run(FAULTS_SECONDS)


async def hour_without(world: OutageWorld, away: frozenset[str], share_after: float) -> Outage:
    """Let providers be away for an hour, and then come back with that share of faults."""
    world.mix_faults(0)
    world.plan(STRETCH, ALONE_SECONDS + WITH_FAULTS_SECONDS)
    began = world.clock.now()
    world.take_away(away)
    await world.run(ALONE_SECONDS)
    calm_until = world.clock.now()
    world.mix_faults(FAULTS)
    await world.run(WITH_FAULTS_SECONDS)
    world.mix_faults(share_after)
    world.bring_back()
    ended = world.clock.now()
    await world.run(CALM_SECONDS)
    return Outage(away, began, calm_until, ended)


def recovery(world: OutageWorld, provider: str, ended: datetime) -> Delays:
    """Return how long after its return a provider took what had waited for it, beyond what its rate costs."""
    came = sorted(
        (copies[0].at - ended).total_seconds()
        for number, copies in world.arrivals[provider].items()
        if world.planned[number].at < ended < copies[0].at
    )
    return Delays(sorted(one - place / RATES.get(provider, float("inf")) for place, one in enumerate(came)))


def other_channel(world: OutageWorld, outage: Outage) -> Delays:
    """Return how long after it was committed a notice reached the next channel, for want of the first."""
    late = timedelta(seconds=OTHER_CHANNEL_SECONDS)
    waited = [
        (one, world.arrivals[one.fallback].get(one.number))
        for one in world.planned.values()
        if one.fallback is not None and one.channel in outage.away and one.fallback not in outage.away
        if outage.began < one.at < outage.calm_until - late
    ]
    return Delays(sorted((copies[0].at - one.at).total_seconds() if copies else float("inf") for one, copies in waited))


def check_nothing_lost(world: OutageWorld) -> None:
    """Check that each notice came by its own channel; a fallback is more than was asked for."""
    assert len(world.planned) >= NOTICES
    lost = [one for one in world.planned.values() if one.number not in world.arrivals[one.channel]]
    assert lost == []


def check_nothing_doubled(world: OutageWorld) -> None:
    """Check that phones show each notice once, and that where nobody can know each further copy says that it is one."""
    assert [copies for copies in world.arrivals["sms"].values() if len(copies) > 1] == []
    shown = Counter(
        one.message
        for person in range(PEOPLE)
        for one in world.ntfy.notifications(address("ntfy", person).partition(":")[2])
    )
    assert len(shown) == len(world.arrivals["ntfy"])
    assert set(shown.values()) == {1}
    for provider in ("telegram", "slack"):
        for copies in world.arrivals[provider].values():
            assert all(copy.text.startswith("(repeat)") for copy in copies[1:]), copies
    assert not any("(repeat)" in copies[0].text for name in ("sms", "ntfy") for copies in world.arrivals[name].values())


async def check_records(world: OutageWorld) -> int:
    """Check that every outbox row is settled, with an audit row for each of its tries; return how many tries there were."""
    tries, ends = defaultdict(set), {}
    for row in await world.bot.audit_rows():
        if row["action"] == "effect-deliver":
            tries[row["target"]].add(row["evidence"]["try"])
            ends[row["target"]] = row["outcome"]
    rows = await world.bot.read(lambda tables: tables.outbox.listing(None, 10 * NOTICES))
    assert {listed.state for listed in rows} == {DeliveryState.DELIVERED}
    for listed in rows:
        target = _target(listed)
        assert (tries[target], ends[target]) == (set(range(1, listed.tries + 1)), listed.state.value), listed
    return sum(map(len, tries.values()))


def _target(row: Listed) -> str:
    """Return what the audit log calls an outbox row: the notice, and its address without what nobody else may read."""
    assert isinstance(row.effect, Deliver)
    kind, _, value = row.effect.to.partition(":")
    return f"{row.effect.notice.key}:{Address(AddressKind(kind), value).masked()}"


@pytest.mark.long
@pytest.mark.chaos
async def test_outages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = random.SystemRandom().randrange(10**6)
    async with outage_world(tmp_path, random.Random(seed)) as world:
        await faults(world)
        outages = []
        for away in OUTAGES:
            outages.append(await hour_without(world, away, share_after=0))
            await faults(world)
        into_faults = await hour_without(world, frozenset(PROVIDERS), share_after=FAULTS)
        await world.run_until_settled()
        check_nothing_lost(world)
        check_nothing_doubled(world)
        tries = await check_records(world)
        with capsys.disabled():
            print(f"\nseed {seed}: {len(world.planned)} notices, {tries} tries\n{table(world, outages, into_faults)}")  # noqa: T201 - the figures are the point
        for outage in outages:
            for provider in outage.away:
                delays = recovery(world, provider, outage.ended)
                assert delays.share(0.95) <= RECOVERY_P95_SECONDS, (outage, provider, delays)
                assert delays.seconds[-1] <= RECOVERY_SECONDS, (outage, provider, delays)
            if len(outage.away) == 1:
                assert other_channel(world, outage).seconds[-1] <= OTHER_CHANNEL_SECONDS


def table(world: OutageWorld, outages: Iterable[Outage], into_faults: Outage) -> str:
    """Return the figures as lines."""
    lines = [f"{'seconds, beyond what the rate costs':50}  many     p50     p95     max"]
    for outage in outages:
        name = "all" if len(outage.away) > 1 else "it"
        lines += [
            f"{f'{one} takes what waited while {name} was away':50}{recovery(world, one, outage.ended).text}"
            for one in PROVIDERS
            if one in outage.away
        ]
    lines += [
        f"{f'{one}: the same while 40 % of calls still fail':50}{recovery(world, one, into_faults.ended).text}"
        for one in PROVIDERS
    ]
    for outage in outages:
        if len(outage.away) == 1:
            lines.append(f"{f'another channel, without {min(outage.away)}':50}{other_channel(world, outage).text}")
    for provider in PROVIDERS:
        copies = [len(one) for one in world.arrivals[provider].values()]
        lines.append(f"{provider}: {len(copies)} notices taken in {sum(copies)} copies")
    return "\n".join(lines)
