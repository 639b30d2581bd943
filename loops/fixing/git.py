"""git as we run it: with settings of ours only, no questions, no hooks, a deadline, and output within bounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.untrusted import clean_line
from loops.fixing.output import Captured, masked
from loops.fixing.running import Program, run_to_end

ANSWER_BYTES = 4 * 1024 * 1024  # the names of some 50,000 changed files
COMPLAINT_BYTES = 2_048
COMPLAINT_CHARACTERS = 300
# A working tree's settings can name programs: hooks, a file system monitor, transports of their own.
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "credential.helper=",
    "http.followRedirects=false",  # a redirect would take the token along
)


class GitError(Exception):
    """git did not do as asked; the message is one clean sentence without secrets."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said: its exit code, the bytes it wrote, and the end of its complaint as one clean line."""

    exit_code: int
    written: bytes
    complaint: str


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git. `remaining_seconds` tells how long is left; `secrets` are masked in complaints."""

    path: str
    remaining_seconds: Callable[[], float]
    secrets: tuple[str, ...] = field(default=(), repr=False)

    async def run(
        self,
        folder: Path,
        *words: str,
        settings: tuple[str, ...] = (),
        extra: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (0,),
    ) -> Answer:
        """Run one command in a folder, with more settings of git's and with `extra` in its environment.

        Raises:
            GitError: its exit code is none of `fine`, it took too long, wrote too much, or could not be started.
        """
        written, complaint = Captured(ANSWER_BYTES, 0), Captured(0, COMPLAINT_BYTES)
        seconds = self.remaining_seconds()
        if seconds <= 0:
            raise GitError(f"no time was left for git {words[0]}")
        try:
            ended = await run_to_end(
                Program(_argv(folder, words, settings), folder, self._environment(extra or {}), seconds),
                written.add,
                complaint.add,
            )
        except OSError as error:
            raise GitError(f"git cannot be started: {error.strerror}") from error
        said = masked(bytes(complaint.tail).decode(errors="replace"), self.secrets)
        answer = Answer(ended.exit_code, bytes(written.head), clean_line(said, COMPLAINT_CHARACTERS))
        if ended.timed_out:
            raise GitError(f"git {words[0]} took too long")
        if written.omitted_bytes:
            raise GitError(f"git {words[0]} wrote more than {ANSWER_BYTES} bytes")
        if answer.exit_code not in fine:
            raise GitError(f"git {words[0]} failed: {answer.complaint or f'exit code {answer.exit_code}'}")
        return answer

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": self.path,
            "LANG": "C",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",  # a replaced commit would look like another one
            "GIT_OPTIONAL_LOCKS": "0",
            **extra,
        }


def _argv(folder: Path, words: tuple[str, ...], settings: tuple[str, ...]) -> tuple[str, ...]:
    """Return the whole command; that the folder may be another user's, as in a container, was decided by who named it."""
    every = (*_SETTINGS, f"safe.directory={folder.absolute()}", *settings)
    return ("git", *(word for one in every for word in ("-c", one)), *words)
