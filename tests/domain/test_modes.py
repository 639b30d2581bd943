"""The lowest mode named anywhere wins, and the source that holds it is named."""

import itertools

import pytest

from domain.modes import Mode, ModeSources

HEIGHTS = {Mode.OFF: 0, Mode.READ_ONLY: 1, Mode.OPERATE: 2}


def test_the_modes_rise_from_off_to_operate() -> None:
    assert {mode: mode.rank for mode in Mode} == HEIGHTS


@pytest.mark.parametrize(("environment", "stored"), [*itertools.product([None, *Mode], Mode)])
def test_a_halt_file_means_off_whatever_else_is_set(environment: Mode | None, stored: Mode) -> None:
    sources = ModeSources(environment, stored, halt_file=True)
    assert (sources.effective, sources.held_by) == (Mode.OFF, "the HALT file")


@pytest.mark.parametrize("stored", [*Mode])
def test_without_a_mode_in_the_environment_the_stored_one_counts(stored: Mode) -> None:
    sources = ModeSources(None, stored, halt_file=False)
    assert (sources.effective, sources.held_by) == (stored, "the stored mode")


@pytest.mark.parametrize(("environment", "stored"), [*itertools.product(Mode, Mode)])
def test_the_environment_can_only_lower_the_mode(environment: Mode, stored: Mode) -> None:
    sources = ModeSources(environment, stored, halt_file=False)
    assert HEIGHTS[sources.effective] == min(HEIGHTS[environment], HEIGHTS[stored])
    narrows = HEIGHTS[environment] < HEIGHTS[stored]
    assert sources.held_by == ("AUTONOMY_MODE in the environment" if narrows else "the stored mode")
