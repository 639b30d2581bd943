"""Waking streams: everybody it concerns, nobody else, and nothing left behind."""

from contextlib import ExitStack

import pytest

from domain.errors import UserError
from web.hub import STREAMS_PER_PERSON, Hub


def test_news_wake_every_stream_of_their_person_and_no_other() -> None:
    hub = Hub()
    with hub.listen("owner") as phone, hub.listen("owner") as laptop, hub.listen("vic") as other:
        hub.news_for("owner")
        hub.news_for("nobody")
        assert (phone.is_set(), laptop.is_set(), other.is_set()) == (True, True, False)


def test_closing_wakes_everybody() -> None:
    hub = Hub()
    with hub.listen("owner") as first, hub.listen("vic") as second:
        hub.close()
        assert (first.is_set(), second.is_set(), hub.closing.is_set()) == (True, True, True)


def test_a_stream_that_ended_makes_room_and_leaves_nothing() -> None:
    hub = Hub()
    for _ in range(STREAMS_PER_PERSON + 1):
        with hub.listen("owner"):
            pass
    assert dict(hub._listening) == {}


def test_one_stream_too_many_is_refused_and_only_of_that_person() -> None:
    hub = Hub()
    with ExitStack() as streams:
        for _ in range(STREAMS_PER_PERSON):
            streams.enter_context(hub.listen("owner"))
        with pytest.raises(UserError, match=r"^more than 8 event streams are open") as refused:
            streams.enter_context(hub.listen("owner"))
        assert refused.value.code == "too_many"
        streams.enter_context(hub.listen("vic"))
