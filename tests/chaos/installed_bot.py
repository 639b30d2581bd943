"""A bot installed in a folder on the real disk, run as a real process, and clients that talk to it over HTTP.

bot = InstalledBot(tmp_path)                  # set up as `reins init` does it
with bot.process() as process:                # `python -m bot serve`, with `process.kill()` and the rest of Popen
    async with bot.client() as client:        # signed in as the owner
        answer = await client.say("status")   # tries again with the same nonce until it is answered
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from audit.report import Report
from audit.seals import Seal, TrustedKey
from audit.verify import verify
from bot.audit_key import AUDIT_ORIGIN
from bot.cli.initialise import set_up
from bot.cli.installation import Installation
from bot.home import Home
from bot.links import make_login_link
from bot.settings import Settings
from domain.clock import SystemClock
from domain.ids import SystemEntropy
from store.sqlite_connection import connect
from tests.house.checkout import ROOT

GUARD_SECONDS = 120  # only ends a test that would hang
POLL_SECONDS = 0.02  # another process tells nobody when it is ready


@dataclass(frozen=True, slots=True)
class Said:
    """One message that was answered: what was acknowledged must be found again."""

    nonce: str
    text: str
    status: int
    body: Any

    @property
    def reply(self) -> str:
        return str(self.body["entry"]["text"])

    @property
    def kept(self) -> tuple[str, str | None, str | None]:
        entry = self.body["entry"]
        return entry["text"], entry["receipt"], entry["rule"]


@dataclass(slots=True)
class Client:
    """One signed-in page."""

    http: aiohttp.ClientSession
    said: list[Said] = field(default_factory=list)

    async def say(self, text: str, nonce: str | None = None) -> Said:
        """Send one message until it is answered, with one nonce however often that takes."""
        nonce = nonce or secrets.token_hex(16)
        async with asyncio.timeout(GUARD_SECONDS):
            while True:
                try:
                    return await self.say_once(text, nonce)
                except (aiohttp.ClientError, ConnectionError):
                    await asyncio.sleep(POLL_SECONDS)

    async def say_once(self, text: str, nonce: str | None = None) -> Said:
        """Send one message.

        Raises:
            aiohttp.ClientError, ConnectionError: nobody knows whether it was taken.
        """
        nonce = nonce or secrets.token_hex(16)
        headers = {"Reins-Nonce": nonce, "Reins-Timestamp": str(int(time.time()))}
        async with self.http.post("/v1/messages", json={"text": text}, headers=headers) as response:
            answer = Said(nonce, text, response.status, await response.json())
        self.said.append(answer)
        return answer


class InstalledBot:
    """What the module's docstring shows; the database can be read beside the running process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.settings = Settings(home=folder / "home", port=self.port)
        self.home = Home.of(self.settings)
        self.installation = Installation(self.settings, self.home, SystemClock(), SystemEntropy())
        set_up(self.installation)
        policy = json.loads(self.home.policy_file.read_bytes())
        policy["channels"]["web"]["per_person_per_hour"] = 1_000_000
        for action in policy["actions"].values():
            action["rate"]["per_hour"] = 3_600
        self.home.policy_file.write_text(json.dumps(policy), encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("REINS_", "AUTONOMY_"))}
        return kept | {"REINS_HOME": str(self.home.root), "REINS_PORT": str(self.port), "PYTHONPATH": str(ROOT)}

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @contextmanager
    def program(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        """Run a Python program in this installation's environment; at the end it is killed with all it started."""
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                [sys.executable, *command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def process(self) -> AbstractContextManager[subprocess.Popen[str]]:
        """Run `python -m bot serve` as people do."""
        return self.program("-m", "bot", "serve", "--no-link")

    @asynccontextmanager
    async def client(self, person: str = "owner") -> AsyncIterator[Client]:
        """Sign in as soon as the bot answers."""
        parts = self.installation
        link = await parts.with_store(
            lambda store: make_login_link(store, person, self.settings, parts.clock, parts.entropy)
        )
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(self.settings.url, cookie_jar=jar) as http:
            await self.answering(http)
            async with http.post("/v1/sessions", json={"token": link.partition("#login=")[2]}) as response:
                assert response.status == 200, await response.text()
            yield Client(http)

    async def answering(self, http: aiohttp.ClientSession) -> Any:
        """Return the health document once the bot gives one."""
        async with asyncio.timeout(GUARD_SECONDS):
            while True:
                try:
                    async with http.get("/v1/health") as response:
                        return await response.json()
                except (aiohttp.ClientError, ConnectionError):
                    await asyncio.sleep(POLL_SECONDS)

    def rows(self, sql: str) -> list[Any]:
        """Read committed rows."""
        connection = connect(self.home.database, read_only=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    async def until_none(self, sql: str) -> None:
        """Return once a query finds nothing any more."""
        async with asyncio.timeout(GUARD_SECONDS):
            while await asyncio.to_thread(self.rows, sql):  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(POLL_SECONDS)

    async def at_rest(self) -> None:
        """Return once every run is over and every effect settled."""
        await self.until_none("SELECT id FROM runs WHERE state IN ('accepted', 'dispatched', 'running')")
        await self.until_none("SELECT id FROM outbox WHERE state IN ('pending', 'sending', 'ambiguous')")

    def audit(self, action: str | None = None) -> list[dict[str, Any]]:
        """Return audit rows, oldest first, of one action or all."""
        found = [json.loads(body) for (body,) in self.rows("SELECT body FROM audit ORDER BY seq")]
        return [row for row in found if action in (None, row["action"])]

    def verified(self) -> Report:
        """Verify the whole log with the installation's own key."""
        seals = [Seal.from_json(body) for (body,) in self.rows("SELECT body FROM seals ORDER BY size, at")]
        key = TrustedKey(self.installation.seal_key().public_hex)
        return verify(self.rows("SELECT seq, body, hash FROM audit ORDER BY seq"), seals, [key], AUDIT_ORIGIN)

    def faults_in_log(self) -> list[str]:
        """Return log lines that tell of faults of ours."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if '"level":"error"' in line or "Traceback" in line or "never retrieved" in line]

    def check_acknowledged(self, said: list[Said]) -> None:
        """Check that every acknowledged message is in the inbox with the answer it was given."""
        kept = {name: json.loads(answer) for name, answer in self.rows("SELECT message_id, answer FROM inbox")}
        for one in said:
            text, _keys, _verdict, rule, receipt = kept[f"owner:{one.nonce}"]
            assert (text, receipt, rule) == one.kept

    def check_runs(self) -> int:
        """Check that every run has one job, one dispatch and one final notice, and return how many runs there are."""
        runs = self.rows("SELECT id, correlation, state FROM runs")
        finals = [key for (key,) in self.rows("SELECT key FROM thread WHERE key LIKE '%:final:%'")]
        assert sorted(finals) == sorted(f"{run}:final:0" for run, _, _ in runs)
        jobs = [path.stem for path in (self.home.forge_folder / "jobs").glob("*.json")]
        assert sorted(jobs) == sorted(correlation for _, correlation, state in runs if state != "refused")
        done = [row["target"] for row in self.audit("effect-dispatch") if row["outcome"] == "delivered"]
        assert len(done) == len(set(done))
        assert set(self.rows("SELECT DISTINCT state FROM outbox")) <= {("delivered",)}
        return len(runs)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
