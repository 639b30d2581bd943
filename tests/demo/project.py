"""The demonstration's repository on GitHub: a change under review, and a runner that does what its workflows say.

The workflows are those of the template, their steps run in real shells with the real `reins` and the job's own token.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.fakes.providers.github import HOME, FakeGitHub
from tests.fakes.providers.github_plan import completed, in_progress, queued
from tests.fakes.providers.github_runs import Artifact, Input, Run, Stored, zipped
from tests.fakes.providers.github_tokens import Kind
from tests.federation.runner import Runner
from tests.federation.templates import Job, content, read

BRIDGE, LOOP = "reins-triage-bridge.yml", "reins-triage-loop.yml"
BRANCH, PULL = "faster-search", 7
ACTION = "triage-pr"
LOOP_TITLE = "Reins triage loop"
JOB_LOGIN = "github-actions[bot]"
QUEUED_SECONDS = 1.0
LOOK_SECONDS = 0.1
VARIABLES = {"REINS_REPOSITORY": "acme/reins", "REINS_REF": "c" * 40, "REINS_TRIAGE_NOTIFY": "summary-and-comment"}
FINDINGS = (
    ("src/search.py", 41, "Security & Privacy", "🔴 Critical", "Escape the query before it reaches the index"),
    ("src/search.py", 97, "Functional Correctness", "🟠 Major", "An empty query returns every document"),
    ("src/rank.py", 12, "Performance & Scalability", "🟡 Minor", "Sort once, not for each page"),
)


@dataclass
class Project:
    """One repository. `artifacts` are what its runs have uploaded, by name."""

    github: FakeGitHub
    folder: Path
    artifacts: dict[str, Path] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def make(self) -> None:
        """Push the branch, open the pull request, let the reviewer write, and put the workflows there."""
        home = self.github.home
        sha = home.commits.push(BRANCH)
        home.discussion.open_pull(PULL, BRANCH, sha, home.commits.branches["main"])
        for path, line, category, severity, title in FINDINGS:
            body = f"_{category}_ | _{severity}_\n\n**{title}.**"
            home.discussion.review(PULL, body, path=path, line=line, original_line=line)
        for file in (BRIDGE, LOOP):
            source = content(file)
            inputs = {"request_id": Input(), "pr_number": Input()} if file == BRIDGE else {"request_id": Input()}
            run_name = read(source).of("run-name")[0]
            plan = (queued(QUEUED_SECONDS), in_progress())
            home.actions.workflow(file, source=source, inputs=inputs, run_name=run_name, plan=plan)

    def allow(self, policy_file: Path) -> None:
        """Let the bot's policy name the bridge as an action."""
        policy = json.loads(policy_file.read_text(encoding="utf-8"))
        policy["repositories"].append(HOME)
        policy["actions"][ACTION] = {
            "title": "Read the reviews of the pull request",
            "loop": "triage",
            "forge": "github",
            "repository": HOME,
            "workflow": BRIDGE,
            "refs": [BRANCH],
            "risk": "report",
            "modes": ["read-only", "operate"],
        }
        policy_file.write_text(json.dumps(policy, indent=2), encoding="utf-8")

    def resolve(self) -> str | None:
        """Let the author mend what the first open finding asks for: its line is gone then. Return the path."""
        reviews = self.github.home.discussion.reviews
        for number, review in enumerate(reviews):
            if review.line is not None:
                reviews[number] = replace(review, line=None)
                return review.path
        return None

    async def work(self) -> None:
        """Do what waits, one run after the other, for ever."""
        while True:
            waiting = [run for run in self.github.home.actions.runs.values() if run.id not in self.seen]
            for run in waiting:
                self.seen.add(run.id)
                await self._do(run, {"event_name": "workflow_dispatch", "event": {}})
            await asyncio.sleep(LOOK_SECONDS)

    async def _do(self, run: Run, event: Mapping[str, Any]) -> None:
        await asyncio.sleep(QUEUED_SECONDS)
        runner = self._runner(run, event)
        ran = await asyncio.to_thread(runner.run)
        failed = any(job.result == "failure" for job in ran.values())
        self._finish(run, "failure" if failed else "success")
        if run.workflow.file == BRIDGE and not failed:
            following = self.github.home.run_by_others(
                LOOP, "workflow_run", BRANCH, head_sha=run.head_sha, title=LOOP_TITLE
            )
            self.seen.add(following.id)
            await self._do(following, _ended(run))

    def _runner(self, run: Run, event: Mapping[str, Any]) -> Runner:
        github = {
            "api_url": self.github.url,
            "ref_name": BRANCH,
            "ref_type": "branch",
            "repository": HOME,
            "run_attempt": str(run.latest.number),
            "run_id": str(run.id),
            "server_url": self.github.url,
            "sha": run.head_sha,
        }
        return Runner(
            read(content(run.workflow.file)),
            self.folder / f"run-{run.id}",
            {**github, **event},
            dict(run.inputs),
            VARIABLES,
            token=self._token,
            artifacts=self.artifacts,
        )

    def _token(self, job: Job) -> str:
        """Return a token that may do what the job's permissions say, and nothing else."""
        granted = {name.replace("-", "_"): level.split()[0] for name, level in (job.permissions or {}).items()}
        text = "ghs_" + "".join(f"{name}{level}" for name, level in sorted(granted.items())).ljust(20, "0")
        self.github.tokens.add(text, Kind.INSTALLATION, JOB_LOGIN, permissions={"metadata": "read", **granted})
        return text

    def _finish(self, run: Run, conclusion: str) -> None:
        """End the run now, with what its steps have uploaded."""
        attempt, now = run.latest, self.github.world.clock.now()
        lasted = (now - attempt.started_at).total_seconds() - QUEUED_SECONDS
        attempt.plan = (queued(QUEUED_SECONDS), in_progress(max(lasted, 0)), completed(conclusion))
        for name, folder in self.artifacts.items():
            if f"-{run.id}-" in name:
                files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
                stored = Stored(next(self.github.world.ids), Artifact(name, zipped(files)), run, attempt)
                self.github.home.actions.artifacts[stored.id] = stored

    def shown(self) -> dict[str, Any]:
        """Return what the repository's page shows now: the newest runs, the review, and the bot's one comment."""
        now = self.github.world.clock.now()
        runs = [
            {
                "title": run.title,
                "attempt": run.latest.number,
                "at": run.latest.at(now).conclusion or run.latest.at(now).status,
            }
            for run in self.github.home.actions.visible_runs()[:4]
        ]
        discussion = self.github.home.discussion
        findings = [{"path": one.path, "open": one.line is not None, "text": one.body} for one in discussion.reviews]
        comments = [
            {"author": one.author, "text": one.body, "changed": one.updated_at > one.created_at}
            for one in discussion.comments.values()
        ]
        return {"pull": PULL, "branch": BRANCH, "runs": runs, "findings": findings, "comments": comments}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _ended(run: Run) -> dict[str, Any]:
    """Return what GitHub tells a workflow that follows this run."""
    about = {
        "conclusion": "success",
        "event": run.event,
        "head_branch": run.branch,
        "head_repository": {"full_name": HOME},
        "head_sha": run.head_sha,
        "id": run.id,
    }
    repository = {"default_branch": "main"}
    return {"event_name": "workflow_run", "event": {"workflow_run": about, "repository": repository}}
