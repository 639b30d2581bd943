"""A second process for the tests: enrols people one by one and says each id once it is stored."""

import sys
from pathlib import Path

from domain.people import Address, AddressKind, Person
from store.atomic_storage import LockWait
from store.people import PeopleDirectory


def main(path: Path, prefix: str, count: int) -> None:
    # A loaded machine may let one writer wait long; being fair is not what is tested.
    directory = PeopleDirectory(path, LockWait(limit_seconds=60))
    for number in range(count):
        person_id = f"{prefix}{number}"
        directory.add(Person(person_id, "Writer", ("reader",), (Address(AddressKind.WEB, person_id),)))
        sys.stdout.write(f"{person_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
