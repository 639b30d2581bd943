"""Finding the numbered SQL files of one database and those that were not applied yet."""

from dataclasses import dataclass
from importlib import resources

from domain.errors import UserError


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number and its SQL."""

    number: int
    name: str
    sql: str


def migrations_for(database: str) -> list[Migration]:
    """Return all migrations of a database in order, `database` being the name of its folder."""
    files = (resources.files("store.migrations") / database).iterdir()
    # The first four characters are the number; a file named otherwise is a mistake that must not go unseen.
    found = [
        Migration(int(file.name[:4]), file.name, file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


def pending(all_of_them: list[Migration], applied: int) -> list[Migration]:
    """Return what is still to be applied.

    Raises:
        UserError: the database is newer than this program.
    """
    newest = all_of_them[-1].number if all_of_them else 0
    if applied > newest:
        raise UserError(f"the database has schema {applied}, this program knows up to {newest}: install a newer Reins")
    return [migration for migration in all_of_them if migration.number > applied]
