"""What GitHub answered before, for conditional requests: a 304 costs nothing of the hourly limit. Bounded in bytes."""

from collections import OrderedDict
from dataclasses import dataclass

MAX_CACHE_BYTES = 8 * 1024 * 1024  # some hundred pages of runs; a bot at rest shall stay under 90 MB


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer: its ETag, its Link header where it has one, and its body as it came."""

    etag: str
    link: str | None
    body: bytes

    @property
    def size_bytes(self) -> int:
        """Return about how much room it takes."""
        return len(self.body) + len(self.etag) + len(self.link or "") + 512  # keys and objects around it


class AnswerCache:
    """The answers used last, by (fingerprint of the token, URL): GitHub's ETags differ from token to token."""

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        """Begin empty."""
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self.size_bytes = 0

    def get(self, token: str, url: str) -> Kept | None:
        """Return what was kept, and count it as used."""
        kept = self._kept.get((token, url))
        if kept is not None:
            self._kept.move_to_end((token, url))
        return kept

    def put(self, token: str, url: str, kept: Kept) -> None:
        """Keep an answer, and let go of those unused for longest; one larger than half of all room is not kept."""
        before = self._kept.pop((token, url), None)
        self.size_bytes -= before.size_bytes if before else 0
        if kept.size_bytes > self._max_bytes // 2:
            return
        self._kept[token, url] = kept
        self.size_bytes += kept.size_bytes
        while self.size_bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.size_bytes -= oldest.size_bytes
