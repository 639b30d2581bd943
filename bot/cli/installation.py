"""This machine's installation as the commands use it: settings, paths and state, opened only as far as needed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bot.audit_key import read_audit_key
from bot.home import Home
from bot.settings import Settings, read_settings
from domain.clock import Clock, SystemClock
from domain.errors import UserError
from domain.ids import Entropy, SystemEntropy
from domain.modes import ModeSources
from policy.loading import MAX_POLICY_BYTES, PolicyState, load_policy
from store.port import Store
from store.tables import Tables

if TYPE_CHECKING:  # these cost memory that a running bot shall not pay for commands it does not run
    from audit.seals import SealKey
    from store.people import PeopleDirectory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation; nothing is opened or made by holding it."""

    settings: Settings
    home: Home
    clock: Clock
    entropy: Entropy

    @classmethod
    def here(cls) -> "Installation":
        """Return the installation that the settings name.

        Raises:
            UserError: the settings cannot be used.
        """
        settings = read_settings()
        return cls(settings, Home.of(settings), SystemClock(), SystemEntropy())

    def people(self) -> "PeopleDirectory":
        """Return the people directory."""
        from store.people import PeopleDirectory  # noqa: PLC0415 - TinyDB costs memory

        return PeopleDirectory(self.home.people_file)

    def policy(self) -> PolicyState:
        """Return the policy in force, which may be missing or invalid.

        Raises:
            UserError: there is a file, but it cannot be read.
        """
        return load_policy(read_policy_file(self.home.policy_file))

    def seal_key(self) -> "SealKey":
        """Return the key that signs seals.

        Raises:
            UserError: the key file is missing, of a wrong size, or open to others.
        """
        return read_audit_key(self.home.audit_key_file)

    def mode(self, tables: Tables) -> ModeSources:
        """Read everything that can hold the mode down."""
        from bot.brake import FileBrake  # noqa: PLC0415 - it logs, and structlog costs memory

        halted = FileBrake(self.home.halt_file).pulled()
        return ModeSources(self.settings.autonomy_mode, tables.mode.value(), halted)

    @asynccontextmanager
    async def opened_store(self) -> AsyncIterator[Store]:
        """Open the store beside a bot that may be running; its schema is brought up to date.

        Raises:
            UserError: nothing was set up here yet, or the database is newer than this program.
        """
        from store.sqlite import SqliteStore  # noqa: PLC0415 - only commands that need the store pay for it

        if not self.home.database.exists():
            raise UserError(
                f"{self.home.root}: there is no Reins state here; run `reins init` first, or set REINS_HOME"
            )
        store = SqliteStore(self.home.database)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    async def with_store(self, work: Callable[[Store], Awaitable[T]]) -> T:
        """Run `work` on the opened store and return what it returns."""
        async with self.opened_store() as store:
            return await work(store)


def read_policy_file(path: Path) -> bytes | None:
    """Return the bytes of a policy file, one more than may be loaded at most, or None when there is no file.

    Raises:
        UserError: it is there, but cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_POLICY_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path}: the policy file cannot be read ({error.strerror}); check its owner") from error
