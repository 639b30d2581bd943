"""Everybody has their own subscriptions, mutings and quiet hours, and changes only those."""

from datetime import timedelta

from domain.preferences import Level, Preferences, QuietHours
from store.port import Store
from store.tables import Tables
from tests.fakes.virtual_time import START

NIGHT = QuietHours(1320, 420, "Europe/Zurich")
LATER = START + timedelta(hours=8)


async def of(store: Store, person: str = "ann") -> Preferences:
    return await store.read(lambda tables: tables.preferences.of(person))


async def test_who_never_set_anything_has_empty_preferences(store: Store) -> None:
    assert await of(store) == Preferences({}, {}, None)
    assert await store.read(lambda tables: tables.preferences.subscribers()) == {}


async def test_preferences_are_kept_whole_and_by_person(store: Store) -> None:
    def choose(tables: Tables) -> None:
        tables.preferences.subscribe("ann", "mutation", Level.FAILURES)
        tables.preferences.subscribe("ann", "all", Level.FINALS)
        tables.preferences.mute("ann", "triage", LATER)
        tables.preferences.set_quiet("ann", NIGHT)
        tables.preferences.subscribe("ben", "all", Level.ALL)
        tables.preferences.mute("ben", "all", START)

    await store.transact(choose)
    chosen = {"mutation": Level.FAILURES, "all": Level.FINALS}
    assert await of(store) == Preferences(chosen, {"triage": LATER}, NIGHT)
    assert await of(store, "ben") == Preferences({"all": Level.ALL}, {"all": START}, None)
    found = await store.read(lambda tables: tables.preferences.subscribers())
    assert found == {"ann": chosen, "ben": {"all": Level.ALL}}


async def test_a_newer_choice_replaces_the_one_before(store: Store) -> None:
    def choose_twice(tables: Tables) -> None:
        tables.preferences.subscribe("ann", "mutation", Level.ALL)
        tables.preferences.subscribe("ann", "mutation", Level.FINALS)
        tables.preferences.mute("ann", "mutation", LATER)
        tables.preferences.mute("ann", "mutation", START)
        tables.preferences.set_quiet("ann", NIGHT)
        tables.preferences.set_quiet("ann", QuietHours(0, 60, "UTC"))

    await store.transact(choose_twice)
    assert await of(store) == Preferences({"mutation": Level.FINALS}, {"mutation": START}, QuietHours(0, 60, "UTC"))


async def test_what_is_taken_back_is_gone_and_nothing_else(store: Store) -> None:
    def choose(tables: Tables) -> None:
        for person in ("ann", "ben"):
            for loop in ("mutation", "triage"):
                tables.preferences.subscribe(person, loop, Level.ALL)
                tables.preferences.mute(person, loop, LATER)
            tables.preferences.set_quiet(person, NIGHT)

    def take_back(tables: Tables) -> None:
        for _ in range(2):  # taking back what is not there changes nothing
            tables.preferences.unsubscribe("ann", "mutation")
            tables.preferences.unmute("ann", "triage")
            tables.preferences.set_quiet("ann", None)

    await store.transact(choose)
    before = await of(store, "ben")
    await store.transact(take_back)
    assert await of(store) == Preferences({"triage": Level.ALL}, {"mutation": LATER}, None)
    assert await of(store, "ben") == before
