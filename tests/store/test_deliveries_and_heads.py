"""Webhook deliveries are claimed once by id and body; of a branch the newest look stays."""

from dataclasses import replace
from datetime import timedelta

from domain.ci import Branch, CiReason, CiSnapshot, CiStatus, FailingLane
from store.port import Store
from store.tables import Tables
from store.tables.deliveries import DELIVERIES_AT_ONCE, Claim, HookDelivery
from store.tables.heads import Head
from tests.fakes.virtual_time import START

ONE = HookDelivery("guid-1", "workflow_run", "d" * 64, b"{}")
MAIN = Branch("acme/app", "main")
SECOND = timedelta(seconds=1)


async def claim(store: Store, delivery: HookDelivery, seconds: int = 0) -> Claim:
    return await store.transact(lambda tables: tables.deliveries.claim(delivery, START + seconds * SECOND))


async def waiting(store: Store) -> list[str]:
    return [one.id for one in await store.read(lambda tables: tables.deliveries.waiting())]


async def done(store: Store, *ids: str, seconds: int = 0) -> None:
    await store.transact(lambda tables: tables.deliveries.mark_done(ids, START + seconds * SECOND))


async def test_a_delivery_is_new_once_then_known_and_in_the_end_done(store: Store) -> None:
    assert await claim(store, ONE) is Claim.NEW
    assert await claim(store, ONE) is Claim.AGAIN
    assert await store.read(lambda tables: tables.deliveries.waiting()) == [ONE]
    await done(store, ONE.id)
    assert await claim(store, ONE) is Claim.DONE
    assert await waiting(store) == []


async def test_neither_id_nor_body_comes_with_another_one(store: Store) -> None:
    await claim(store, ONE)
    assert await claim(store, replace(ONE, digest="e" * 64)) is Claim.SWAPPED
    assert await claim(store, replace(ONE, id="guid-2")) is Claim.COPY
    await done(store, ONE.id)
    assert await claim(store, replace(ONE, digest="e" * 64)) is Claim.SWAPPED
    assert await claim(store, replace(ONE, id="guid-2")) is Claim.COPY
    assert await waiting(store) == []


async def test_what_waits_comes_in_the_order_it_came_and_in_parts(store: Store) -> None:
    for number in range(DELIVERIES_AT_ONCE + 2, 0, -1):
        delivery = HookDelivery(f"guid-{number:04}", "check_run", f"{number:064}", b"{}")
        await claim(store, delivery, seconds=-number)
    first = await waiting(store)
    assert first == [f"guid-{number:04}" for number in range(DELIVERIES_AT_ONCE + 2, 2, -1)]
    await done(store, *first)
    assert await waiting(store) == ["guid-0002", "guid-0001"]


async def test_only_what_was_done_before_a_moment_is_forgotten(store: Store) -> None:
    for number in range(3):
        await claim(store, HookDelivery(f"guid-{number}", "check_run", f"{number:064}", b"{}"))
    await done(store, "guid-0")
    await done(store, "guid-1", seconds=1)
    await store.transact(lambda tables: tables.deliveries.forget_before(START + SECOND))
    claims = [await claim(store, HookDelivery(f"guid-{n}", "check_run", f"{n:064}", b"{}")) for n in range(3)]
    assert claims == [Claim.NEW, Claim.DONE, Claim.AGAIN]


async def head(store: Store, branch: str = "main") -> Head | None:
    return await store.read(lambda tables: tables.heads.get("acme/app", branch))


async def test_the_newest_look_at_a_branch_stays_until_the_branch_is_gone(store: Store) -> None:
    looks = (("a", 5), ("b", 9), ("c", 7), ("d", 9))

    def write(tables: Tables) -> None:
        for sha, seconds in looks:
            tables.heads.put("acme/app", "main", sha, START + seconds * SECOND)

    assert await head(store) is None
    await store.transact(write)
    assert (await head(store), await head(store, "dev")) == (Head("d", START + 9 * SECOND), None)
    await store.transact(lambda tables: tables.heads.drop("acme/app", "dev"))
    assert await head(store) is not None
    await store.transact(lambda tables: tables.heads.drop("acme/app", "main"))
    assert await head(store) is None


async def test_the_newest_look_at_the_lanes_of_each_branch_stays_as_it_was(store: Store) -> None:
    lane = FailingLane("test", "ci.yml", "failure", "https://git.example/1")
    newer = CiSnapshot(
        CiStatus.FAILING, CiReason.LANES_FAIL, "d", MAIN, "github", START, "a" * 40, START, (lane,), 1, 0
    )  # fmt: skip
    older = replace(newer, taken_at=START - SECOND, failing=2)
    dev = replace(newer, branch=Branch("acme/app", "dev"), failing=None, pending=None)
    for snapshot in (newer, older, dev):
        await store.transact(lambda tables, one=snapshot: tables.snapshots.put(one))  # type: ignore[misc]
    for snapshot in (newer, dev):
        assert await store.read(lambda tables, one=snapshot: tables.snapshots.ci(one.branch)) == snapshot  # type: ignore[misc]
    assert await store.read(lambda tables: tables.snapshots.ci(Branch("acme/app", "gone"))) is None
