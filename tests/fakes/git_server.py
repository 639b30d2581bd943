"""A git server on loopback that takes pushes with a token, by git's own CGI program, and remembers who asked how."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

BACKEND = ("git", "http-backend")


@dataclass
class GitServer:
    """`asked` holds the Authorization header of each request; `redirect_to` sends every request elsewhere."""

    remote: Path
    wanted: str | None = None
    redirect_to: str | None = None
    base: str = ""
    asked: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the repository's address."""
        return f"{self.base}/{self.remote.name}"

    async def answer(self, request: web.Request) -> web.Response:
        """Serve one request of a git client."""
        shown = request.headers.get("Authorization")
        self.asked.append(shown)
        if self.redirect_to is not None:
            return web.Response(status=302, headers={"Location": self.redirect_to + request.path_qs})
        if shown is None or shown != self.wanted:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.remote.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "REMOTE_USER": "x-access-token",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        }
        body = await request.read()
        pipe = asyncio.subprocess.PIPE
        backend = await asyncio.create_subprocess_exec(*BACKEND, env=environment, stdin=pipe, stdout=pipe)
        written, _ = await backend.communicate(body)
        head, _, content = written.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=headers, body=content)


@asynccontextmanager
async def git_server(server: GitServer) -> AsyncIterator[GitServer]:
    """Serve it on a free port of loopback."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application, auto_decompress=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
