"""A bot in a world that misbehaves, watched from outside: every effect and every answer is checked as it happens."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from bot.cli.replaying import Replay, replay_log
from bot.links import make_login_link
from bot.relay import LEASE
from bot.settings import Settings
from channels.port import MaybeSent, Never, NotNow
from commands.answer import Answer
from commands.catalogue import CATALOGUE
from domain.decisions import Verdict
from domain.effects import Dispatch
from domain.modes import Mode
from domain.people import Proof
from domain.runs import RunState
from forge.port import JobState
from policy.loading import PolicyState, load_policy
from store.sqlite_connection import connect
from tests.fakes.directory import PEOPLE
from tests.fakes.forge import FakeForge, ForgeFault
from tests.fakes.policies import example_policy, loaded
from tests.fakes.whole_bot import WholeBot
from tests.scenarios.steps import Break, Job, Say, Step, Surroundings, Wait, Work

ENROLLED = {person.id for person in PEOPLE}
A_DAY_SECONDS = 86_400


def easy_policy() -> dict[str, Any]:
    """Return the example policy with limits that random conversations reach and pass."""
    document = example_policy()
    document["security"] |= {"soak_days": 1, "soak_clean_runs": 1}
    document["channels"] |= {"telegram": {"max_scope": "approve", "per_person_per_hour": 8}}
    document["actions"]["mutation"]["rate"] = {"per_hour": 4}
    return document


def policy_called(name: str) -> PolicyState:
    if name == "no policy":
        return load_policy(None)
    if name == "broken policy":
        return load_policy(b'{"schema_version": 2, "roles": {}, "surprise": 1}')
    document = easy_policy()
    if name == "narrow policy":
        document["actions"]["mutation"]["refs"] = ["dev"]
        document["actions"]["strict"]["inputs"]["threshold"]["max"] = 92
    return loaded(document)


class World:
    """Drives one bot through a history; any broken invariant is an AssertionError at the step that broke it."""

    def __init__(self, folder: Path) -> None:
        self.bot = WholeBot(folder / "reins.db", policy_called("good policy"), PEOPLE, CATALOGUE)
        for name in self.bot.forges:
            self.bot.forges[name] = FakeForge(self.bot.clock, name, self.effect_begins)
        self.said: list[tuple[Say, str, Answer]] = []
        self.first: dict[tuple[str, str], tuple[str, Answer]] = {}
        self.counts: Counter[str] = Counter()
        self.secrets: list[str] = []
        self._inspect: Any = None

    async def begin(self) -> None:
        await self.bot.start()
        self._inspect = connect(self.bot.path, read_only=True)
        settings = Settings(home=self.bot.path.parent)
        link = await make_login_link(self.bot.store, "owner", settings, self.bot.clock, self.bot.entropy)
        self.secrets.append(link.partition("#login=")[2])

    async def end(self) -> None:
        self._inspect.close()
        await self.bot.store.close()

    def column(self, sql: str, *values: object) -> list[Any]:
        """Read from the database beside the bot: only what is committed."""
        return [row[0] for row in self._inspect.execute(sql, values).fetchall()]

    def stored_mode(self) -> Mode:
        return Mode(next(iter(self.column("SELECT mode FROM mode")), "read-only"))

    def effect_begins(self, effect: Dispatch) -> None:
        """Check a dispatch at the moment the world does it (I1, I2, I5, I7)."""
        self.counts["dispatches"] += 1
        assert self.column("SELECT key FROM outbox WHERE key = ?", f"dispatch:{effect.run_id}")
        rows = [json.loads(body) for body in self.column("SELECT body FROM audit")]
        (intent,) = [row for row in rows if row["correlation"] == effect.run_id and row["decision"] is not None]
        assert (intent["decision"], intent["digest"]) == ("allow", effect.digest)
        policy = self.bot.policy.policy
        assert policy is not None
        modes = [self.stored_mode(), self.bot.environment_mode or Mode.OPERATE]
        lowest = Mode.OFF if self.bot.brake.pulled() else min(modes, key=lambda mode: mode.rank)
        assert lowest in policy.actions[effect.action].modes
        for asked_by, digest, approval in self._inspect.execute(
            "SELECT a.requested_by, a.digest, a.id FROM approvals a JOIN runs r ON r.approval = a.id WHERE r.id = ?",
            (effect.run_id,),
        ).fetchall():
            granted = self.column("SELECT person FROM votes WHERE approval = ? AND grants = 1", approval)
            rules = policy.actions[effect.action].approvals
            assert digest == effect.digest
            assert len(set(granted)) >= rules.needed
            assert rules.allow_self or asked_by not in granted

    async def take(self, step: Step) -> None:
        """Let one thing happen."""
        match step:
            case Say():
                await self._say(step)
            case Wait(seconds=seconds):
                self.bot.clock.advance(seconds)
            case Work(part=part):
                await self._work(part)
            case Break():
                self._break(step)
            case Job(number=number, state=state):
                self._job(number, state)
            case Surroundings():
                await self._change(step)

    def _break(self, step: Break) -> None:
        if not step.channels:
            for forge in self.bot.forges.values():
                forge.faults.extend(step.faults)
            return
        as_channel = {ForgeFault.DROP: MaybeSent("lost"), ForgeFault.REFUSE: Never("blocked")}
        for channel in self.bot.channels.values():
            channel.faults.extend(as_channel.get(fault, NotNow("busy", 3)) for fault in step.faults)

    async def _change(self, step: Surroundings) -> None:
        if step.what == "restart":
            self.bot.environment_mode = step.environment
            await self.bot.restart()
        elif step.what.endswith("HALT"):
            self.bot.brake.halt_file = step.what == "HALT"
        else:
            self.bot.policy = policy_called(step.what)

    async def _say(self, say: Say) -> None:
        bot, text = self.bot, say.text
        for place, kind in (("{run}", "run"), ("{approval}", "approval"), ("{any}", "%")):
            if place in text:
                newest = "SELECT handle FROM handles WHERE kind LIKE ? ORDER BY number DESC LIMIT 4"
                handles = self.column(newest, kind)
                text = text.replace(place, handles[say.handle % len(handles)] if handles else "AA")
        message_id, person, channel = f"m{len(self.said)}", say.person, say.channel
        if say.repeats is not None and self.said:
            earlier, message_id, _ = self.said[say.repeats % len(self.said)]
            person, channel = earlier.person, earlier.channel
            text = self.first[(channel, message_id)][0] if say.same_text else text
        sent_at = None if say.age_seconds is None else bot.clock.now() - timedelta(seconds=say.age_seconds)
        before = self._protected()
        answer = await bot.say(text, person, say.proof, channel, message_id, sent_at)
        self.counts["messages"] += 1
        assert answer.problem is None, answer
        self._check_once((channel, message_id), text, answer, before)
        self._check_proof(say.proof, before)
        is_new = not answer.repeated and answer.rule != "id_reused"
        if text == "halt" and person in ENROLLED and say.proof is not Proof.NONE and is_new:  # I6
            assert (answer.verdict, self.stored_mode()) == (Verdict.ALLOW, Mode.OFF)
        if person not in ENROLLED:
            assert (answer.text, answer.keys) == (None, ()), (text, person, channel, message_id, answer)
        self.said.append((replace(say, person=person, channel=channel), message_id, answer))

    def _protected(self) -> dict[str, Any]:
        """Return what a message may change at most once, and a weak proof not at all."""
        return {
            "mode": self.stored_mode(),
            "grants": self.column("SELECT approval || person FROM votes WHERE grants = 1"),
            "approved": self.column("SELECT id FROM approvals WHERE state = 'approved'"),
            "dispatches": self.column("SELECT key FROM outbox WHERE kind = 'dispatch'"),
            "cancels": self.column("SELECT key FROM outbox WHERE kind = 'cancel'"),
        }

    def _check_once(self, key: tuple[str, str], text: str, answer: Answer, before: dict[str, Any]) -> None:
        """Check that one id acts once and is answered with the same words (I3)."""
        after = self._protected()
        assert len(after["dispatches"]) <= len(before["dispatches"]) + 1
        if key not in self.first:
            assert not answer.repeated
            self.first[key] = (text, answer)
            return
        known_text, known = self.first[key]
        assert after == before
        self.counts["repeats"] += 1
        if answer.repeated:
            assert answer == replace(known, repeated=True)
        else:
            assert answer.rule in {"id_reused", "unknown_person"}
            assert text != known_text

    def _check_proof(self, proof: Proof, before: dict[str, Any]) -> None:
        """Check that an address alone raises nothing, approves nothing and starts nothing (I4)."""
        after = self._protected()
        if self.bot.policy.policy is None:  # I5
            assert {**after, "mode": 0} == {**before, "mode": 0}
        if proof.rank <= Proof.ADDRESS.rank or self.bot.policy.policy is None:
            assert after["mode"].rank <= before["mode"].rank
        if proof.rank <= Proof.ADDRESS.rank:
            assert {**after, "mode": 0} == {**before, "mode": 0}
        if after["mode"].rank > before["mode"].rank:
            self.counts["raises"] += 1
            assert proof.rank >= Proof.DEVICE.rank

    async def _work(self, part: str) -> None:
        bot = self.bot
        match part:
            case "relay":
                await bot.relay.tick()
            case "watch":
                await bot.watch.look()
            case "housekeeping":
                await bot.housekeeping.tick()
            case _:  # a relay that is killed while it holds its leases
                now = bot.clock.now()
                rows = await bot.store.transact(lambda tables: tables.outbox.lease("dead", now, now + LEASE, 9))
                self.counts["deaths"] += 1
                for row in rows if part == "die after" else []:
                    cancelled = (
                        isinstance(row.effect, Dispatch) and f"cancel:{row.effect.run_id}" in bot.outbox_states()
                    )
                    if isinstance(row.effect, Dispatch) and row.state == "sending" and not cancelled:
                        await self._dispatch_and_die(row.effect)

    async def _dispatch_and_die(self, effect: Dispatch) -> None:
        run = await self.bot.read(lambda tables: tables.runs.get(effect.run_id))
        mode = await self.bot.read(self.bot.around.mode)
        policy = self.bot.policy.policy
        action = policy.actions.get(effect.action) if policy else None
        if run is None or run.state.final or action is None or mode.effective not in action.modes:
            return  # a relay would not have got as far as this
        forge = self.bot.forges[effect.forge]
        faults, forge.faults = list(forge.faults), type(forge.faults)()
        await forge.dispatch(effect)
        forge.faults.extend(faults)

    def _job(self, number: int, state: JobState) -> None:
        open_jobs = [
            (forge, job.correlation)
            for forge in self.bot.forges.values()
            for job in forge.jobs.values()
            if not job.state.final
        ]
        if not open_jobs:
            return
        forge, correlation = open_jobs[number % len(open_jobs)]
        if state is JobState.RUNNING:
            forge.begin(correlation, len(forge.jobs[correlation].attempts) + 1)
        elif state.final:
            forge.finish(correlation, state, unresolved=number)

    async def come_to_rest(self) -> None:
        """End everything that goes on outside, repair the world, and let two days pass."""
        bot = self.bot
        for channel in bot.channels.values():
            channel.faults.clear()
        for seconds in (0, 30, 400, 400, 1_000, 1_000, A_DAY_SECONDS, A_DAY_SECONDS):
            bot.clock.advance(seconds)
            await bot.housekeeping.tick()
            for forge in bot.forges.values():
                forge.faults.clear()
                for job in [job for job in forge.jobs.values() if not job.state.final]:
                    forge.finish(job.correlation)
            await bot.settle()

    async def check_the_record(self, random: Random) -> None:
        """Check what must hold when all is over (I1, I2, I3, I8, I9, I10)."""
        bot = self.bot
        started = Counter(one.correlation for forge in bot.forges.values() for one in forge.ledger)
        assert all(times == 1 for times in started.values()), started
        states = Counter(row.state for row in bot.outbox())
        assert set(states) <= {"delivered", "expired", "dead"}, states
        rows = await bot.audit_rows()
        tried = {row["target"] for row in rows if row["action"].startswith("effect-")}
        assert {row.key for row in bot.outbox()} <= tried
        finals = Counter(notice.key.partition(":")[0] for notice in bot.notices() if ":final:" in notice.key)
        for run in await bot.runs():
            assert run.state.final
            assert finals[run.id] == 1
            assert run.state is not RunState.REFUSED or run.correlation not in started
        result = Replay()
        disagreements = await bot.read(lambda tables: list(replay_log(tables, 1, result)))
        assert disagreements == []
        self.counts["decisions replayed"] += result.agreed
        await self._check_tamper_evidence(random)
        self._check_secrets()

    async def _check_tamper_evidence(self, random: Random) -> None:
        report = await self.bot.verify_audit()
        assert report.ok, report.problem
        assert report.rows
        path = self.bot.path
        connection = connect(path, read_only=False)
        seq, body = random.choice(connection.execute("SELECT seq, body FROM audit").fetchall())
        place = random.randrange(len(body))
        flipped = body[:place] + bytes([body[place] ^ (1 << random.randrange(8))]) + body[place + 1 :]
        connection.execute("UPDATE audit SET body = ? WHERE seq = ?", (flipped, seq))
        damaged = await self.bot.verify_audit()
        assert not damaged.ok, (seq, place)
        connection.execute("UPDATE audit SET body = ? WHERE seq = ?", (body, seq))
        connection.close()
        assert (await self.bot.verify_audit()).ok

    def _check_secrets(self) -> None:
        for file in self.bot.path.parent.iterdir():
            content = file.read_bytes()
            assert [secret for secret in self.secrets if secret.encode() in content] == []
        shown = [answer.text or "" for _, _, answer in self.said]
        shown += [one.notice.text for channel in self.bot.channels.values() for one in channel.ledger]
        assert [text for text in shown for secret in self.secrets if secret in text] == []
