"""One change to the outside world, as frozen data: commands return them, the relay performs them."""

from dataclasses import dataclass

from domain.notices import Notice


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Start an allowlisted workflow on a forge. `digest` names exactly what will run (I7).

    `pin` is the id of the workflow's file that may run, in git's words its blob; `approved_sha` the one commit that it
    may run at, None where nobody had to approve one.
    """

    run_id: str
    action: str
    forge: str
    repository: str
    workflow: str
    ref: str
    inputs: dict[str, str]
    correlation: str
    digest: str
    pin: str | None = None
    approved_sha: str | None = None


@dataclass(frozen=True, slots=True)
class CancelRun:
    """Stop a run that the forge already knows."""

    run_id: str
    forge: str
    correlation: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand one notice to one address, written `channel:value`; `fallbacks` are tried in turn where that fails or lasts."""

    to: str
    notice: Notice
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """Give a person one more address, `channel:value`: they have sent the one-time code that was made for them."""

    person: str
    address: str


Effect = Dispatch | CancelRun | Deliver | LinkAddress


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell one person something. Which addresses that means is decided when it is committed, by their own settings.

    `origin` is the address the matter was asked from, `channel:value`: the answer goes there first. `but_not` is a
    channel that must not carry it: the one that is in trouble.
    """

    person: str
    notice: Notice
    origin: str | None = None
    but_not: str | None = None


@dataclass(frozen=True, slots=True)
class TellTeam:
    """Tell the team's shared places: the listed Telegram groups and the Slack channel."""

    notice: Notice
    but_not: str | None = None


Outgoing = Effect | Tell | TellTeam
