"""The working tree that a fix works in, and a repository of our own that judges and pushes what it left there."""

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from domain.errors import UserError
from forge.github_settings import LOOPBACK_HOSTS
from loops.fixing.git import Git, GitError

NOT_AN_ANCESTOR = 1
NOTHING_FOUND = 1
_CREDENTIAL = re.compile(rb"(?m)^(?:http\.(?:.*\.)?extraheader(?:\s|$)|remote\..*\s\w+://[^/\s]*@)")


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a fix is pushed to: an https address and the token for it; loopback http and `file` are for this machine.

    Raises:
        UserError: the address would send the token in the clear, or holds a credential itself.
    """

    url: str
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no safe place for a token."""
        parts = urlsplit(self.url)
        here = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
        if not (parts.scheme == "https" or here or (parts.scheme == "file" and self.token is None)):
            raise UserError("the remote to push to must begin with https://: the token is part of the push")
        if parts.username is not None or parts.password is not None:
            raise UserError("the remote to push to must not hold a credential: give the token by itself")

    @property
    def scheme(self) -> str:
        """Return the one transport that a push may use."""
        return urlsplit(self.url).scheme

    def authority(self) -> dict[str, str]:
        """Return the environment that hands git the token: on a command line every process could read it."""
        if self.token is None:
            return {}
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self.url}.extraheader",
            "GIT_CONFIG_VALUE_0": f"Authorization: basic {basic}",
        }


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working tree. Each method raises `GitError` where git cannot tell."""

    git: Git
    folder: Path

    async def head(self) -> str:
        """Return the commit that is checked out."""
        answer = await self.git.run(self.folder, "rev-parse", "--verify", "HEAD^{commit}")
        return answer.written.decode("ascii").strip()

    async def is_clean(self) -> bool:
        """Tell whether nothing is changed, added or left over; ignored files may be there."""
        answer = await self.git.run(self.folder, "status", "--porcelain", "-z", "--untracked-files=normal")
        return not answer.written

    async def keeps_credential(self) -> bool:
        """Tell whether its settings hold a credential, as they do unless it was checked out without keeping any."""
        words = ("config", "--includes", "--get-regexp", r"^(http\..*extraheader|remote\..*url)$")
        answer = await self.git.run(self.folder, *words, fine=(0, NOTHING_FOUND))
        return _CREDENTIAL.search(answer.written) is not None

    async def objects(self) -> Path:
        """Return the folder that its objects lie in."""
        answer = await self.git.run(self.folder, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        return Path(answer.written.decode().removesuffix("\n"))


@dataclass(frozen=True, slots=True)
class Judged:
    """Our own bare repository over a checkout's objects. Each method raises `GitError` where git cannot tell."""

    git: Git
    folder: Path

    async def descends(self, source: str, head: str) -> bool:
        """Tell whether a commit is the source or comes after it."""
        words = ("merge-base", "--is-ancestor", source, head)
        answer = await self.git.run(self.folder, *words, fine=(0, NOT_AN_ANCESTOR))
        return answer.exit_code == 0

    async def changed_paths(self, source: str, head: str) -> tuple[str, ...]:
        """Return every path that differs: of a rename both names, also links and submodules."""
        words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none", source, head)
        answer = await self.git.run(self.folder, *words)
        return tuple(name.decode(errors="surrogateescape") for name in answer.written.split(b"\0") if name)

    async def push(self, commit: str, branch: str, remote: Remote) -> None:
        """Push exactly this commit to a branch that it comes after; nothing is ever forced.

        Raises:
            GitError: it was not taken, or the answer got lost.
        """
        transports = ("protocol.allow=never", f"protocol.{remote.scheme}.allow=always")
        words = ("push", "--quiet", remote.url, f"{commit}:refs/heads/{branch}")
        await self.git.run(self.folder, *words, settings=transports, extra=remote.authority())


@asynccontextmanager
async def judged_apart(checkout: Checkout, source: str) -> AsyncIterator[Judged]:
    """Make a bare repository of our own that borrows the checkout's objects.

    What was written into the checkout's settings can name programs, turn addresses round and replace commits. Here are
    only our settings, and objects whose names are their content. The source is taken for the beginning of history: a
    checkout may hold nothing older.
    """
    git = checkout.git
    objects = await checkout.objects()
    with TemporaryDirectory(prefix="reins-judged-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        await git.run(folder, "init", "--bare", "--quiet", "--template=", ".")
        _write(folder / "objects" / "info", "alternates", str(objects))
        _write(folder, "shallow", source)
        yield Judged(git, folder)


def _write(folder: Path, name: str, line: str) -> None:
    if "\n" in line:
        raise GitError("the checkout lies in a folder whose name holds a line break")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"{line}\n", encoding="utf-8", errors="surrogateescape")
