"""A home folder to measure on: set up as by `reins init`, people enrolled and signed in."""

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from audit.seals import SealKey
from bot.audit_key import read_audit_key
from bot.cli.initialise import set_up
from bot.cli.installation import Installation
from bot.home import Home
from bot.settings import Settings
from domain.clock import SystemClock
from domain.ids import SystemEntropy, fingerprint, secret
from domain.people import Address, AddressKind, Person
from store.people import PeopleDirectory
from store.sqlite_connection import SqliteRows, connect
from store.tables import Tables

SIGNED_IN_FOR = timedelta(hours=1)  # longer than any run of the benchmark
UNLIMITED_PER_HOUR = 1_000_000_000
APPROVED_ACTION = "bench"


@dataclass(frozen=True, slots=True)
class BenchHome:
    """An installation with the cookies and numbers of its people; the owner is not one of them."""

    paths: Home
    cookies: tuple[str, ...]
    owner_cookie: str
    numbers: tuple[str, ...]

    @property
    def seal_key(self) -> SealKey:
        return read_audit_key(self.paths.audit_key_file)


def settings_for(folder: Path) -> Settings:
    """Return settings that point nowhere else, whatever this shell's environment and `reins.toml` say."""
    return Settings(home=folder, policy_file=None, mutation_artifacts=None, triage_artifacts=None)


def make_plain_home(folder: Path) -> Home:
    """Set up a home folder just as a fresh machine has it."""
    settings = settings_for(folder)
    home = Home.of(settings)
    set_up(Installation(settings, home, SystemClock(), SystemEntropy()))
    return home


def make_home(folder: Path, people: int, per_hour: int = UNLIMITED_PER_HOUR, approval_refs: int = 0) -> BenchHome:
    """Set up a home folder with so many people, each with a session and a limit of messages an hour.

    The action `bench` needs one approval and runs on that many refs, `r0` and so on, each a slot of its own.
    """
    home = make_plain_home(folder)
    _change_policy(home.policy_file, per_hour, approval_refs)
    directory = PeopleDirectory(home.people_file)
    clock, entropy = SystemClock(), SystemEntropy()
    numbers = {f"person-{number}": f"+4179{number:07}" for number in range(people)}
    for one, number in numbers.items():
        addresses = (Address(AddressKind.WEB, one), Address(AddressKind.SMS, number))
        directory.add(Person(one, one, ("operator",), addresses, clock.now()))
    cookies = {one: secret(entropy) for one in [*numbers, "owner"]}
    now = clock.now()
    with closing(connect(home.database, read_only=False)) as connection:
        sessions = Tables(SqliteRows(connection)).sessions
        for one, cookie in cookies.items():
            sessions.add(fingerprint(cookie), one, now, now + SIGNED_IN_FOR)
    return BenchHome(home, tuple(cookies[one] for one in numbers), cookies["owner"], (*numbers.values(),))


def _change_policy(file: Path, per_hour: int, approval_refs: int) -> None:
    policy = json.loads(file.read_bytes())
    policy["channels"]["web"]["per_person_per_hour"] = per_hour
    policy["channels"]["sms"] = {"per_person_per_hour": per_hour}
    if approval_refs:
        refs = [f"r{number}" for number in range(approval_refs)]
        strict = {"refs": refs, "approvals": {"needed": 1}, "rate": {"per_hour": 3600}}
        policy["actions"][APPROVED_ACTION] = {**policy["actions"]["triage"], **strict}
    file.write_text(json.dumps(policy), encoding="utf-8")
