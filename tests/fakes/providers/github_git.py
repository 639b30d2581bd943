"""The git side of the fake GitHub: real bare repositories, served by git's own CGI program at `/<owner>/<repo>.git`.

    github.git.make(tmp_path, HOME, {"app.py": "broken"})     # main stands at the id that git gave its first commit
    github.git.on_push(lambda repository, branch, sha: repository.run_by_others("ci.yml", branch=branch, head_sha=sha))
    github.git.land(HOME, {"app.py": "better"})               # somebody else's push
    github.faults_on(PUSH).add(Fault.ACCEPT_THEN_DROP)        # the next push is taken, and nobody is told

What a push brings, the API shows: where the branch stands, the commits with their first parents, and the files they
hold, without their modes. Nobody gets in without a token, whether a repository is private or not.
"""

import asyncio
import base64
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from aiohttp import web

from tests.fakes.providers.fault_middleware import Handler
from tests.fakes.providers.github_calls import Refused
from tests.fakes.providers.github_graph import Content
from tests.fakes.providers.github_repository import Repository, World

FETCH, PUSH = "git/upload-pack", "git/receive-pack"
ADVERTISE = "git/info-refs"
READ, WRITE = "contents=read", "contents=write"
USER = "x-access-token"
NO_FILES = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # the tree that holds nothing, which git knows by itself
OURS = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
Heard = Callable[[Repository, str, str], object]


class GitHosting:
    """See the module's docstring."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._roots: dict[str, Path] = {}
        self._hearers: list[Heard] = []

    def make(self, folder: Path, repository: str, files: Mapping[str, Content], branch: str = "main") -> str:
        """Make a repository's bare one below a folder, with a first commit of these files; return the commit."""
        folder.mkdir(parents=True, exist_ok=True)
        self._roots[repository] = folder
        bare = self._bare(repository)
        _git(folder, "init", "--quiet", "--bare", f"--initial-branch={branch}", str(bare))
        return self.land(repository, files, branch)

    def land(self, repository: str, files: Mapping[str, Content], branch: str = "main") -> str:
        """Let somebody else push a commit that writes these files; return it."""
        bare = self._bare(repository)
        before = _heads(bare)
        ref = f"refs/heads/{branch}"
        _git(bare, "fast-import", "--quiet", given=b"".join(_commit_lines(ref, files, begun=branch in before)))
        self._take_over(repository, before)
        return _heads(bare)[branch]

    def on_push(self, hearer: Heard) -> None:
        """Call this with the repository, the branch and its new commit after every push, before it is answered."""
        self._hearers.append(hearer)

    def routes(self) -> Iterator[tuple[str, str, str, Handler]]:
        """Return the name, the method, the path and the handler of everything that a git client asks."""
        place = "/{owner}/{repo}.git"
        yield ADVERTISE, "GET", f"{place}/info/refs", self._advertise
        yield FETCH, "POST", f"{place}/git-upload-pack", partial(self._serve, READ)
        yield PUSH, "POST", f"{place}/git-receive-pack", partial(self._serve, WRITE)

    async def _advertise(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(WRITE if request.query["service"] == "git-receive-pack" else READ, request)

    async def _serve(self, need: str, request: web.Request) -> web.StreamResponse:
        name = "{owner}/{repo}".format_map(request.match_info)
        try:
            self._admit(name, need, request.headers.get("Authorization"))
        except Refused as refused:
            return web.Response(status=refused.status, text=str(refused), headers=refused.headers)
        before = _heads(self._bare(name))
        answer = await _answer_of_git(self._roots[name], request)
        self._take_over(name, before)
        return answer

    def _admit(self, name: str, need: str, authorization: str | None) -> None:
        """Let a git client in, or refuse it as GitHub does: git asks once more with a password only after a 401."""
        if authorization is None:
            raise Refused(401, "Authentication required", {"WWW-Authenticate": 'Basic realm="GitHub"'})
        token = self._world.tokens.of(_bearer(authorization))
        if name not in self._roots or not token.sees(name):
            raise Refused(404, "Repository not found.")
        if not token.may(need):
            raise Refused(403, "Write access to repository not granted.")

    def _take_over(self, name: str, before: Mapping[str, str]) -> None:
        """Let the API show what has changed, and tell whoever waits for it."""
        repository, bare = self._world.repositories[name], self._bare(name)
        commits, now = repository.commits, _heads(bare)
        for branch in before.keys() - now.keys():
            del commits.branches[branch]
        for branch, sha in sorted(now.items() - before.items()):
            self._learn(repository, sha)
            commits.push(branch, sha)
            for hearer in self._hearers:
                hearer(repository, branch, sha)

    def _learn(self, repository: Repository, head: str) -> None:
        bare, commits = self._bare(repository.full_name), repository.commits
        for line in _git(bare, "rev-list", "--reverse", "--topo-order", "--parents", head).decode().splitlines():
            sha, *parents = line.split()
            parent = parents[0] if parents else None
            if sha not in commits.known:
                commits.graph.add(sha, parent, _changed(bare, parent, sha))
                commits.known.add(sha)

    def _bare(self, name: str) -> Path:
        return self._roots[name] / f"{name}.git"


def _bearer(authorization: str) -> str:
    """Return the token of a Basic header as a Bearer's; without the name that stands for one it is nobody's."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return authorization
    user, _, password = base64.b64decode(text).decode().partition(":")
    return f"Bearer {password}" if user == USER else ""


async def _answer_of_git(root: Path, request: web.Request) -> web.Response:
    """Hand one request to git and return its answer. The body comes unpacked, so its encoding is not told."""
    environment = {
        **OURS,
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": USER,  # without one git takes no push
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
    }
    pipe = asyncio.subprocess.PIPE
    backend = await asyncio.create_subprocess_exec("git", "http-backend", env=environment, stdin=pipe, stdout=pipe)
    written, _ = await backend.communicate(await request.read())
    head, _, content = written.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return web.Response(status=status, headers=headers, body=content)


def _git(folder: Path, *words: str, given: bytes = b"") -> bytes:
    return subprocess.run(["git", *words], cwd=folder, env=OURS, input=given, check=True, capture_output=True).stdout


def _heads(bare: Path) -> dict[str, str]:
    listed = _git(bare, "for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/heads").decode()
    return dict(line.split() for line in listed.splitlines())


def _changed(bare: Path, parent: str | None, sha: str) -> dict[str, Content | None]:
    listed = _git(bare, "diff-tree", "-r", "-z", "--no-renames", parent or NO_FILES, sha).decode().split("\0")
    return {path: _file(bare, *about.split()[3:]) for about, path in zip(listed[::2], listed[1::2], strict=False)}


def _file(bare: Path, blob: str, status: str) -> bytes | None:
    return None if status == "D" else _git(bare, "cat-file", "blob", blob)


def _commit_lines(ref: str, files: Mapping[str, Content], *, begun: bool) -> Iterator[bytes]:
    """Write a commit for git's fast-import; the same files on the same commit always give the same id."""
    yield f"commit {ref}\ncommitter Bea <bea@example.com> 1767225600 +0000\ndata 6\nChange\n".encode()
    if begun:
        yield f"from {ref}^0\n".encode()
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        yield b'M 100644 inline "%s"\ndata %d\n%s\n' % (path.encode(), len(data), data)
