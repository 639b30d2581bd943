"""What the chat shows: entries as lines of a terminal, and which runs still owe their final notice."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from domain.untrusted import clean_line

PROMPT = "> "
MAX_LINES = 60
MAX_LINE_CHARACTERS = 300
MAX_KEY_CHARACTERS = 40
ABORT_KEY = "abort "  # an answer that offers to abort a run has started it, or speaks of one that is going
_EXCHANGED = ("message", "reply")
_CLEAR_LINE = "\r\x1b[K"
_MARKS = {"deny": "[refused] ", "needs": "[needs more] "}


class Screen:
    """Prints entries. An interactive screen has a line that somebody may be typing on when a notice arrives."""

    def __init__(self, out: TextIO, *, interactive: bool) -> None:
        """Print to `out`."""
        self._out = out
        self._interactive = interactive
        self._asked: set[str] = set()
        self._ended: set[str] = set()
        self._news = asyncio.Event()

    @property
    def open_runs(self) -> frozenset[str]:
        """Return the handles of runs that were shown as going and whose final notice was not."""
        return frozenset(self._asked - self._ended)

    async def all_runs_over(self) -> None:
        """Return once every run has had its final notice."""
        while self.open_runs:
            self._news.clear()
            await self._news.wait()

    def echo(self, line: str) -> None:
        """Show a line that came by a pipe, as if it had been typed."""
        self._write(f"{PROMPT}{clean_line(line, MAX_LINE_CHARACTERS)}\n")

    def answer(self, entry: Mapping[str, Any]) -> None:
        """Show an answer with its receipt and what may be typed next."""
        keys = [clean_line(str(key), MAX_KEY_CHARACTERS) for key in entry["keys"]]
        self._asked.update(key.removeprefix(ABORT_KEY) for key in keys if key.startswith(ABORT_KEY))
        foot = [clean_line(str(entry["receipt"]), MAX_KEY_CHARACTERS)] if entry["receipt"] else []
        foot += [f"next: {' | '.join(keys)}"] if keys else []
        text = f"{_MARKS.get(str(entry['verdict']), '')}{_cleaned(entry['text'])}\n"
        self._write(f"{text}  {'  '.join(foot)}\n" if foot else text)

    def notice(self, entry: Mapping[str, Any]) -> None:
        """Show a notice that arrived by itself; what was said and answered stands on the screen already."""
        if entry["kind"] in _EXCHANGED:
            return
        text = f"* {_cleaned(entry['text'])}\n"
        self._write(f"{_CLEAR_LINE}{text}{PROMPT}{_typed_so_far()}" if self._interactive else text)
        if entry["kind"] == "final":
            self._ended.update(str(entry["text"]).split())
            self._news.set()

    def complain(self, sentence: str) -> None:
        """Show what went wrong."""
        self._write(f"! {clean_line(sentence, MAX_LINE_CHARACTERS)}\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _cleaned(text: object) -> str:
    lines = str(text).splitlines()[:MAX_LINES]
    return "\n".join(clean_line(line, MAX_LINE_CHARACTERS) for line in lines)


def _typed_so_far() -> str:
    readline = sys.modules.get("readline")
    return readline.get_line_buffer() if readline else ""
