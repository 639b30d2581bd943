"""A channel that keeps failing is given a rest and probed now and then; one that somebody must mend rests at once."""

from datetime import timedelta

import pytest

from bot.circuits import PROBE_EVERY, RESTS_AFTER, Circuits
from tests.fakes.virtual_time import START, VirtualTime

SECONDS = PROBE_EVERY.total_seconds()


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def circuits(clock: VirtualTime) -> Circuits:
    return Circuits(clock)


def fail(circuits: Circuits, times: int = 1, channel: str = "sms", wait: int | None = None) -> None:
    for _ in range(times):
        circuits.failed(channel, for_good=False, retry_after_seconds=wait)


def test_a_channel_that_was_never_tried_is_let_through(circuits: Circuits) -> None:
    assert (circuits.resting(), circuits.probes_due(), circuits.next_probe()) == (frozenset(), [], None)
    assert not circuits.worked("sms")


def test_failures_in_a_row_and_no_fewer_give_a_channel_a_rest(circuits: Circuits) -> None:
    fail(circuits, RESTS_AFTER - 1)
    assert (circuits.resting(), circuits.next_probe()) == (frozenset(), None)
    fail(circuits)
    assert circuits.resting() == {"sms"}
    assert circuits.next_probe() == START + PROBE_EVERY


def test_a_success_in_between_starts_the_count_anew(circuits: Circuits) -> None:
    fail(circuits, RESTS_AFTER - 1)
    assert not circuits.worked("sms")  # it had not been resting
    fail(circuits, RESTS_AFTER - 1)
    assert circuits.resting() == frozenset()


def test_what_somebody_must_mend_rests_at_once(circuits: Circuits) -> None:
    circuits.failed("sms", for_good=True)
    assert circuits.resting() == {"sms"}


def test_channels_rest_each_for_itself(circuits: Circuits) -> None:
    fail(circuits, RESTS_AFTER)
    fail(circuits, RESTS_AFTER - 1, "telegram")
    assert circuits.resting() == {"sms"}


def test_a_resting_channel_is_probed_once_in_each_interval(circuits: Circuits, clock: VirtualTime) -> None:
    fail(circuits, RESTS_AFTER)
    assert circuits.probes_due() == []
    clock.advance(SECONDS - 0.001)
    assert circuits.probes_due() == []
    clock.advance(0.001)
    assert circuits.probes_due() == ["sms"]
    assert circuits.probes_due() == []
    assert circuits.next_probe() == clock.now() + PROBE_EVERY
    clock.advance(SECONDS)
    assert circuits.probes_due() == ["sms"]


def test_a_probe_that_fails_waits_for_another_interval(circuits: Circuits, clock: VirtualTime) -> None:
    fail(circuits, RESTS_AFTER)
    clock.advance(SECONDS)
    circuits.probes_due()
    clock.advance(3)
    fail(circuits)
    assert circuits.next_probe() == clock.now() + PROBE_EVERY
    assert circuits.resting() == {"sms"}


def test_a_probe_that_gets_through_ends_the_rest_and_says_so_once(circuits: Circuits, clock: VirtualTime) -> None:
    circuits.failed("sms", for_good=True)
    clock.advance(SECONDS)
    assert circuits.worked("sms")
    assert not circuits.worked("sms")
    assert (circuits.resting(), circuits.next_probe(), circuits.probes_due()) == (frozenset(), None, [])
    fail(circuits, RESTS_AFTER - 1)
    assert circuits.resting() == frozenset()


@pytest.mark.parametrize(("wish", "waited"), [(None, SECONDS), (1, SECONDS), (300, 300)])
def test_the_providers_own_wish_is_kept_where_it_is_longer(circuits: Circuits, wish: int | None, waited: float) -> None:
    circuits.failed("sms", for_good=True, retry_after_seconds=wish)
    assert circuits.next_probe() == START + timedelta(seconds=waited)


def test_a_later_failure_without_a_wish_does_not_shorten_the_wait(circuits: Circuits) -> None:
    circuits.failed("sms", for_good=True, retry_after_seconds=300)
    fail(circuits)
    assert circuits.next_probe() == START + timedelta(seconds=300)


def test_the_next_probe_is_the_earliest_of_all(circuits: Circuits) -> None:
    circuits.failed("sms", for_good=True, retry_after_seconds=300)
    circuits.failed("telegram", for_good=True)
    assert circuits.next_probe() == START + PROBE_EVERY
