"""Randomness that is the same in every run of a test."""

from random import Random


class SeededEntropy:
    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)

    def token(self, size_bytes: int) -> bytes:
        return self._random.randbytes(size_bytes)
