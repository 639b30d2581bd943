"""Routes: urgency decides the channels, quiet hours and a full hour hold back what can wait, and nothing else is held."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.routing import MAX_PUSHES_PER_HOUR, Circumstances, Route, end_of_hour, route
from domain.notices import Choice, Notice, NoticeKind, Urgency
from domain.people import Address, AddressKind, Person
from domain.preferences import Preferences, QuietHours
from tests.fakes.directory import ANN
from tests.fakes.virtual_time import START

EVERY_CHANNEL = frozenset(AddressKind)
NIGHT = QuietHours(22 * 60, 7 * 60, "UTC")
AT_NIGHT = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
GROUP = "telegram:-100"
ANSWERS = (NoticeKind.FINAL, NoticeKind.APPROVAL_RESOLVED)
PROGRESS = (NoticeKind.ATTEMPT_START, NoticeKind.ATTEMPT_DONE)


def notice(kind: NoticeKind = NoticeKind.FINAL, urgency: Urgency = Urgency.NORMAL, **fields: object) -> Notice:
    return replace(Notice("k", kind, "text", urgency=urgency), **fields)  # type: ignore[arg-type]


def around(now: datetime = START, **fields: object) -> Circumstances:
    return replace(Circumstances(now, EVERY_CHANNEL), **fields)  # type: ignore[arg-type]


def addresses(told: Notice, circumstances: Circumstances, preferences: Preferences | None = None) -> tuple[str, ...]:
    return route(told, ANN, preferences or Preferences(), circumstances).addresses


def held(told: Notice, circumstances: Circumstances, quiet: QuietHours | None = None) -> datetime | None:
    return route(told, ANN, Preferences(quiet=quiet), circumstances).held_until


@pytest.mark.parametrize(
    ("urgency", "expected"),
    [
        (Urgency.LOW, ("telegram:ann", "ntfy:ann")),
        (Urgency.NORMAL, ("telegram:ann", "ntfy:ann")),
        (Urgency.HIGH, ("telegram:ann", "ntfy:ann", "sms:ann")),
    ],
)
def test_urgency_decides_the_channels_and_their_order(urgency: Urgency, expected: tuple[str, ...]) -> None:
    assert addresses(notice(NoticeKind.ALARM, urgency), around()) == expected


def test_two_addresses_of_one_channel_are_tried_in_the_order_of_the_directory() -> None:
    both = (Address(AddressKind.NTFY, "n"), Address(AddressKind.TELEGRAM, "2"), Address(AddressKind.TELEGRAM, "1"))
    person = replace(ANN, addresses=both)
    assert route(notice(), person, Preferences(), around()).addresses == ("telegram:2", "telegram:1", "ntfy:n")


def test_what_is_not_configured_opted_out_or_in_trouble_is_left_out() -> None:
    urgent = notice(urgency=Urgency.HIGH)
    assert addresses(urgent, around(reachable=frozenset({AddressKind.NTFY, AddressKind.SMS}))) == (
        "ntfy:ann",
        "sms:ann",
    )
    assert addresses(urgent, around(opted_out={"sms:ann"})) == ("telegram:ann", "ntfy:ann")
    assert addresses(urgent, around(but_not="telegram")) == ("ntfy:ann", "sms:ann")
    assert route(urgent, ANN, Preferences(), around(reachable=frozenset())) == Route(())


@pytest.mark.parametrize("origin", ["ntfy:ann", "sms:ann", GROUP])
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_goes_first_to_where_it_was_asked(kind: NoticeKind, origin: str) -> None:
    found = addresses(notice(kind), around(origin=origin, groups=(GROUP,)))
    assert found[0] == origin
    assert sorted(found) == sorted({origin, "telegram:ann", "ntfy:ann"})  # the others stay as fallbacks, each once


@pytest.mark.parametrize("kind", PROGRESS)
def test_progress_goes_back_to_a_chat_but_never_by_sms(kind: NoticeKind) -> None:
    low = notice(kind, Urgency.LOW)
    assert addresses(low, around(origin="ntfy:ann")) == ("ntfy:ann", "telegram:ann")
    assert addresses(low, around(origin="sms:ann")) == ("telegram:ann", "ntfy:ann")


@pytest.mark.parametrize("origin", ["ntfy:ben", "telegram:-200", "web:ann", "console:ann", "slack:ann", "", "nonsense"])
def test_an_answer_goes_nowhere_that_is_neither_the_persons_push_address_nor_a_listed_group(origin: str) -> None:
    assert addresses(notice(), around(origin=origin, groups=(GROUP,))) == ("telegram:ann", "ntfy:ann")


def test_an_alarm_is_no_answer_and_keeps_its_order() -> None:
    alarm = notice(NoticeKind.ALARM, Urgency.HIGH)
    assert addresses(alarm, around(origin="sms:ann")) == ("telegram:ann", "ntfy:ann", "sms:ann")


def test_quiet_hours_hold_back_until_their_end_and_not_outside_of_them() -> None:
    for urgency in (Urgency.LOW, Urgency.NORMAL):
        assert held(notice(urgency=urgency), around(AT_NIGHT), NIGHT) == MORNING
        assert held(notice(urgency=urgency), around(MORNING), NIGHT) is None
        assert held(notice(urgency=urgency), around(AT_NIGHT)) is None


def test_what_is_urgent_or_waits_for_an_answer_is_never_held_back() -> None:
    full = around(AT_NIGHT, pushed_this_hour=MAX_PUSHES_PER_HOUR * 2)
    assert held(notice(urgency=Urgency.HIGH), full, NIGHT) is None
    asking = notice(NoticeKind.APPROVAL_REQUEST, choices=(Choice("Deny", "no 3K"),))
    assert held(asking, full, NIGHT) is None


@pytest.mark.parametrize(("pushed", "waits"), [(0, False), (5, False), (6, True), (7, True)])
def test_the_seventh_push_of_an_hour_waits_for_the_next_hour(pushed: int, waits: bool) -> None:
    now = START + timedelta(minutes=20)
    expected = START + timedelta(hours=1) if waits else None
    assert held(notice(), around(now, pushed_this_hour=pushed)) == expected


@pytest.mark.parametrize("kind", ANSWERS)
def test_what_answers_a_person_where_they_asked_waits_for_no_hour_but_for_their_quiet_hours(kind: NoticeKind) -> None:
    now = START + timedelta(minutes=20)
    assert held(notice(kind), around(now, pushed_this_hour=9, origin="telegram:ann")) is None
    assert held(notice(kind), around(AT_NIGHT, pushed_this_hour=9, origin="telegram:ann"), NIGHT) == MORNING
    assert held(notice(kind), around(now, pushed_this_hour=9, origin="web:ann")) == START + timedelta(hours=1)


@pytest.mark.parametrize("kind", PROGRESS)
def test_progress_waits_for_the_next_hour_also_where_it_was_asked_for(kind: NoticeKind) -> None:
    now = START + timedelta(minutes=20)
    low = notice(kind, Urgency.LOW)
    assert held(low, around(now, pushed_this_hour=9, origin="telegram:ann")) == START + timedelta(hours=1)


def test_a_full_hour_that_ends_in_quiet_hours_waits_for_their_end() -> None:
    before = datetime(2026, 11, 22, 21, 50, tzinfo=UTC)
    assert held(notice(), around(before, pushed_this_hour=6), NIGHT) == MORNING
    almost_over = datetime(2026, 11, 23, 6, 50, tzinfo=UTC)
    assert held(notice(), around(almost_over, pushed_this_hour=6), NIGHT) == MORNING
    short = QuietHours(23 * 60, 23 * 60 + 40, "UTC")
    assert held(notice(), around(AT_NIGHT, pushed_this_hour=6), short) == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


def test_a_zone_that_this_machine_lost_holds_nothing_back() -> None:
    assert held(notice(), around(AT_NIGHT), QuietHours(22 * 60, 7 * 60, "Atlantis/Capital")) is None


def test_an_hour_ends_at_the_next_full_one() -> None:
    assert end_of_hour(START) == START + timedelta(hours=1)
    assert end_of_hour(START + timedelta(minutes=59, seconds=59, microseconds=1)) == START + timedelta(hours=1)


# Everything a route can be asked: any notice, any person's addresses, any settings and any state of the channels.
VALUES = st.sampled_from(["1", "2", "-100"])
ADDRESSES = st.builds(Address, st.sampled_from(AddressKind), VALUES)
TEXTS = ADDRESSES.map(Address.text)
NOTICES = st.builds(
    notice,
    st.sampled_from(NoticeKind),
    st.sampled_from(Urgency),
    choices=st.sampled_from([(), (Choice("Deny", "no 3K"),)]),
)
PEOPLE = st.lists(ADDRESSES, max_size=6).map(lambda them: Person("ann", "Ann", (), tuple(them)))
MINUTES = st.integers(0, 1439)
QUIET = st.none() | st.tuples(MINUTES, MINUTES).filter(lambda two: two[0] != two[1]).map(
    lambda two: QuietHours(*two, "UTC")
)
CIRCUMSTANCES = st.builds(
    Circumstances,
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda one: one.replace(tzinfo=UTC)),  # noqa: DTZ001 - hypothesis adds no zone
    reachable=st.frozensets(st.sampled_from(AddressKind)),
    opted_out=st.frozensets(TEXTS, max_size=4),
    groups=st.frozensets(VALUES.map(lambda value: f"telegram:{value}"), max_size=2),
    pushed_this_hour=st.integers(0, 12),
    origin=st.none() | TEXTS,
    but_not=st.none() | st.sampled_from(AddressKind).map(str),
)


def channels_of(found: Iterable[str]) -> set[str]:
    return {address.partition(":")[0] for address in found}


@given(NOTICES, PEOPLE, QUIET, CIRCUMSTANCES)
def test_whatever_is_asked_a_route_breaks_none_of_its_rules(
    told: Notice, person: Person, quiet: QuietHours | None, circumstances: Circumstances
) -> None:
    found = route(told, person, Preferences(quiet=quiet), circumstances)
    own = {address.text() for address in person.addresses}
    assert len(set(found.addresses)) == len(found.addresses)
    listed = circumstances.origin if circumstances.origin in circumstances.groups else None
    assert set(found.addresses) <= own | {listed}
    assert channels_of(found.addresses) <= circumstances.reachable - {circumstances.but_not}
    assert not any(address in circumstances.opted_out for address in found.addresses)
    if "sms" in channels_of(found.addresses) and told.urgency is not Urgency.HIGH:
        assert told.kind in ANSWERS
        assert [one for one in found.addresses if one.startswith("sms:")] == [circumstances.origin]
    if told.urgency is Urgency.HIGH or told.choices or not found.addresses:
        assert found.held_until is None
    if found.held_until is not None:
        assert circumstances.now < found.held_until <= circumstances.now + timedelta(hours=25)
        assert quiet is None or quiet.holds_until(found.held_until) is None
