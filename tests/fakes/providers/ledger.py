"""What fake providers took and carried out: the truth a test compares the bot's own records with."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Accepted:
    """One effect: through which channel, to which address, what was shown, and the provider's id for it.

    `extra` is what else a test may ask for: buttons, priority, the call that made it.
    """

    channel: str
    to: str
    text: str
    id: str
    extra: Mapping[str, object] = field(default_factory=dict)


class Ledger(list[Accepted]):
    """Effects in the order in which they were taken; one ledger may serve several fakes."""

    def texts(self, to: str) -> list[str]:
        """Return what was shown at one address."""
        return [one.text for one in self if one.to == to]
