"""Notices into a person's thread: appended under their key, with the keys a person would press next."""

from typing import Any

import orjson
import pytest

from channels.port import Arrival, Earlier, Never
from channels.thread import ThreadChannel
from domain.notices import Notice, NoticeKind
from domain.people import AddressKind
from tests.fakes.directory import FakeDirectory
from tests.fakes.virtual_time import START


class Threads:
    """Keeps what was appended: person, key and body."""

    def __init__(self) -> None:
        self.appended: list[tuple[str, str, dict[str, Any]]] = []

    async def append(self, person: str, key: str, body: bytes) -> None:
        self.appended.append((person, key, orjson.loads(body)))


def channel_into(threads: Threads) -> ThreadChannel:
    return ThreadChannel(AddressKind.WEB, FakeDirectory().find, threads.append)


async def test_a_notice_is_appended_whole_to_the_thread_of_its_person() -> None:
    threads = Threads()
    notice = Notice(
        key="RUN:final:1",
        kind=NoticeKind.FINAL,
        text="DONE",
        run_handle="3K",
        repository="acme/shop",
        branch="main",
        run_url="https://example.org/run/1",
        unresolved=None,
        mode="operate",
        reason="resolved",
    )
    await channel_into(threads).deliver("vic", notice, repeat=False)
    assert threads.appended == [
        (
            "vic",
            "RUN:final:1",
            {
                "key": "RUN:final:1",
                "kind": "final",
                "text": "DONE",
                "run_handle": "3K",
                "repository": "acme/shop",
                "branch": "main",
                "run_url": "https://example.org/run/1",
                "unresolved": None,
                "mode": "operate",
                "reason": "resolved",
                "keys": ["why 3K", "last"],
            },
        )
    ]


@pytest.mark.parametrize("kind", [NoticeKind.ATTEMPT_START, NoticeKind.ATTEMPT_DONE])
async def test_a_run_under_way_can_be_asked_about_and_aborted(kind: NoticeKind) -> None:
    threads = Threads()
    await channel_into(threads).deliver("vic", Notice("key", kind, "Attempt 1", run_handle="3K"), repeat=False)
    assert threads.appended[0][2]["keys"] == ["why 3K", "abort 3K"]


async def test_a_notice_without_a_run_has_no_keys() -> None:
    threads = Threads()
    await channel_into(threads).deliver("vic", Notice("key", NoticeKind.ALARM, "Something happened."), repeat=False)
    assert threads.appended[0][2]["keys"] == []


@pytest.mark.parametrize("value", ["nobody", "", "VIC"])
async def test_an_address_that_is_nobodys_never_takes_a_notice(value: str) -> None:
    threads = Threads()
    with pytest.raises(Never, match=f"^web:{value} belongs to nobody any more$"):
        await channel_into(threads).deliver(value, Notice("key", NoticeKind.ALARM, "Something happened."), repeat=False)
    assert threads.appended == []


async def test_an_unclear_notice_may_be_sent_again_because_its_key_is_appended_once() -> None:
    notice = Notice("key", NoticeKind.ALARM, "Something happened.")
    earlier = Earlier(START, None)
    assert await channel_into(Threads()).look_back("vic", notice, earlier) is Arrival.NOT_THERE
