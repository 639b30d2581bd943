"""Performing one effect on the world: the forge and the channels, and what each kind of failure means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from channels.port import Channel, DeliveryError, MaybeSent, NotNow
from domain.effects import CancelRun, Deliver, Dispatch, Effect
from forge.port import Forge, ForgeError, Job, Refused, Unclear, Unreachable


class Fate(Enum):
    """What became of one try."""

    DONE = "done"
    LATER = "later"
    NEVER = "never"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Tried:
    """One try: its fate, the reason where it failed, the provider's wish when to try again, the job a dispatch made."""

    fate: Fate
    reason: str | None = None
    retry_after_seconds: int | None = None
    job: Job | None = None


class Performer:
    """Hands effects to the adapters they belong to."""

    def __init__(self, forges: Mapping[str, Forge], channels: Mapping[str, Channel]) -> None:
        """Serve these forges and channels, by name."""
        self._forges = forges
        self._channels = channels

    async def perform(self, effect: Effect) -> Tried:
        """Do it once. Only failures that the ports name are caught: anything else is a fault of ours."""
        try:
            match effect:
                case Dispatch(forge=name) | CancelRun(forge=name) if name not in self._forges:
                    return Tried(Fate.NEVER, f"the forge {name} is not configured")
                case Dispatch(forge=name):
                    return Tried(Fate.DONE, job=await self._forges[name].dispatch(effect))
                case CancelRun(forge=name, correlation=correlation):
                    await self._forges[name].cancel(correlation)
                case Deliver(to=to, notice=notice):
                    kind, _, value = to.partition(":")
                    if kind not in self._channels:
                        return Tried(Fate.NEVER, f"the channel {kind} is not configured")
                    await self._channels[kind].deliver(value, notice)
        except (ForgeError, DeliveryError) as error:
            return _tried(error)
        return Tried(Fate.DONE)

    async def look_back(self, effect: Effect) -> Tried:
        """Find out whether an earlier try happened: done, or `LATER` when it did not and may be tried again."""
        try:
            match effect:
                case Dispatch(forge=name, correlation=correlation):
                    job = await self._forges[name].find(correlation) if name in self._forges else None
                    return Tried(Fate.DONE, job=job) if job else Tried(Fate.LATER, "it never reached the forge")
                case CancelRun():
                    return Tried(Fate.LATER, "asking a forge to cancel twice is safe")
                case Deliver(to=to, notice=notice):
                    kind, _, value = to.partition(":")
                    arrived = await self._channels[kind].arrived(value, notice) if kind in self._channels else False
                    if arrived is None:
                        return Tried(Fate.UNCLEAR, "this channel cannot tell whether it arrived")
                    return Tried(Fate.DONE) if arrived else Tried(Fate.LATER, "it did not arrive")
        except (ForgeError, DeliveryError) as error:
            tried = _tried(error)
            return Tried(Fate.UNCLEAR, tried.reason, tried.retry_after_seconds)


def _tried(error: ForgeError | DeliveryError) -> Tried:
    reason = str(error)[:200]
    match error:
        case NotNow(retry_after_seconds=seconds):
            return Tried(Fate.LATER, reason, seconds)
        case Refused(reason=code):
            return Tried(Fate.NEVER, f"{code}: {reason}")
        case Unreachable():
            return Tried(Fate.LATER, reason)
        case Unclear() | MaybeSent():
            return Tried(Fate.UNCLEAR, reason)
        case _:
            return Tried(Fate.NEVER, reason)
