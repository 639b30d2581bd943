"""People, the addresses they are reached at, what they may do and how sure we are that it is them."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

PERSON_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Scope(StrEnum):
    """What a role may grant (docs/design.md)."""

    READ = "read"
    OPERATE = "operate"
    APPROVE = "approve"


class Proof(StrEnum):
    """How sure we are that a message comes from the person its address belongs to (docs/design.md)."""

    NONE = "none"
    ADDRESS = "address"
    CODE = "code"
    ACCOUNT = "account"
    SESSION = "session"
    DEVICE = "device"
    LOCAL = "local"

    @property
    def rank(self) -> int:
        """Return the strength, for comparison only: account and session are equally strong."""
        return _RANKS[self]


_RANKS = {
    Proof.NONE: 0,
    Proof.ADDRESS: 1,
    Proof.CODE: 2,
    Proof.ACCOUNT: 3,
    Proof.SESSION: 3,
    Proof.DEVICE: 4,
    Proof.LOCAL: 5,
}


class AddressKind(StrEnum):
    """The channel an address belongs to; the value is the channel's name everywhere."""

    WEB = "web"
    CONSOLE = "console"
    SMS = "sms"
    TELEGRAM = "telegram"
    NTFY = "ntfy"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Address:
    """One channel identity: the kind and the provider's own id, never a display name."""

    kind: AddressKind
    value: str

    def text(self) -> str:
        """Return the address as outbox rows and runs carry it: `web:owner`."""
        return f"{self.kind.value}:{self.value}"

    def masked(self) -> str:
        """Return what may be shown and logged: kind and the last four characters at most."""
        return f"{self.kind.value}:…{self.value[-4:]}" if len(self.value) > 8 else f"{self.kind.value}:{self.value}"  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may act: id, display name, roles (named in the policy file) and addresses."""

    id: str
    name: str
    roles: tuple[str, ...]
    addresses: tuple[Address, ...]
    enrolled_at: datetime | None = None
