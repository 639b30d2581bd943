"""Performing one effect on the world: the forge and the channels, and what each kind of failure means."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from channels.port import Arrival, Broken, Channel, DeliveryError, Earlier, Handed, MaybeSent, NotNow, Paced
from domain.effects import CancelRun, Deliver, Dispatch, Effect, LinkAddress
from domain.errors import UserError
from domain.runs import Run
from forge.port import Forge, ForgeError, Job, Refused, Sought, Unclear, Unreachable

FORGE_LOOK_BACK_AFTER_SECONDS = 5.0  # a forge needs a moment before a new run can be found
Link = Callable[[LinkAddress], Awaitable[None]]
ReadRun = Callable[[str], Awaitable[Run]]


class Fate(Enum):
    """What became of one try."""

    DONE = "done"
    ACCEPTED = "accepted"  # the provider has it, a receipt is to come
    LATER = "later"
    PACED = "paced"  # nothing was tried
    BROKEN = "broken"  # nothing goes through this channel until somebody mends it
    NEVER = "never"
    UNCLEAR = "unclear"
    REPEAT = "repeat"  # nobody can tell: it is sent again, marked as a repeat


@dataclass(frozen=True, slots=True)
class Tried:
    """One try: its fate, the reason where it failed, when to try again, the job a dispatch made, what a channel said.

    `answered` is an unclear try whose provider works all the same: it says itself that it does not know yet. `skipped`
    is one for which no provider was asked, `looked` one that only looked back.
    """

    fate: Fate
    reason: str | None = None
    retry_after_seconds: float | None = None
    job: Job | None = None
    handed: Handed | None = None
    answered: bool = False
    skipped: bool = False
    looked: bool = False


class Performer:
    """Hands effects to the adapters they belong to."""

    def __init__(
        self, forges: Mapping[str, Forge], channels: Mapping[str, Channel], link: Link, read_run: ReadRun
    ) -> None:
        """Serve these forges and channels, by name.

        `link` writes a new address into the people directory, `read_run` returns our record of a run by its id.
        """
        self._forges = forges
        self._channels = channels
        self._link = link
        self._read_run = read_run

    def look_back_after_seconds(self, effect: Effect) -> float:
        """Return how long to wait after an unclear try before asking what became of it."""
        channel = self._channels.get(effect.to.partition(":")[0]) if isinstance(effect, Deliver) else None
        return channel.look_back_after_seconds if channel else FORGE_LOOK_BACK_AFTER_SECONDS

    async def perform(self, effect: Effect, *, repeat: bool = False) -> Tried:
        """Do it once. Only failures that the ports name are caught: anything else is a fault of ours."""
        try:
            match effect:
                case Dispatch(forge=name) | CancelRun(forge=name) if name not in self._forges:
                    return Tried(Fate.NEVER, f"the forge {name} is not configured")
                case Dispatch(forge=name):
                    return Tried(Fate.DONE, job=await self._forges[name].dispatch(effect))
                case CancelRun(forge=name, run_id=run_id):
                    await self._forges[name].cancel(Sought.of(await self._read_run(run_id)))
                case LinkAddress():
                    await self._link(effect)
                case Deliver(to=to):
                    return await self._deliver(to, effect, repeat)
        except (ForgeError, DeliveryError, UserError) as error:
            return _tried(error)
        return Tried(Fate.DONE)

    async def look_back(self, effect: Effect, earlier: Earlier) -> Tried:
        """Find out whether an earlier try happened: done, or `LATER` when it did not and may be tried again."""
        try:
            match effect:
                case Dispatch(forge=name) if name in self._forges:
                    return await self._look_back_at_forge(self._forges[name], effect)
                case Dispatch(forge=name):
                    return Tried(Fate.LATER, f"the forge {name} is not configured")
                case CancelRun() | LinkAddress():
                    return Tried(Fate.LATER, "doing this twice is safe")
                case Deliver(to=to):
                    return await self._look_back_at(to, effect, earlier)
        except (ForgeError, DeliveryError) as error:
            tried = _tried(error)
            return Tried(Fate.UNCLEAR, tried.reason, tried.retry_after_seconds, looked=True)

    async def _look_back_at_forge(self, forge: Forge, effect: Dispatch) -> Tried:
        job = await forge.find(Sought.of(await self._read_run(effect.run_id)))
        if job is not None:
            return Tried(Fate.DONE, job=job)
        if forge.repeats_safely:
            return Tried(Fate.LATER, "it never reached the forge")
        return Tried(Fate.UNCLEAR, f"{forge.name} shows no such run yet; it is not started a second time")

    async def _deliver(self, to: str, effect: Deliver, repeat: bool) -> Tried:
        kind, _, value = to.partition(":")
        if kind not in self._channels:
            return Tried(Fate.NEVER, f"the channel {kind} is not configured")
        handed = await self._channels[kind].deliver(value, effect.notice, repeat=repeat)
        return Tried(Fate.ACCEPTED if handed.awaits_receipt else Fate.DONE, handed=handed)

    async def _look_back_at(self, to: str, effect: Deliver, earlier: Earlier) -> Tried:
        kind, _, value = to.partition(":")
        if kind not in self._channels:
            return Tried(Fate.LATER, f"the channel {kind} is not configured")
        match await self._channels[kind].look_back(value, effect.notice, earlier):
            case Arrival.ARRIVED:
                return Tried(Fate.DONE, handed=Handed(earlier.provider_id))
            case Arrival.NOT_THERE:
                return Tried(Fate.LATER, "it did not arrive")
            case Arrival.FAILED:
                return Tried(Fate.NEVER, "the provider could not bring it to the person")
            case Arrival.UNDECIDED:
                return Tried(Fate.UNCLEAR, "the provider has it and does not know yet if it arrived", answered=True)
            case Arrival.CANNOT_TELL:
                return Tried(Fate.REPEAT, "nobody can tell whether it arrived")


def _tried(error: ForgeError | DeliveryError | UserError) -> Tried:
    reason = str(error)[:200]
    seconds: float | None = None
    match error:
        case NotNow(retry_after_seconds=wish):
            fate, seconds = Fate.LATER, wish
        case Paced(seconds=pause):
            fate, seconds = Fate.PACED, pause
        case Broken():
            fate = Fate.BROKEN
        case Refused(reason=code):
            fate, reason = Fate.NEVER, f"{code}: {reason}"
        case Unreachable(retry_after_seconds=wish):
            fate, seconds = Fate.LATER, wish
        case Unclear() | MaybeSent():
            fate = Fate.UNCLEAR
        case _:
            fate = Fate.NEVER
    return Tried(fate, reason, seconds)
