"""One change to the outside world, as frozen data: commands return them, the relay performs them."""

from dataclasses import dataclass

from domain.notices import Notice


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Start an allowlisted workflow on a forge. `digest` names exactly what will run (I7)."""

    run_id: str
    action: str
    forge: str
    repository: str
    workflow: str
    ref: str
    inputs: dict[str, str]
    correlation: str
    digest: str


@dataclass(frozen=True, slots=True)
class CancelRun:
    """Stop a run that the forge already knows."""

    run_id: str
    forge: str
    correlation: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand one notice to one address, written `channel:value`."""

    to: str
    notice: Notice


Effect = Dispatch | CancelRun | Deliver
