"""Secrets to be recognised anywhere, and the search for them where they must never be.

with listening() as lines:                    # every log line of ours and of libraries, before any redaction
    ...
leaks(secrets, places)                        # [Leak("code", "audit", "…ok 3K 482913…")]
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

SHOWN_AROUND = 60


@dataclass(frozen=True, slots=True)
class Leak:
    """One secret where it must not be: its kind, the place, and what stands around it."""

    kind: str
    place: str
    around: str


def leaks(secrets: Mapping[str, Iterable[str]], places: Mapping[str, Iterable[str]]) -> list[Leak]:
    """Return every secret that is found in a place, by kind and place."""
    wanted = [(kind, _pattern(one)) for kind, values in secrets.items() for one in values]
    return [
        Leak(kind, place, text[max(found.start() - SHOWN_AROUND, 0) : found.end() + SHOWN_AROUND])
        for place, texts in places.items()
        for text in texts
        for kind, word in wanted
        if (found := word.search(text))
    ]


def _pattern(secret: str) -> re.Pattern[str]:
    """Match a secret anywhere; six digits only by themselves, since they stand inside of digests by chance."""
    alone = rf"(?<![0-9A-Za-z]){secret}(?![0-9A-Za-z])" if secret.isdigit() else re.escape(secret)
    return re.compile(alone, re.IGNORECASE)


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what is logged from now on, at every level and with whole tracebacks, in place of showing it."""
    lines: list[str] = []
    ours, libraries = structlog.get_config(), logging.getLogger()
    handler, level = _Collecting(lines), libraries.level

    def keep(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        lines.append(repr(event))
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, keep],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
    )
    libraries.addHandler(handler)
    libraries.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        libraries.setLevel(level)
        libraries.removeHandler(handler)
        structlog.configure(**ours)


class _Collecting(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
