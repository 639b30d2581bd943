"""The people directory: who has which addresses and roles, in a TinyDB file that people can read."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tinydb import TinyDB, where
from tinydb.table import Table

from domain.clock import from_text, to_text
from domain.errors import UserError
from domain.people import PERSON_ID, Address, AddressKind, Person
from domain.untrusted import clean_line
from store.atomic_storage import AtomicStorage, LockWait, damaged, read_tables

MAX_NAME_CHARACTERS = 64
MAX_ROLE_CHARACTERS = 64
# File times move in kernel ticks of up to 10 ms: a file younger than ten ticks can change again and look the same.
SETTLED_AFTER_NS = 100_000_000

_GRAMMAR: Mapping[AddressKind, tuple[re.Pattern[str], str]] = {
    AddressKind.WEB: (PERSON_ID, "the person's own id"),
    AddressKind.CONSOLE: (re.compile(r"0|[1-9][0-9]{0,9}"), "a numeric user id of this machine, as `id -u` prints it"),
    AddressKind.SMS: (re.compile(r"\+[1-9][0-9]{6,14}"), "an E.164 number: + and 7 to 15 digits, no spaces"),
    AddressKind.TELEGRAM: (re.compile(r"[1-9][0-9]{0,15}"), "a numeric user id, no sign (the Bot API has 52-bit ids)"),
    AddressKind.NTFY: (re.compile(r"[-_A-Za-z0-9]{1,60}"), "a topic: 1 to 60 of A-Z a-z 0-9 - _"),
}


class _Seen(NamedTuple):
    """What tells one state of the file from another; the change time also moves when a tool puts the old mtime back."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class _Index:
    """Everybody in the file. `seen` is None where the next look-up has to read again."""

    by_id: dict[str, Person] = field(default_factory=dict)
    by_address: dict[Address, Person] = field(default_factory=dict)
    seen: _Seen | None = None
    problem: str | None = None

    def known(self, person_id: str) -> Person:
        person = self.by_id.get(person_id)
        if person is None:
            raise UserError(f"person id: nobody here is called {clean_line(person_id, 32)}.", "unknown_person")
        return person

    def refuse_taken(self, person: Person) -> None:
        for address in person.addresses:
            owner = self.by_address.get(address)
            if owner is not None and owner.id != person.id:
                raise UserError(
                    f"addresses: {address.masked()} belongs to {owner.id}; remove it there first.", "address_taken"
                )


class PeopleDirectory:
    """Look people up by address on every message, and change who they are.

    Look-ups follow the file: it is read again whenever it changed, by whatever process, so a removed person is unknown
    at the next call. A missing file knows nobody. A file that cannot be read or understood knows nobody either, and
    `problem` says why. Changes are read, checked and written under the file's lock, and block meanwhile: call them off
    the event loop. They raise `UserError` for a bad or taken id or address, an unknown person, and a file that is
    busy, damaged or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        lock_wait: LockWait | None = None,
        wall_clock_ns: Callable[[], int] = time.time_ns,
        trusted_ns: int = 0,
    ) -> None:
        """Keep the path of the JSON file, which need not exist yet; `wall_clock_ns` is compared with file times.

        For `trusted_ns` after a look at the file it is not looked at again: one message asks several times.
        """
        self._path = path
        self._trusted_ns = trusted_ns
        self._trusted_until_ns = 0
        self._lock_wait = lock_wait
        self._wall_clock_ns = wall_clock_ns
        self._index = _Index()

    @property
    def problem(self) -> str | None:
        """Say why nobody is known although there is a file, or None."""
        return self._current().problem

    def find(self, address: Address) -> Person | None:
        """Return whose address this is, or None."""
        return self._current().by_address.get(address)

    def get(self, person_id: str) -> Person | None:
        """Return the person with this id, or None."""
        return self._current().by_id.get(person_id)

    def all(self) -> tuple[Person, ...]:
        """Return everybody, ordered by id."""
        return tuple(sorted(self._current().by_id.values(), key=lambda person: person.id))

    def add(self, person: Person) -> Person:
        """Enrol somebody new; returned as stored: name cleaned, time in whole milliseconds."""
        added = _checked(person)
        with self._editing() as (table, index):
            if added.id in index.by_id:
                raise UserError(f"person id: {added.id} is taken; choose another id.", "person_exists")
            index.refuse_taken(added)
            table.insert(_to_row(added))
        return added

    def set_roles(self, person_id: str, roles: tuple[str, ...]) -> Person:
        """Replace somebody's roles; which names mean something is for the policy file to say."""
        return self._change(person_id, lambda person: replace(person, roles=roles))

    def add_address(self, person_id: str, address: Address) -> Person:
        """Give somebody one more address."""
        return self._change(person_id, lambda person: replace(person, addresses=(*person.addresses, address)))

    def remove_address(self, person_id: str, address: Address) -> Person:
        """Take an address away from somebody: from the next call on, nobody is known by it."""

        def without(person: Person) -> Person:
            if address not in person.addresses:
                raise UserError(f"addresses: {person.id} has no {address.masked()}.", "unknown_address")
            return replace(person, addresses=tuple(one for one in person.addresses if one != address))

        return self._change(person_id, without)

    def remove(self, person_id: str) -> Person:
        """Forget somebody with all addresses; returns who that was."""
        with self._editing() as (table, index):
            removed = index.known(person_id)
            table.remove(where("id") == person_id)
        return removed

    def _change(self, person_id: str, change: Callable[[Person], Person]) -> Person:
        with self._editing() as (table, index):
            changed = _checked(change(index.known(person_id)))
            index.refuse_taken(changed)
            table.update(_to_row(changed), where("id") == person_id)
        return changed

    @contextmanager
    def _editing(self) -> Iterator[tuple[Table, _Index]]:
        with TinyDB(self._path, self._lock_wait, storage=AtomicStorage) as database:
            yield database.table("people"), _read_index(self._path, None)

    def _current(self) -> _Index:
        # The order matters: clock, then file times, then content. Whatever changes after a step is noticed next time.
        now_ns = self._wall_clock_ns()
        if self._trusted_until_ns - self._trusted_ns <= now_ns < self._trusted_until_ns:
            return self._index
        self._trusted_until_ns = now_ns + self._trusted_ns
        seen = _look_at(self._path)
        index = self._index
        if seen is None or seen != index.seen:
            settled = seen is not None and now_ns - seen.changed_ns > SETTLED_AFTER_NS
            try:
                index = _read_index(self._path, seen if settled else None)
            except UserError as error:
                index = _Index(problem=str(error))
            self._index = index
        return index


def check_address(address: Address) -> None:
    """Refuse an address that its channel could never send from.

    Raises:
        UserError: the kind carries no senders (Slack), or the value breaks the kind's grammar; the value is not shown.
    """
    grammar = _GRAMMAR.get(address.kind)
    if grammar is None:
        raise UserError(f"addresses: {address.kind.value} only takes notices out, nobody is known by it.")
    pattern, wanted = grammar
    if not pattern.fullmatch(address.value):
        raise UserError(
            f"addresses: the {address.kind.value} value of {len(address.value)} characters must be {wanted}."
        )


def parse_address(text: str) -> Address:
    """Read `kind:value`, as in `sms:+41790000000`.

    Raises:
        UserError: the kind is unknown, or `check_address` refuses the value.
    """
    kind, _, value = text.partition(":")
    if kind not in list(AddressKind):
        raise UserError(f"addresses: must be written kind:value, with a kind out of {', '.join(_GRAMMAR)}.")
    address = Address(AddressKind(kind), value)
    check_address(address)
    return address


def _checked(person: Person) -> Person:
    """Return the person exactly as the next reader of the file will see them."""
    return _from_row(_to_row(person))


def _to_row(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "name": person.name,
        "roles": list(person.roles),
        "addresses": [f"{address.kind.value}:{address.value}" for address in person.addresses],
        "enrolled_at": None if person.enrolled_at is None else to_text(person.enrolled_at),
    }


_FIELDS = frozenset({"id", "name", "roles", "addresses", "enrolled_at"})


def _from_row(row: Mapping[str, object]) -> Person:
    # An unknown field is refused: whoever writes `"revoked": true` by hand must not be believed to have revoked.
    if row.keys() != _FIELDS:
        odd = ", ".join(sorted(row.keys() ^ _FIELDS))
        raise UserError(f"fields: must be exactly {', '.join(sorted(_FIELDS))}; look at {odd}.")
    person_id = _text(row, "id")
    if not PERSON_ID.fullmatch(person_id):
        raise UserError(
            f"person id: {len(person_id)} characters that do not fit; a letter a-z first, then at most 31 of a-z 0-9 -."
        )
    return Person(
        id=person_id,
        name=_name(_text(row, "name")),
        roles=_roles(_texts(row, "roles")),
        addresses=_addresses(person_id, _texts(row, "addresses")),
        enrolled_at=_moment(row),
    )


def _text(row: Mapping[str, object], name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise UserError(f"{name}: must be text.")
    return value


def _texts(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = row[name]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UserError(f"{name}: must be a list of texts.")
    return tuple(value)


def _name(text: str) -> str:
    name = clean_line(text, MAX_NAME_CHARACTERS)
    if not name:
        raise UserError("name: is empty; write how people call this person.")
    return name


def _roles(names: tuple[str, ...]) -> tuple[str, ...]:
    # Refused, not cleaned: a role must never turn into another role's name by losing characters.
    if any(not name or clean_line(name, MAX_ROLE_CHARACTERS) != name for name in names):
        raise UserError(f"roles: each must be 1 to {MAX_ROLE_CHARACTERS} printable characters on one line.")
    return names


def _addresses(person_id: str, texts: tuple[str, ...]) -> tuple[Address, ...]:
    addresses = tuple(parse_address(text) for text in texts)
    if len(set(addresses)) < len(addresses):
        raise UserError(f"addresses: {person_id} has one of them already.", "address_taken")
    if any(address.kind is AddressKind.WEB and address.value != person_id for address in addresses):
        raise UserError(f"addresses: the web value must be the person's own id, {person_id}.")
    return addresses


def _moment(row: Mapping[str, object]) -> datetime | None:
    if row["enrolled_at"] is None:
        return None
    try:
        return from_text(_text(row, "enrolled_at"))
    except (ValueError, OverflowError) as error:
        raise UserError("enrolled_at: must be null or a time like 2026-11-22T14:02:00Z.") from error


def _look_at(path: Path) -> _Seen | None:
    try:
        status = path.stat()
    except OSError:
        return None  # nothing is hidden: what cannot be looked at is read next, and reading says why it cannot be
    return _Seen(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _read_index(path: Path, seen: _Seen | None) -> _Index:
    index = _Index(seen=seen)
    tables = read_tables(path)
    if tables is None:
        return index
    if "people" not in tables:
        raise damaged(path, "people", "this table is missing")
    for row_id, row in tables["people"].items():
        try:
            person = _from_row(row)
            if person.id in index.by_id:
                raise UserError(f"person id: {person.id} is there twice.")  # noqa: TRY301 - both get the position below
            index.refuse_taken(person)
        except UserError as error:
            raise damaged(path, f"people {row_id}", str(error).removesuffix(".")) from error
        index.by_id[person.id] = person
        index.by_address.update(dict.fromkeys(person.addresses, person))
    return index
