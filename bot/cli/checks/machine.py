"""Checks of the machine: Python, SQLite, the state folder, the disk, the address, and whether the bot answers."""

import http.client
import json
import os
import platform
import shutil
import stat
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.cli.checks.finding import Finding, fail, ok, warn
from bot.home import Home
from bot.settings import Settings
from store.sqlite_connection import LIBRARY_VERSION

# Two connections that write or checkpoint at the same instant can damage a WAL database in these versions
# (the "WAL-reset" defect, mended in 3.51.3).
WAL_RESET_VERSIONS = ((3, 7, 0), (3, 51, 2))
MIB = 1024 * 1024
LOW_DISK_BYTES = 1024 * MIB  # some weeks of logs and reports: time enough to act
FULL_DISK_BYTES = 64 * MIB  # SQLite needs room for its log to finish what was begun
HEALTH_TIMEOUT_SECONDS = 3.0  # it answers from memory in milliseconds
MAX_HEALTH_BYTES = 65_536
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound


def check_versions(sqlite_version: tuple[int, int, int] | None = None) -> Finding:
    """Look at the versions of Python and SQLite; `sqlite_version` is that of this machine unless given."""
    version = sqlite_version or LIBRARY_VERSION
    name = f"Python {platform.python_version()}, SQLite {'.'.join(map(str, version))}"
    if WAL_RESET_VERSIONS[0] <= version <= WAL_RESET_VERSIONS[1]:
        what = f"{name}: has the WAL-reset defect; Reins keeps out of it with one writer that alone checkpoints"
        return warn("versions", what, "install SQLite 3.51.3 or newer, and open reins.db with no other writing program")
    return ok("versions", name)


def check_state_folder(home: Home) -> Iterator[Finding]:
    """Look at who may read the state folder and the secrets in it."""
    try:
        mode = stat.S_IMODE(home.root.stat().st_mode)
    except OSError as error:
        yield fail("state folder", f"{home.root}: {error.strerror}", "run `reins init`, or set REINS_HOME")
        return
    if mode & 0o077:
        yield warn("state folder", f"{home.root}: others may look inside ({mode:04o})", f"chmod 700 {home.root}")
    elif not os.access(home.root, os.R_OK | os.W_OK | os.X_OK):
        yield fail("state folder", f"{home.root}: cannot be written", "run as the user who owns it")
    else:
        yield ok("state folder", f"{home.root} ({mode:04o})")
    for path in (home.audit_key_file, home.people_file, home.database):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077 and mode & 0o077:
            yield fail("state folder", f"{path.name}: others may read it", f"chmod 600 {path}")


def check_disk(home: Home) -> Finding:
    """Look at the free space where the state lies."""
    try:
        free = shutil.disk_usage(home.root).free
    except OSError as error:
        return fail("disk", f"free space is unknown: {error.strerror}", "make the state folder reachable")
    return judge_disk(free)


def judge_disk(free: int) -> Finding:
    """Say whether that many free bytes are enough."""
    what = f"{free // MIB} MiB free"
    if free < FULL_DISK_BYTES:
        return fail("disk", what, "free space now: without it nothing can be recorded, so nothing is done")
    return warn("disk", what, "free some space") if free < LOW_DISK_BYTES else ok("disk", what)


def check_address(settings: Settings) -> Finding:
    """Tell where people reach the page; the settings let nothing through but loopback and https."""
    bound = f"{settings.host} port {settings.port}, opened as {settings.url}"
    if urlsplit(settings.url).scheme == "https":
        return ok("address", bound)
    return ok("address", f"{bound}: this machine only; phones need REINS_PUBLIC_URL with https")


def check_running(settings: Settings) -> Finding:
    """Ask the bot at the configured address whether it is well."""
    host = _LOOPBACK_OF.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=HEALTH_TIMEOUT_SECONDS)
    try:
        # The bot answers only to names of its own, and the public one is always among them.
        connection.request("GET", "/v1/health", headers={"Host": urlsplit(settings.url).netloc})
        response = connection.getresponse()
        body = response.read(MAX_HEALTH_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return warn("bot", f"does not answer at {host} port {settings.port}: {error}", "start it with `reins serve`")
    finally:
        connection.close()
    return _judge_health(response.status, body)


def _judge_health(status: int, body: bytes) -> Finding:
    try:
        document = json.loads(body)
        state = document["status"]
    except (ValueError, KeyError, TypeError):
        return fail("bot", f"something else answers there (HTTP {status})", "set REINS_PORT to a free port")
    if status == http.client.OK:
        return ok("bot", f"runs, status {state}")
    troubles = ", ".join(f"{name}: {value}" for name, value in document.items())
    return fail("bot", f"runs, but is not well: {troubles}", "look at its log")
