"""What each failure of a forge or channel means for the next try."""

import pytest

from bot.performing import Fate, Performer
from channels.port import Arrival, Broken, DeliveryError, Earlier, Handed, MaybeSent, Never, NotNow, Paced
from domain.effects import CancelRun, Deliver, Dispatch, LinkAddress
from domain.errors import UserError
from domain.notices import Notice, NoticeKind
from domain.runs import Run, RunState
from forge.port import Sought, Unreachable
from tests.fakes.channel import FakeChannel
from tests.fakes.forge import FakeForge, ForgeFault
from tests.fakes.virtual_time import START as START_OF_TIME
from tests.fakes.virtual_time import VirtualTime

START = Dispatch("R1", "mutation", "local", "acme/shop", "ci.yml", "main", {}, "C1", "d" * 64)
CANCEL = CancelRun("R1", "local", "C1")
RUN = Run(
    "R1", "3K", "mutation", "acme/shop", "main", {}, RunState.ACCEPTED, "ann", "web:ann", "C1", START_OF_TIME,
    START_OF_TIME, url="https://ci.example/1",
)  # fmt: skip
LINK = LinkAddress("ann", "telegram:7")
EARLIER = Earlier(START_OF_TIME, None)
TELL = Deliver("web:owner", Notice("n1", NoticeKind.ALARM, "look"))


class Rig:
    def __init__(self) -> None:
        self.forge = FakeForge(VirtualTime())
        self.web = FakeChannel("web")
        self.linked: list[LinkAddress] = []
        self.performer = Performer({"local": self.forge}, {"web": self.web}, self._link, self._read_run)

    async def _read_run(self, run_id: str) -> Run:
        assert run_id == "R1"
        return RUN

    async def _link(self, effect: LinkAddress) -> None:
        if self.linked:
            raise UserError("the address is taken")
        self.linked.append(effect)


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


@pytest.mark.parametrize(
    ("fault", "fate"),
    [
        (None, Fate.DONE),
        (NotNow("n", 7), Fate.LATER),
        (Never("n"), Fate.NEVER),
        (Broken("n"), Fate.BROKEN),
        (MaybeSent("n"), Fate.UNCLEAR),
    ],
)
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
    looked = await rig.performer.look_back(START, EARLIER)
    assert looked.fate is (Fate.DONE if happened else Fate.LATER)
    assert (looked.job is not None) is happened


async def test_a_forge_that_cannot_be_asked_twice_is_never_asked_a_second_time() -> None:
    rig = Rig()
    rig.forge.repeats_safely = False
    rig.forge.faults.append(ForgeFault.LOSE)
    await rig.performer.perform(START)
    looked = await rig.performer.look_back(START, EARLIER)
    assert (looked.fate, looked.reason) == (
        Fate.UNCLEAR,
        "local shows no such run yet; it is not started a second time",
    )


async def test_a_forge_is_asked_with_all_that_is_known_of_the_run() -> None:
    rig = Rig()
    rig.forge.faults.append(ForgeFault.DROP)
    await rig.performer.perform(START)
    await rig.performer.look_back(START, EARLIER)
    await rig.performer.perform(CANCEL)
    assert rig.forge.sought == [Sought("C1", "acme/shop", "main", START_OF_TIME, "https://ci.example/1")] * 2


async def test_a_limited_forge_says_when_to_try_again() -> None:
    rig = Rig()
    rig.forge.unreachable = Unreachable("busy", 40.0)
    rig.forge.faults.append(ForgeFault.UNREACHABLE)
    tried = await rig.performer.perform(START)
    assert (tried.fate, tried.retry_after_seconds) == (Fate.LATER, 40.0)


@pytest.mark.parametrize("fault", [ForgeFault.UNREACHABLE, ForgeFault.REFUSE, ForgeFault.LOSE])
async def test_looking_back_in_vain_leaves_it_unclear(fault: ForgeFault) -> None:
    rig = Rig()
    rig.forge.faults.append(fault)
    assert (await rig.performer.look_back(START, EARLIER)).fate is Fate.UNCLEAR


async def test_a_cancel_may_be_asked_twice() -> None:
    assert (await Rig().performer.look_back(CANCEL, EARLIER)).fate is Fate.LATER


@pytest.mark.parametrize(("arrives", "fate"), [(True, Fate.DONE), (False, Fate.LATER)])
async def test_looking_back_tells_whether_a_notice_arrived(arrives: bool, fate: Fate) -> None:
    rig = Rig()
    rig.web.faults.append(MaybeSent("lost") if arrives else NotNow("busy"))
    await rig.performer.perform(TELL)
    assert (await rig.performer.look_back(TELL, EARLIER)).fate is fate


@pytest.mark.parametrize(
    ("says", "fate"),
    [
        (Arrival.ARRIVED, Fate.DONE),
        (Arrival.NOT_THERE, Fate.LATER),
        (Arrival.FAILED, Fate.NEVER),
        (Arrival.UNDECIDED, Fate.UNCLEAR),
        (Arrival.CANNOT_TELL, Fate.REPEAT),
    ],
)
async def test_what_a_channel_sees_looking_back_decides_what_may_be_done_next(says: Arrival, fate: Fate) -> None:
    rig = Rig()
    rig.web.says = says
    assert (await rig.performer.look_back(TELL, EARLIER)).fate is fate
    assert rig.web.looks == [EARLIER]


async def test_pacing_is_no_try() -> None:
    rig = Rig()
    rig.web.faults.append(Paced(2.5))
    tried = await rig.performer.perform(TELL)
    assert (tried.fate, tried.retry_after_seconds) == (Fate.PACED, 2.5)


async def test_a_notice_whose_receipt_is_to_come_is_only_accepted() -> None:
    rig = Rig()
    rig.web.hands = Handed("SM1", awaits_receipt=True)
    tried = await rig.performer.perform(TELL)
    assert (tried.fate, tried.handed) == (Fate.ACCEPTED, rig.web.hands)


async def test_an_address_is_linked_once_and_a_taken_one_is_refused_for_good() -> None:
    rig = Rig()
    assert (await rig.performer.perform(LINK)).fate is Fate.DONE
    refused = await rig.performer.perform(LINK)
    assert (refused.fate, refused.reason, rig.linked) == (Fate.NEVER, "the address is taken", [LINK])
    assert (await rig.performer.look_back(LINK, EARLIER)).fate is Fate.LATER


def test_how_long_to_wait_before_looking_back_is_the_channels_own_affair() -> None:
    rig = Rig()
    rig.web.look_back_after_seconds = 20.0
    assert [rig.performer.look_back_after_seconds(one) for one in (TELL, START)] == [20.0, 5.0]


async def test_what_is_not_configured_is_refused_and_never_happened() -> None:
    rig = Rig()
    performer = Performer({}, {}, rig._link, rig._read_run)
    for effect, name in ((START, "forge local"), (CANCEL, "forge local"), (TELL, "channel web")):
        tried = await performer.perform(effect)
        assert (tried.fate, tried.reason) == (Fate.NEVER, f"the {name} is not configured")
        assert (await performer.look_back(effect, EARLIER)).fate is Fate.LATER


async def test_a_fault_of_ours_is_not_taken_for_a_failure_of_theirs() -> None:
    rig = Rig()
    rig.web.faults.append(ZeroDivisionError())  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        await rig.performer.perform(TELL)
