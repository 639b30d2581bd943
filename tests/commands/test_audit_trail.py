"""Every handled message leaves exactly one row, the row proves its decision, and the whole log verifies."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from audit.row import receipt
from commands.ledger import event
from domain.modes import Mode
from domain.people import Proof
from policy.evidence import replay
from policy.loading import load_policy
from tests.fakes.chat import Chat, chat, handle_in
from tests.fakes.policies import example_policy, loaded
from tests.fakes.virtual_time import START


async def talk(bot: Chat) -> int:
    """Hold a conversation that reaches most rules; return how many messages it had."""
    asked = handle_in(await bot.say("run strict", person="olga"))
    started = handle_in(await bot.say("run triage", sent_at=bot.clock.now()))
    said: list[tuple[str, dict[str, object]]] = [
        ("status", {}),
        ("\x00 gibberish \u202e\ud800", {}),
        ("", {}),
        ("run triage", {}),
        ("run triage", {"person": "vic"}),
        ("run deploy image=a", {}),
        ("run nothing", {}),
        ("run mutation x=1", {"person": "olga"}),
        ("hello", {"person": "nobody", "channel": "sms"}),
        (f"ok {asked}", {"proof": Proof.ADDRESS}),
        (f"ok {asked}", {"person": "ann"}),
        (f"no {asked} late", {"person": "ben"}),
        (f"abort {started}", {"person": "olga"}),
        (f"abort {started}", {}),
        ("resume", {"proof": Proof.DEVICE}),
        ("status", {"sent_at": bot.clock.now() - timedelta(hours=1)}),
        ("halt", {"person": "vic", "channel": "sms", "proof": Proof.ADDRESS}),
        ("status", {"proof": Proof.NONE}),
        ("run triage", {}),
        ("pause", {"proof": Proof.LOCAL, "channel": "console"}),
    ]
    for text, how in said:
        await bot.say(text, **how)  # type: ignore[arg-type]
    return len(said) + 2


async def test_every_message_leaves_one_row_and_the_log_verifies(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        messages = await talk(bot)
        bot.clock.advance(120)
        await bot.say("whoami")
        report = await bot.verify_audit()
        assert report.problem is None
        assert (report.rows, report.unsealed_rows) == (messages + 1, 0)


async def test_a_repeated_message_leaves_no_second_row(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status", message_id="same")
        await bot.say("status", message_id="same")
        assert len(await bot.audit_rows()) == 1


async def test_every_stored_decision_is_derived_again_from_its_evidence(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await talk(bot)
        rows = await bot.audit_rows()
        for row in rows:
            again = replay(row["evidence"], row["proof"], row["channel"], bot.policy)
            assert (again.verdict.value, again.rule, again.reason) == (row["decision"], row["rule"], row["reason"])
        assert len({row["rule"] for row in rows}) >= 15


async def test_a_decision_is_derived_again_under_the_policy_it_was_made_under(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        before = bot.policy
        await bot.say("run triage")
        document = example_policy()
        del document["actions"]["triage"]
        bot.policy = loaded(document)
        (row,) = await bot.audit_rows()
        assert row["policy_version"] == before.version != bot.policy.version
        assert replay(row["evidence"], row["proof"], row["channel"], before).rule == "allowed"
        assert replay(row["evidence"], row["proof"], row["channel"], bot.policy).rule == "action_unknown"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("run triage", ["run {run} accepted"]),
        ("run strict", ["approval {approval} opened"]),
        ("halt", ["mode off"]),
        ("status", None),
    ],
)
async def test_a_row_names_what_it_changed(tmp_path: Path, text: str, changes: list[str] | None) -> None:
    async with chat(tmp_path) as bot:
        await bot.say(text)
        (row,) = await bot.audit_rows()
        run, approval = await bot.runs(), await bot.read(lambda tables: tables.approvals.waiting(START))
        names = {"run": run[0].id if run else "", "approval": approval[0].id if approval else ""}
        expected = [change.format(**names) for change in changes] if changes else None
        assert row["evidence"].get("changes") == expected


@pytest.mark.parametrize(
    ("said", "change"),
    [
        (("ok",), "approval {id} granted"),
        (("ok", "ok"), "approval {id} granted, closed"),
        (("no",), "approval {id} refused, closed"),
    ],
)
async def test_a_row_of_a_vote_says_how_it_went(tmp_path: Path, said: tuple[str, ...], change: str) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        handle = handle_in(await bot.say("run release image=a", proof=Proof.DEVICE))
        (waiting,) = await bot.read(lambda tables: tables.approvals.waiting(START))
        for verb, person in zip(said, ("ann", "ben"), strict=False):
            await bot.say(f"{verb} {handle}", person=person, proof=Proof.DEVICE)
        assert (await bot.audit_rows())[-1]["evidence"]["changes"][0] == change.format(id=waiting.id)


async def test_a_row_holds_no_text_of_a_message_only_its_digest(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status token=hunter2")
        (row,) = await bot.audit_rows()
        assert "hunter2" not in json.dumps(row)
        assert len(row["digest"]) == 64


async def test_the_receipt_on_the_phone_names_the_row_and_the_audit_command_its_head(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("status")
        size, head = await bot.read(lambda tables: tables.audit.head())
        shown = await bot.say("audit")
        assert answer.receipt == receipt(size, head)
        assert shown.text is not None
        assert shown.text.splitlines() == [
            "1 14:00:00 owner status: allow (allowed)",
            f"Head before this message: {receipt(size, head)}",
        ]


async def test_the_audit_command_shows_the_newest_rows_oldest_first_and_events_by_their_outcome(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        for text in ("status", "run triage", "whoami"):
            await bot.say(text)
        await bot.store.transact(lambda tables: tables.audit.append(event(START, "start", "", "done", {})))
        shown = await bot.say("audit 3")
        assert shown.text is not None
        assert shown.text.splitlines()[:-1] == [
            "2 14:00:00 owner run triage: allow (allowed)",
            "3 14:00:00 owner whoami: allow (allowed)",
            "4 14:00:00 reins start: done (-)",
        ]


async def test_a_clock_that_goes_back_leaves_a_log_that_verifies(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("run triage")
        bot.clock.advance(-3600)
        await bot.say("halt")
        assert (await bot.verify_audit()).ok


async def test_reads_are_sealed_every_64_rows(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        for _ in range(129):
            await bot.say("whoami")
        seals = await bot.read(lambda tables: list(tables.seals.each()))
        assert [json.loads(seal)["size"] for seal in seals] == [1, 65, 129]


async def test_any_edit_of_a_row_is_found(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("run triage")
        await bot.say("halt")

        edit = "UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'owner', 'olga') AS BLOB) WHERE seq = 1"
        await bot.store.transact(lambda tables: tables.audit._rows.run(edit))
        assert not (await bot.verify_audit()).ok


texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=30),
    st.sampled_from(
        ["status", "run triage", "run strict", "halt", "resume", "menu", "ok 3K", "why 3K", "run deploy image=a:b"]
    ),
)
message = st.tuples(texts, st.sampled_from(["owner", "olga", "vic", "nobody"]), st.sampled_from([*Proof]))


@settings(max_examples=25, deadline=None)  # each example starts a whole bot
@given(st.lists(message, min_size=1, max_size=12))
def test_any_conversation_leaves_one_row_each_and_a_log_that_verifies_and_replays(
    tmp_path_factory: pytest.TempPathFactory, conversation: list[tuple[str, str, Proof]]
) -> None:
    async def hold() -> None:
        async with chat(tmp_path_factory.mktemp("talk")) as bot:
            for text, person, proof in conversation:
                answer = await bot.say(text, person=person, proof=proof)
                assert answer.rule != "fault"
            rows = await bot.audit_rows()
            assert len(rows) == len(conversation)
            assert (await bot.verify_audit()).ok
            for row in rows:
                again = replay(row["evidence"], row["proof"], row["channel"], bot.policy)
                assert (again.verdict.value, again.rule) == (row["decision"], row["rule"])

    asyncio.run(hold())


async def kept_policies(bot: Chat) -> list[bytes | None]:
    versions = {row["policy_version"] for row in await bot.audit_rows()}
    return [await bot.read(lambda tables, one=version: tables.policies.get(one)) for version in sorted(versions)]  # type: ignore[misc]


async def test_the_text_of_every_policy_is_kept_with_its_first_decision(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        first = bot.policy
        await bot.say("status", message_id="same")
        document = example_policy()
        document["security"]["soak_days"] = 9
        bot.policy = loaded(document)
        await bot.say("status", message_id="same")  # a repeat decides nothing, so it keeps nothing
        await bot.say("whoami")
        assert first.raw is not None
        assert {first.raw, bot.policy.raw} == set(await kept_policies(bot))


async def test_a_policy_that_is_missing_has_no_text_to_keep(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        bot.policy = load_policy(None)
        await bot.say("status")
        assert await kept_policies(bot) == [None]


async def test_the_log_names_an_answer_by_a_digest_and_the_person_if_known(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        with capture_logs() as logs:
            await bot.say("run triage", message_id="secret-nonce")
            await bot.say("hello", person="nobody")
            await bot.say("whoami")
        assert [(line["event"], line["person"], line["rule"]) for line in logs] == [
            ("answered", "owner", "allowed"),
            ("answered", None, "unknown_person"),
        ]
        assert "secret-nonce" not in str(logs)


async def test_a_write_is_sealed_at_once(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        for text in ("whoami", "whoami", "run triage", "whoami", "halt"):
            await bot.say(text)
        seals = await bot.read(lambda tables: list(tables.seals.each()))
        assert [json.loads(seal)["size"] for seal in seals] == [1, 3, 5]
