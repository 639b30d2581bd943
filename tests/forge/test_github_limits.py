"""When a limited client may call again: GitHub's wish first, then the reset, then a minute that doubles."""

import pytest

from forge.github_limits import RateLimits
from forge.port import Unreachable
from tests.fakes.virtual_time import START, VirtualTime

RESET = str(int(START.timestamp()) + 120)
SECONDARY = "You have exceeded a secondary rate limit."


def refused(limits: RateLimits, status: int, said: str = "", **headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with pytest.raises(Unreachable) as limited:
        limits.note(status, named, said)
    return limited.value.retry_after_seconds


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "30"}, 30),
        ({"Retry_After": "30", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": RESET}, 30),
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": RESET}, 120),
        ({"X_RateLimit_Remaining": "5", "X_RateLimit_Reset": RESET}, 60),
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1"}, 1),
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "999999999999"}, 3600),
        ({"Retry_After": "999999"}, 3600),
        ({"Retry_After": "0"}, 1),
        ({"Retry_After": "Sun, 22 Nov 2026 14:05:00 GMT"}, 60),
        ({"Retry_After": "\u0663"}, 60),
        ({}, 60),
    ],
)
def test_how_long_a_limit_lasts(status: int, headers: dict[str, str], seconds: float) -> None:
    assert refused(RateLimits(VirtualTime()), status, SECONDARY, **headers) == seconds


def test_a_limit_without_a_wish_doubles_until_something_works() -> None:
    clock = VirtualTime()
    limits, waits = RateLimits(clock), []
    for _ in range(8):
        waits.append(refused(limits, 403, SECONDARY))
        clock.advance(3601)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    limits.note(200, {}, "")
    assert refused(limits, 429) == 60


def test_a_missing_permission_is_no_limit() -> None:
    limits = RateLimits(VirtualTime())
    limits.note(403, {"X-RateLimit-Remaining": "4999"}, "Resource not accessible by personal access token")
    limits.check()


def test_calls_wait_until_the_limit_is_over() -> None:
    clock = VirtualTime()
    limits = RateLimits(clock)
    limits.note(200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": RESET}, "")
    clock.advance(119)
    with pytest.raises(Unreachable, match="another 1 s"):
        limits.check()
    clock.advance(1)
    limits.check()
    limits.check()
