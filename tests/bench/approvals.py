"""How long an approval takes while senders who are over their limit keep sending."""

import json
import secrets
import statistics
import time
from contextlib import closing
from http.client import HTTPConnection

from tests.bench.bench import Bench, Target
from tests.bench.client import finished, start_load
from tests.bench.generators import check
from tests.bench.home import APPROVED_ACTION, make_home
from tests.bench.servers import serving_bot
from tests.bench.table import Aim, Figure

SENDERS = 16
PER_HOUR = 20  # soon used up by the senders, and enough for everybody else to ask for their share of the approvals
SECONDS_PER_HOUR = 3600
PAUSE_SECONDS = 0.04  # each approval starts a real run on this machine; a team could hardly approve faster
FLOOD_LIMIT_SECONDS = 300  # only ends a flood that would be left alone
SECONDS_EACH = 0.2  # of an approval and its pause, on a slow machine
SECONDS_BEFORE = 10.0  # for the start, the requests and what uses up the senders' hour
LATENCY_AIM = Aim(50)


class NotDoneError(Exception):
    """The bot did not do what it was asked, so how fast it answered means nothing."""


def measure(bench: Bench) -> list[Figure]:
    """Let people ask for runs, let sixteen others flood, and approve the runs one by one meanwhile."""
    wanted = bench.effort.approvals
    home = make_home(bench.folder / "approvals", bench.effort.people, PER_HOUR, approval_refs=wanted)
    senders, askers = home.cookies[:SENDERS], home.cookies[SENDERS:]
    assert wanted <= len(askers) * PER_HOUR, "their limit would refuse the requests"
    _stay_within_an_hour(SECONDS_BEFORE + wanted * SECONDS_EACH)
    with serving_bot(bench, home.paths.root) as bot, closing(HTTPConnection("127.0.0.1", bot.port)) as line:
        handles = [_ask(line, askers[number % len(askers)], number) for number in range(wanted)]
        for cookie in senders * (PER_HOUR + 1):
            _post(line, cookie, "whoami")
        target = Target(bot.port, "/v1/messages", "whoami", senders, expected_status=429)
        flood = start_load(target, SENDERS, FLOOD_LIMIT_SECONDS, 0)
        try:
            took_ms = [_approve(line, home.owner_cookie, handle) for handle in handles]
        finally:
            flood.terminate()
            refused = finished(flood)
        check(refused, target)
    hundredths = statistics.quantiles(took_ms, n=100, method="inclusive")
    detail = f"{len(took_ms)} approvals, {refused.per_second:,.0f} messages a second refused meanwhile"
    return [
        Figure("approval under flood: p50", hundredths[49], "ms", None, detail),
        Figure("approval under flood: p99", hundredths[98], "ms", LATENCY_AIM, f"slowest {max(took_ms):.3g} ms"),
    ]


def _stay_within_an_hour(seconds: float) -> None:
    """Wait for the next full hour where it would come meanwhile: everybody's limits begin anew then."""
    left = SECONDS_PER_HOUR - time.time() % SECONDS_PER_HOUR
    if left < seconds:
        time.sleep(left)


def _ask(line: HTTPConnection, cookie: str, number: int) -> str:
    status, text = _post(line, cookie, f"run {APPROVED_ACTION} r{number}")
    if status != 200 or "waits for 1 approval" not in text:
        raise NotDoneError(f"run: {status} {text}")
    return text.partition(" ")[0]


def _approve(line: HTTPConnection, cookie: str, handle: str) -> float:
    time.sleep(PAUSE_SECONDS)
    started = time.perf_counter()
    status, text = _post(line, cookie, f"ok {handle}")
    took_seconds = time.perf_counter() - started
    if status != 200 or "approved, started as" not in text:
        raise NotDoneError(f"ok {handle}: {status} {text}")
    return took_seconds * 1000


def _post(line: HTTPConnection, cookie: str, text: str) -> tuple[int, str]:
    headers = {
        "Content-Type": "application/json",
        "Cookie": f"reins_session={cookie}",
        "Reins-Nonce": secrets.token_hex(16),
        "Reins-Timestamp": str(int(time.time())),
    }
    line.request("POST", "/v1/messages", json.dumps({"text": text}), headers)
    answer = line.getresponse()
    document = json.loads(answer.read())
    return answer.status, document["entry"]["text"] if answer.status == 200 else document["detail"]
