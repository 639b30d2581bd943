"""The chat over HTTP: a line acts once whatever the connection does, and no notice is lost."""

from typing import Any

import pytest
from aiohttp import web

from bot.cli.chat_client import RETRY_PAUSES_SECONDS, ChatClient
from bot.cli.exit_codes import CommandFailedError, ExitCode
from tests.bot.cli.chat_server import ChatServer, entry, hang_up, refusal
from tests.fakes.virtual_time import START


class Pauses:
    """Counts waiting instead of waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def heard(client: ChatClient, after: str = "0") -> tuple[list[Any], CommandFailedError]:
    """Return the notices' ids and what ended the stream."""
    entries: list[Any] = []
    try:
        async for one in client.notices(after, Pauses()):
            entries.append(one["id"])  # noqa: PERF401 - what came before the failure is kept
    except CommandFailedError as ended:
        return entries, ended
    raise AssertionError("a stream ends with a failure only")


async def test_a_line_is_sent_with_a_nonce_of_its_own_and_the_time() -> None:
    server = ChatServer()
    async with server.client() as client:
        answer = await client.send("status")
        await client.send("status")
    assert answer["text"] == "you said status"
    (_, first, stamp), (_, second, _) = server.messages
    assert len(first) == 32
    assert first != second
    assert stamp == str(int(START.timestamp()))


async def test_after_a_lost_answer_the_same_nonce_goes_again() -> None:
    server, pauses = ChatServer([hang_up, hang_up]), Pauses()
    async with server.client() as client:
        answer = await client.send("run mutation", pauses)
    assert answer["text"] == "you said run mutation"
    assert len(server.messages) == 3
    assert len(set(server.messages)) == 1
    assert pauses.seconds == list(RETRY_PAUSES_SECONDS[:2])


async def test_a_bot_that_never_answers_is_given_up_and_said_so() -> None:
    tries = len(RETRY_PAUSES_SECONDS) + 1
    server = ChatServer([hang_up] * tries)
    async with server.client() as client:
        with pytest.raises(CommandFailedError, match="no answer from the bot") as ended:
            await client.send("status", Pauses())
    assert ended.value.exit_code is ExitCode.NOT_DELIVERED
    assert len(server.messages) == tries


@pytest.mark.parametrize(
    ("status", "exit_code"), [(429, ExitCode.DENIED), (401, ExitCode.DENIED), (500, ExitCode.NOT_DELIVERED)]
)
async def test_a_refusal_is_told_in_the_bots_words_and_not_repeated(status: int, exit_code: ExitCode) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return refusal(status, "code", "In the bot's\u202e words.", "01LOG")

    server = ChatServer([refuse])
    async with server.client() as client:
        with pytest.raises(CommandFailedError) as ended:
            await client.send("status", Pauses())
    assert str(ended.value) == "In the bot's words. (log id 01LOG)"
    assert ended.value.exit_code is exit_code
    assert len(server.messages) == 1


@pytest.mark.parametrize("status", [200, 302, 502])
async def test_somebody_elses_page_is_never_taken_for_an_answer(status: int) -> None:
    async def portal(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>", content_type="text/html", headers={"Location": "/login"})

    async with ChatServer([portal]).client() as client:
        with pytest.raises(CommandFailedError, match="something other than Reins") as ended:
            await client.send("status", Pauses())
    assert ended.value.exit_code is ExitCode.NOT_DELIVERED


async def test_a_broken_stream_goes_on_behind_the_last_notice() -> None:
    server = ChatServer(streams=[[entry(8, "a"), entry(9, "b")], [], [entry(10, "c")]])
    async with server.client() as client:
        entries, ended = await heard(client, "7")
    assert entries == ["n:8", "n:9", "n:10"]
    assert server.after == ["7", "9", "9", "10"]
    assert ended.exit_code is ExitCode.DENIED


async def test_a_stream_that_cannot_be_opened_is_tried_again() -> None:
    server = ChatServer([hang_up] * 3, streams=[[entry(8, "a")]])  # aiohttp itself repeats a GET once
    async with server.client() as client:
        entries, _ended = await heard(client)
    assert entries == ["n:8"]
    assert server.after == ["0"] * 4 + ["8"]


async def test_the_stream_begins_behind_the_newest_notice() -> None:
    async with ChatServer().client() as client:
        assert await client.newest_event() == "7"


async def test_a_question_that_gets_no_answer_ends_with_how_to_look_for_the_cause() -> None:
    async with ChatServer([hang_up] * 2).client() as client:
        with pytest.raises(CommandFailedError, match="reins doctor"):
            await client.newest_event()
