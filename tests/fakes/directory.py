"""A people directory in memory, and the people who live in most tests."""

from collections.abc import Iterable, Sequence

from domain.people import Address, AddressKind, Person


def person(person_id: str, *roles: str) -> Person:
    """Make somebody who is reachable on every channel under their own id."""
    addresses = tuple(Address(kind, person_id) for kind in AddressKind)
    return Person(person_id, person_id.capitalize(), roles, addresses)


OWNER = person("owner", "owner")  # reads, operates, approves; so do ann and ben
ANN = person("ann", "owner")
BEN = person("ben", "owner")
OLGA = person("olga", "operator")  # reads and operates
VIC = person("vic", "viewer")  # only reads
PEOPLE = (OWNER, ANN, BEN, OLGA, VIC)


class FakeDirectory:
    def __init__(self, people: Iterable[Person] = PEOPLE) -> None:
        self.people = {one.id: one for one in people}

    def find(self, address: Address) -> Person | None:
        return next((one for one in self.people.values() if address in one.addresses), None)

    def all(self) -> Sequence[Person]:
        return tuple(self.people.values())
