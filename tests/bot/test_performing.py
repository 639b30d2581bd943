"""What each failure of a forge or channel means for the next try."""

import pytest

from bot.performing import Fate, Performer
from channels.port import DeliveryError, MaybeSent, Never, NotNow
from domain.effects import CancelRun, Deliver, Dispatch
from domain.notices import Notice, NoticeKind
from tests.fakes.channel import FakeChannel
from tests.fakes.forge import FakeForge, ForgeFault
from tests.fakes.virtual_time import VirtualTime

START = Dispatch("R1", "mutation", "local", "acme/shop", "ci.yml", "main", {}, "C1", "d" * 64)
CANCEL = CancelRun("R1", "local", "C1")
TELL = Deliver("web:owner", Notice("n1", NoticeKind.ALARM, "look"))


class Rig:
    def __init__(self) -> None:
        self.forge = FakeForge(VirtualTime())
        self.web = FakeChannel("web")
        self.performer = Performer({"local": self.forge}, {"web": self.web})


@pytest.mark.parametrize(
    ("fault", "fate"),
    [
        (ForgeFault.NONE, Fate.DONE),
        (ForgeFault.UNREACHABLE, Fate.LATER),
        (ForgeFault.REFUSE, Fate.NEVER),
        (ForgeFault.DROP, Fate.UNCLEAR),
        (ForgeFault.LOSE, Fate.UNCLEAR),
    ],
)
async def test_a_forges_failures_decide_what_may_be_done_next(fault: ForgeFault, fate: Fate) -> None:
    rig = Rig()
    rig.forge.faults.append(fault)
    assert (await rig.performer.perform(START)).fate is fate
    if fate is Fate.DONE:
        rig.forge.faults.append(fault)
        assert (await rig.performer.perform(CANCEL)).fate is fate
        assert rig.forge.cancelled == ["C1"]


@pytest.mark.parametrize(("fault", "fate"), [(None, Fate.DONE), (NotNow("n", 7), Fate.LATER), (Never("n"), Fate.NEVER)])
async def test_a_channels_failures_decide_what_may_be_done_next(fault: DeliveryError | None, fate: Fate) -> None:
    rig = Rig()
    rig.web.faults.append(fault)
    tried = await rig.performer.perform(TELL)
    assert (tried.fate, tried.retry_after_seconds) == (fate, 7 if fate is Fate.LATER else None)


async def test_a_refusal_keeps_its_stable_code_before_its_sentence() -> None:
    rig = Rig()
    rig.forge.faults.append(ForgeFault.REFUSE)
    assert (await rig.performer.perform(START)).reason == "not_allowed: the forge says no"


@pytest.mark.parametrize("happened", [True, False])
async def test_looking_back_tells_whether_a_dispatch_happened(happened: bool) -> None:
    rig = Rig()
    rig.forge.faults.append(ForgeFault.DROP if happened else ForgeFault.LOSE)
    await rig.performer.perform(START)
    looked = await rig.performer.look_back(START)
    assert looked.fate is (Fate.DONE if happened else Fate.LATER)
    assert (looked.job is not None) is happened


@pytest.mark.parametrize("fault", [ForgeFault.UNREACHABLE, ForgeFault.REFUSE, ForgeFault.LOSE])
async def test_looking_back_in_vain_leaves_it_unclear(fault: ForgeFault) -> None:
    rig = Rig()
    rig.forge.faults.append(fault)
    assert (await rig.performer.look_back(START)).fate is Fate.UNCLEAR


async def test_a_cancel_may_be_asked_twice() -> None:
    assert (await Rig().performer.look_back(CANCEL)).fate is Fate.LATER


@pytest.mark.parametrize(("arrives", "fate"), [(True, Fate.DONE), (False, Fate.LATER)])
async def test_looking_back_tells_whether_a_notice_arrived(arrives: bool, fate: Fate) -> None:
    rig = Rig()
    rig.web.faults.append(MaybeSent("lost") if arrives else NotNow("busy"))
    await rig.performer.perform(TELL)
    assert (await rig.performer.look_back(TELL)).fate is fate


async def test_a_channel_that_cannot_tell_leaves_it_unclear() -> None:
    rig = Rig()
    rig.web.can_tell = False
    assert (await rig.performer.look_back(TELL)).fate is Fate.UNCLEAR


async def test_what_is_not_configured_is_refused_and_never_happened() -> None:
    performer = Performer({}, {})
    for effect, name in ((START, "forge local"), (CANCEL, "forge local"), (TELL, "channel web")):
        tried = await performer.perform(effect)
        assert (tried.fate, tried.reason) == (Fate.NEVER, f"the {name} is not configured")
        assert (await performer.look_back(effect)).fate is Fate.LATER


async def test_a_fault_of_ours_is_not_taken_for_a_failure_of_theirs() -> None:
    rig = Rig()
    rig.web.faults.append(ZeroDivisionError())  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        await rig.performer.perform(TELL)
