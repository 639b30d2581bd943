"""Making the state folder and the private files in it."""

import os
from pathlib import Path

from domain.errors import UserError

FOLDER_MODE = 0o700  # phone numbers, sessions and the audit key are nobody else's business
FILE_MODE = 0o600


def make_state_folder(root: Path) -> None:
    """Make the folder if it is not there; one that is there keeps its permissions, which `reins doctor` judges.

    Raises:
        UserError: it cannot be made, or something else bears its name.
    """
    try:
        root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{root}: cannot be made a folder ({error.strerror}); set REINS_HOME to another place"
        ) from error


def make_database(path: Path) -> list[str]:
    """Bring the database's schema up to date, making the file first where there is none; return what was applied."""
    from store.sqlite_schema import migrate  # noqa: PLC0415 - only commands that need the store pay for it

    write_new_private_file(path, b"")  # SQLite itself would leave it readable for others
    return migrate(path)


def write_new_private_file(path: Path, content: bytes) -> bool:
    """Write a file that only its owner may read, and tell whether it was new; an existing one is left alone.

    It appears whole or not at all, also when the machine stops in between.

    Raises:
        OSError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(fresh, "xb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)  # unlike a rename this never replaces what another process made meanwhile
    except FileExistsError:
        return False
    finally:
        fresh.unlink(missing_ok=True)
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)
