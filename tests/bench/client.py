"""A load generator in a process of its own: raw HTTP over asyncio, as little work per message as possible."""

import asyncio
import itertools
import json
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict

from tests.bench.bench import ROOT, Load, Target
from tests.bench.texts import text_maker

BARE_USERS = 100
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


def run_in_process_of_its_own(target: Target, clients: int, seconds: float, warm_up_seconds: float) -> Load:
    """Load a target and return what its clients saw."""
    return finished(start_load(target, clients, seconds, warm_up_seconds))


def start_load(target: Target, clients: int, seconds: float, warm_up_seconds: float) -> "subprocess.Popen[str]":
    """Return once a load has begun in the background; `finished` waits for its end, SIGTERM brings it about."""
    plan = json.dumps([asdict(target), clients, seconds, warm_up_seconds])
    process = subprocess.Popen([sys.executable, "-m", __name__, plan], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None, "it is a pipe"
    process.stdout.readline()
    return process


def finished(process: "subprocess.Popen[str]") -> Load:
    """Wait for a load to end.

    Raises:
        CalledProcessError: the generator broke; what it said stands on standard error.
    """
    assert process.stdout is not None, "it is a pipe"
    with process:
        output = process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Load(**json.loads(output))


def request_maker(target: Target) -> Callable[[], bytes]:
    """Return a function that makes the next request: a new id each, senders in turn."""
    if target.numbers:
        return text_maker(target)
    heads = [_message_to_bot(target, cookie) for cookie in target.cookies] or [
        _message_to_bare(target, number) for number in range(BARE_USERS)
    ]
    turns = itertools.cycle(heads)
    random_bits = random.Random().getrandbits

    if target.cookies:
        # The order in which they stand in the head.
        return lambda: next(turns) % (random_bits(128), int(time.time()))
    return lambda: next(turns) % random_bits(128)


def _message_to_bot(target: Target, cookie: str) -> bytes:
    body = json.dumps({"text": target.text})
    head = f"Cookie: reins_session={cookie}\r\nReins-Nonce: %032x\r\nReins-Timestamp: %d\r\n"
    return _post(target, head, body, len(body))


def _message_to_bare(target: Target, user: int) -> bytes:
    body = json.dumps({"id": "%032x", "user": f"user-{user}", "text": target.text})
    return _post(target, "", body, len(body % 0))


def _post(target: Target, head: str, body: str, length: int) -> bytes:
    where = f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n"
    return f"{where}{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}".encode()


class Tally:
    """What all clients of one load saw while `counting`."""

    def __init__(self, expected_status: int) -> None:
        self.expected = b"HTTP/1.1 %d " % expected_status
        self.counting = False
        self.over = False
        self.latencies: list[float] = []
        self.unexpected = 0


class Client(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again."""

    def __init__(self, make_request: Callable[[], bytes], tally: Tally) -> None:
        self._make_request = make_request
        self._tally = tally
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(received, 0, head_end)
        assert length is not None, "both servers name the length of what they answer"
        if len(received) < head_end + 4 + int(length[1]):
            return
        if self._tally.counting:
            self._tally.latencies.append(time.perf_counter() - self._sent_at)
        if not received.startswith(self._tally.expected):
            self._tally.unexpected += 1
        self._received = b""
        if not self._tally.over:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio passes it
        if not self._tally.over:
            self._tally.unexpected += 1

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._make_request())


async def load(target: Target, clients: int, seconds: float, warm_up_seconds: float) -> Load:
    """Load a target from this process: the warm-up is not counted, but a wrong answer in it is."""
    tally, make_request, stop = Tally(target.expected_status), request_maker(target), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    connections = [
        await loop.create_connection(lambda: Client(make_request, tally), "127.0.0.1", target.port)
        for _ in range(clients)
    ]
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.sleep(warm_up_seconds)
    tally.counting, started, cpu_before = True, time.perf_counter(), time.process_time()
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    tally.counting = False
    elapsed, cpu_used = time.perf_counter() - started, time.process_time() - cpu_before
    tally.over = True
    for transport, _ in connections:
        transport.close()
    hundredths = statistics.quantiles(tally.latencies, n=100, method="inclusive")
    return Load(
        answers=len(tally.latencies),
        unexpected=tally.unexpected,
        seconds=elapsed,
        p50_ms=hundredths[49] * 1000,
        p99_ms=hundredths[98] * 1000,
        cpu_share=cpu_used / elapsed,
    )


def main() -> None:
    """Run the plan of the first argument, and print what was seen as JSON."""
    target, clients, seconds, warm_up_seconds = json.loads(sys.argv[1])
    target |= {name: tuple(target[name]) for name in ("cookies", "numbers")}
    seen = asyncio.run(load(Target(**target), clients, seconds, warm_up_seconds))
    sys.stdout.write(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main()
