"""The stream of commands against a real server: nothing lost, nothing done twice, and never given up."""

import pytest

from channels.ntfy_server import NtfyServer
from channels.ntfy_stream import LOOK_SECONDS
from domain.people import Address, AddressKind
from tests.fakes.ntfy_rig import ntfy_rig
from tests.fakes.providers.faults import Fault


async def test_a_typed_command_is_handed_on_and_its_place_kept() -> None:
    async with ntfy_rig() as rig, rig.streaming():
        await rig.ntfy.opened(1)
        await rig.ntfy.type("ops-cmd", "status")
        await rig.taken.offered(1)
        message = rig.taken.inbound[0]
        assert (message.text, message.sender) == ("status", Address(AddressKind.NTFY, "ops"))
        await rig.ntfy.type("ops-cmd", "menu")
        await rig.taken.offered(2)
        assert rig.cursors.kept[1] == message.message_id


async def test_a_tapped_button_comes_back_as_a_press() -> None:
    async with ntfy_rig(actions="topic") as rig, rig.streaming():
        await rig.ntfy.opened(1)
        await rig.ntfy.type("ops-cmd", "~" + "a" * 32)
        await rig.taken.offered(1)
        press = rig.taken.inbound[0].press
        assert press is not None
        assert press.token == "a" * 32


async def test_what_was_written_before_the_first_start_is_not_done() -> None:
    async with ntfy_rig() as rig:
        await rig.ntfy.type("ops-cmd", "old")
        rig.clock.advance(1)
        async with rig.streaming():
            await rig.ntfy.opened(1)
            await rig.ntfy.type("ops-cmd", "new")
            await rig.taken.offered(1)
        assert rig.taken.texts == ["new"]
        assert rig.ntfy.requests[1] == "GET /ops-cmd/json?since=none"


async def test_what_is_written_while_the_first_stream_is_broken_is_not_lost() -> None:
    async with ntfy_rig() as rig, rig.streaming():
        await rig.ntfy.opened(1)
        await rig.clock.someone_waits(LOOK_SECONDS)
        rig.ntfy.hang_up()
        await rig.ntfy.type("ops-cmd", "meanwhile")
        await rig.pause_is_over()
        await rig.taken.offered(1)
        assert rig.taken.texts == ["meanwhile"]


async def test_after_a_restart_reading_goes_on_where_it_ended() -> None:
    async with ntfy_rig() as rig:
        async with rig.streaming():
            await rig.ntfy.opened(1)
            await rig.ntfy.type("ops-cmd", "one")
            await rig.taken.offered(1)
        await rig.ntfy.type("ops-cmd", "two")
        async with rig.streaming():
            await rig.taken.offered(2)
        assert rig.taken.texts == ["one", "two"]
        assert rig.ntfy.requests[-1] == f"GET /ops-cmd/json?since={rig.taken.inbound[0].message_id}"


async def test_a_server_that_lost_our_place_sends_everything_and_nothing_is_done_twice() -> None:
    async with ntfy_rig() as rig:
        async with rig.streaming():
            await rig.ntfy.opened(1)
            for text in ("one", "two"):
                await rig.ntfy.type("ops-cmd", text)
            await rig.taken.offered(2)
        rig.cursors.positions["ntfy"] = "neverheardof"
        await rig.ntfy.type("ops-cmd", "three")
        async with rig.streaming():
            await rig.taken.offered(5)
        assert rig.taken.texts == ["one", "two", "three"]


async def test_a_line_cut_in_the_middle_is_read_again_as_a_whole() -> None:
    async with ntfy_rig() as rig, rig.streaming():
        await rig.ntfy.opened(1)
        await rig.clock.someone_waits(LOOK_SECONDS)
        rig.ntfy.cut_next_line()
        await rig.ntfy.type("ops-cmd", "halt")
        await rig.pause_is_over()
        await rig.taken.offered(1)
        assert rig.taken.texts == ["halt"]


async def test_what_could_not_be_recorded_is_asked_for_again() -> None:
    async with ntfy_rig() as rig, rig.streaming():
        await rig.ntfy.opened(1)
        rig.taken.recording = False
        await rig.ntfy.type("ops-cmd", "halt")
        await rig.taken.offered(1)
        await rig.clock.someone_waits(2)
        assert rig.taken.texts == []
        rig.taken.recording = True
        rig.clock.advance(2)
        await rig.taken.offered(2)
        assert rig.taken.texts == ["halt"]


async def test_silence_for_two_offers_means_that_the_stream_is_dead() -> None:
    async with ntfy_rig() as rig, rig.streaming():
        await rig.cursors.kept_first.wait()
        for _ in range(24):
            await rig.clock.someone_waits(LOOK_SECONDS)
            rig.clock.advance(LOOK_SECONDS)
        await rig.clock.someone_waits(LOOK_SECONDS)
        assert rig.stream_pulse.problem is None
        rig.clock.advance(LOOK_SECONDS)
        await rig.pause_is_over()
        assert rig.stream_pulse.problem == "nothing heard for 120 s"
        await rig.ntfy.opened(2)


async def test_a_keepalive_is_a_sign_of_life() -> None:
    async with ntfy_rig() as rig, rig.streaming():
        await rig.ntfy.opened(1)
        await rig.clock.someone_waits(LOOK_SECONDS)
        rig.stream_pulse.trouble("anything", rig.clock.now())
        rig.ntfy.keepalive()
        await rig.ntfy.type("ops-cmd", "after it")
        await rig.taken.offered(1)
        assert rig.stream_pulse.problem is None
        assert rig.stream_pulse.last_poll == rig.clock.now()


@pytest.mark.parametrize("line", [b"<html>\n", b"[1]\n", b'{"event":"message"}\n', b"x" * 100_000 + b"\n", b"\n"])
async def test_a_bad_line_is_passed_over(line: bytes) -> None:
    async with ntfy_rig() as rig, rig.streaming():
        await rig.ntfy.opened(1)
        rig.ntfy.say_raw(line)
        await rig.ntfy.type("ops-cmd", "still here")
        await rig.taken.offered(1)
        assert rig.taken.texts == ["still here"]
        assert len([one for one in rig.ntfy.requests if one.startswith("GET")]) == 1


async def test_new_people_are_heard_without_a_restart() -> None:
    async with ntfy_rig() as rig, rig.streaming():
        await rig.ntfy.opened(1)
        await rig.clock.someone_waits(LOOK_SECONDS)
        rig.topics = ["ops", "sec"]
        rig.clock.advance(LOOK_SECONDS)
        await rig.ntfy.opened(2)
        await rig.ntfy.type("sec-cmd", "hello")
        await rig.taken.offered(1)
        assert rig.taken.inbound[0].account == "sec-cmd"


async def test_without_anybody_to_hear_nothing_is_asked_and_silence_means_nothing() -> None:
    async with ntfy_rig() as rig:
        rig.topics = ["no topic"]
        async with rig.streaming():
            await rig.clock.someone_waits(LOOK_SECONDS)
            assert rig.ntfy.requests == []
            assert not rig.stream_pulse.polls
            rig.topics = ["ops"]
            rig.clock.advance(LOOK_SECONDS)
            await rig.cursors.kept_first.wait()
            assert rig.stream_pulse.polls


async def test_one_topic_that_may_not_be_read_does_not_shut_out_the_others() -> None:
    async with ntfy_rig() as rig:
        rig.topics = ["ops", "sec"]
        rig.ntfy.user("tk_bot", write=["*"], read=["ops-cmd"])
        async with rig.streaming():
            await rig.ntfy.opened(1)
            await rig.ntfy.type("ops-cmd", "halt")
            await rig.taken.offered(1)
            assert rig.stream_pulse.problem == "ntfy does not let us read the command topic of ntfy:sec"
            rig.ntfy.user("tk_bot", write=["*"], read=["*-cmd"])
            for offers in range(2, 8):
                rig.clock.advance(101)
                await rig.ntfy.type("ops-cmd", "status")
                await rig.taken.offered(offers)
            await rig.ntfy.opened(2)
            await rig.ntfy.type("sec-cmd", "menu")
            await rig.taken.offered(8)
        assert rig.taken.texts == ["halt", *["status"] * 6, "menu"]
        assert rig.stream_pulse.problem is None


async def test_when_only_a_refused_topic_is_left_the_server_is_asked_again() -> None:
    async with ntfy_rig() as rig:
        rig.topics = ["ops", "sec"]
        rig.ntfy.user("tk_bot", write=["*"], read=["ops-cmd"])
        async with rig.streaming():
            await rig.cursors.kept_first.wait()
            rig.topics = ["sec"]
            await rig.clock.someone_waits(LOOK_SECONDS)
            rig.clock.advance(LOOK_SECONDS)
            assert await rig.pause_is_over() == 60
            assert "403" in str(rig.stream_pulse.problem)


@pytest.mark.parametrize(("token", "said"), [("tk_wrong", "401"), ("tk_none", "403")])
async def test_a_refusal_is_told_and_asked_again_after_a_minute(token: str, said: str) -> None:
    async with ntfy_rig() as rig:
        rig.ntfy.user("tk_none")
        rig.server = rig.new_server(token=token)
        async with rig.streaming():
            await rig.clock.someone_waits(60)
            problem = rig.stream_pulse.problem
            assert problem is not None
            assert said in problem
            assert token not in problem
            rig.ntfy.user(token, read=["*-cmd"])
            rig.clock.advance(60)
            await rig.ntfy.opened(1)


async def test_a_busy_server_is_left_alone_for_a_minute() -> None:
    async with ntfy_rig() as rig:
        rig.ntfy.faults.add(Fault.TOO_MANY)
        async with rig.streaming():
            assert await rig.pause_is_over() == 60
            await rig.ntfy.opened(1)


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.OUTAGE])
async def test_an_outage_is_told_and_waited_for_longer_and_longer_up_to_a_minute(fault: Fault) -> None:
    async with ntfy_rig() as rig:
        rig.ntfy.faults.always(fault)
        async with rig.streaming():
            longest = [2, 4, 8, 16, 32, 60, 60, 60]
            for most in longest:
                assert most / 2 <= await rig.pause_is_over() <= most
            assert rig.stream_pulse.problem is not None
            rig.ntfy.faults.clear()
            await rig.ntfy.opened(1)
            await rig.ntfy.type("ops-cmd", "status")
            await rig.taken.offered(1)
            assert rig.stream_pulse.problem is None
            rig.ntfy.hang_up()
            assert await rig.pause_is_over() <= 2, "a stream that worked starts with the shortest wait again"


async def test_a_server_that_is_not_there_is_told() -> None:
    async with ntfy_rig() as rig:
        rig.server = NtfyServer(rig.http, "http://127.0.0.1:1", None)
        async with rig.streaming():
            await rig.pause_is_over()
            assert "cannot be reached" in str(rig.stream_pulse.problem)


async def test_being_stopped_hangs_up() -> None:
    async with ntfy_rig() as rig:
        async with rig.streaming():
            await rig.ntfy.opened(1)
        await rig.ntfy.closed()


async def test_a_failure_of_ours_is_not_hidden() -> None:
    async with ntfy_rig() as rig:
        rig.taken.failure = RuntimeError("ours")

        async def write_and_read() -> None:
            async with rig.streaming():
                await rig.ntfy.opened(1)
                await rig.ntfy.type("ops-cmd", "status")
                await rig.ntfy.closed()

        with pytest.raises(RuntimeError, match="ours"):
            await write_and_read()
