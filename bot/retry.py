"""When to try again: full jitter over a doubling, capped wait (docs/design.md)."""

from datetime import timedelta

from domain.ids import Entropy

BASE_SECONDS = 2.0
CAP_SECONDS = 300.0
MAX_RETRY_AFTER_SECONDS = 900  # a provider that asks for more is treated as down; another channel is tried meanwhile
_FOUR_BYTES = 2**32


def wait_before(tries: int, retry_after_seconds: int | None, entropy: Entropy) -> timedelta:
    """Return how long to wait after `tries` failed tries: random below 2, 4, 8 ... 300 s, and at least what was asked.

    `retry_after_seconds` is the provider's wish; one that always says 0 must not be asked without a pause.
    """
    asked = min(retry_after_seconds or 0, MAX_RETRY_AFTER_SECONDS)
    ceiling = min(BASE_SECONDS * 2 ** min(tries - 1, 30), CAP_SECONDS)
    share = int.from_bytes(entropy.token(4), "big") / _FOUR_BYTES
    return timedelta(seconds=max(ceiling * share, asked))
