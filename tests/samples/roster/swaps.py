"""Who may trade a shift with whom."""

from tests.samples.roster.shifts import Shift, rested


class SwapBoard:
    """Offers of shifts that people would like to give away."""

    def __init__(self) -> None:
        self.offers: dict[str, Shift] = {}

    def offer(self, shift: Shift) -> bool:
        """Put a shift on the board; a person has one offer at a time."""
        if shift.person in self.offers:
            return False
        self.offers[shift.person] = shift
        return True

    def withdraw(self, person: str) -> bool:
        """Take an offer back; tell whether there was one."""
        return self.offers.pop(person, None) is not None

    def takers(self, offered: Shift, people: dict[str, list[Shift]]) -> list[str]:
        """Name who is free and rested enough for a shift, in order of the alphabet."""
        return sorted(person for person, own in people.items() if self.may_take(person, own, offered))

    def may_take(self, person: str, own: list[Shift], offered: Shift) -> bool:
        """Tell whether a person with these shifts can take one more."""
        if person == offered.person:
            return False
        moved = Shift(person, offered.start, offered.end)
        return all(not shift.overlaps(moved) and (rested(shift, moved) or rested(moved, shift)) for shift in own)
