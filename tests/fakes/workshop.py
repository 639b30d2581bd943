"""A real git world for fixes: a bare remote that stands for the forge, a checkout of it, and a fixer whose program is a script.

    workshop = Workshop(tmp_path)
    fixer = workshop.fixer("commit('app.py', 'fixed')")
    outcome = await fixer.fix(workshop.order())

The script is Python; `commit(path, text)` writes a file and commits it, `git(*words)` runs git in the checkout. What the
remote holds is read with `workshop.remote_head()`; `workshop.code` answers as a forge would, from the bare remote, after
what `workshop.code.meanwhile` does at each question.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.findings import Finding, Severity
from domain.runs import AttemptState
from domain.snapshots import LoopReason, LoopStatus, TriageSnapshot
from forge.code import BranchRules, Comparison, WorkflowFile
from forge.port import ForgeError
from forge.results import SourceRun
from loops.fixing.checkout import Remote
from loops.fixing.fixer import PolicyFixer, Workplace
from loops.fixing.order import NamedFix
from loops.fixing.port import FixOrder
from loops.report import AttemptReport, Correlation, LoopMode, LoopName, LoopReport
from policy.loading import PolicyState
from tests.fakes.policies import example_policy, loaded
from tests.fakes.virtual_time import START, VirtualTime

REPOSITORY, BRANCH = "acme/shop", "develop"
OPEN_RULES = BranchRules(protected=False, needs_pull_request=False, locked=False, checks=())
IDENTITY = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
PRELUDE = f"""
import os, pathlib, subprocess, sys, time
IDENTITY = {IDENTITY!r}
def git(*words):
    subprocess.run(["git", *words], check=True, env={{**os.environ, **IDENTITY}}, stdout=subprocess.DEVNULL)
def commit(path, text):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(text)
    git("add", "-A")
    git("commit", "-qm", "fix " + path)
"""


def git(folder: Path, *words: str) -> str:
    """Run git in a folder and return what it wrote."""
    environment = {**os.environ, **IDENTITY}
    ran = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True, env=environment)
    return ran.stdout.strip()


@dataclass
class GitCode:
    """What a forge tells of code, read from a bare repository. `failures` are raised by the next questions."""

    remote: Path
    rules_shown: BranchRules = OPEN_RULES
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    failures: dict[str, ForgeError] = field(default_factory=dict)
    compared: list[tuple[str, str]] = field(default_factory=list)
    complete: bool = True
    descends: bool = True
    shows_also: tuple[str, ...] = ()

    async def head(self, repository: str, branch: str) -> str | None:
        assert repository == REPOSITORY
        self._ask("head")
        shown = git(self.remote, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return shown or None

    async def compare(self, repository: str, base: str, head: str) -> Comparison:
        assert repository == REPOSITORY
        self._ask("compare")
        self.compared.append((base, head))
        files = git(self.remote, "diff-tree", "-r", "--name-only", "--no-renames", base, head).splitlines()
        return Comparison(self.descends, (*files, *self.shows_also), self.complete)

    async def rules(self, repository: str, branch: str) -> BranchRules:
        assert (repository, branch) == (REPOSITORY, BRANCH)
        self._ask("rules")
        return self.rules_shown

    async def workflow_file(self, repository: str, workflow: str, ref: str) -> WorkflowFile | None:
        raise NotImplementedError(repository, workflow, ref)

    def _ask(self, question: str) -> None:
        if question in self.failures:
            raise self.failures[question]
        if question == "head" and self.meanwhile:
            self.meanwhile.pop(0)()


class Workshop:
    """See the module's docstring."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote, self.checkout, self.elsewhere = folder / "remote.git", folder / "checkout", folder / "elsewhere"
        git(folder, "init", "-q", "--bare", str(self.remote))
        git(folder, "init", "-q", "-b", BRANCH, str(self.elsewhere))
        git(self.elsewhere, "remote", "add", "origin", str(self.remote))
        self.source = self.land(
            {"app.py": "broken\n", "ci/build.sh": "make\n", ".github/workflows/ci.yml": "on: push\n"}
        )
        git(folder, "clone", "-q", "--branch", BRANCH, str(self.remote), str(self.checkout))
        self.policy_file = self.checkout / "control_plane_policy.json"
        self.clock = VirtualTime()
        self.code = GitCode(self.remote)
        self.url = self.remote.as_uri()
        self.token: str | None = None
        self.environment = {"PATH": os.environ["PATH"], "AUTONOMY_MODE": "operate"}

    def land(self, files: dict[str, str], branch: str = BRANCH) -> str:
        """Commit files elsewhere and push them, as somebody else would; return the commit."""
        for name, text in files.items():
            (self.elsewhere / name).parent.mkdir(parents=True, exist_ok=True)
            (self.elsewhere / name).write_text(text)
        git(self.elsewhere, "add", "-A")
        git(self.elsewhere, "commit", "-qm", "work")
        git(self.elsewhere, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return git(self.elsewhere, "rev-parse", "HEAD")

    def take_source(self) -> None:
        """Bring the checkout and the order's source to where the remote's branch stands."""
        git(self.checkout, "pull", "-q", "--ff-only")
        self.source = git(self.checkout, "rev-parse", "HEAD")

    def remote_head(self) -> str:
        return git(self.remote, "rev-parse", f"refs/heads/{BRANCH}")

    def local_head(self) -> str:
        return git(self.checkout, "rev-parse", "HEAD")

    def policy(self, script: str, **changes: Any) -> PolicyState:
        """Return a policy whose triage loop has one fix action, `mend`, that runs the script; `limits` change the loop."""
        program = self.folder / "program.py"
        program.write_text(PRELUDE + script)
        mend = {"name": "mend", "argv": [sys.executable, str(program)], "timeout_seconds": 60, **changes}
        document = example_policy()
        document["autonomy_mode_default"] = "operate"
        document["protected_paths"] = ["ci", "settings.toml"]
        document["loops"]["triage"] = {"allowed_branches": [BRANCH], "fix_actions": [mend]}
        return loaded(document)

    def fixer(self, script: str, given: dict[str, str] | None = None, **changes: Any) -> PolicyFixer:
        """Return a fixer whose program is this script."""
        place = Workplace(self.checkout, self.policy_file, self.environment, Remote(self.url, self.token))
        fix = NamedFix("mend", given or {})
        return PolicyFixer(fix, self.policy(script, **changes), place, self.code, self.clock)

    def order(self, attempt: int = 1, seconds: float = 120, **source: Any) -> FixOrder:
        """Return an order to fix what was measured at the source commit."""
        run = SourceRun(
            id=7,
            attempt=1,
            workflow="triage.yml",
            repository=REPOSITORY,
            branch=BRANCH,
            head_sha=self.source,
            event="push",
            completed=True,
            conclusion="failure",
            url="https://forge.example/7",
            started_at=START,
            updated_at=START,
        )
        return FixOrder(backlog_report(), replace(run, **source), attempt, START + timedelta(seconds=seconds))


def backlog_report(*findings: Finding, unresolved: int | None = 1) -> LoopReport:
    """Return a triage report of these findings, one of high severity unless told."""
    shown = findings or (Finding("bug", Severity.HIGH, "Total is off by one", "app.py", 1),)
    snapshot = TriageSnapshot(
        status=LoopStatus.WORK_REMAINS,
        reason=LoopReason.UNRESOLVED,
        detail="1 high severity",
        source="coderabbit",
        taken_at=START,
        measured_at=START,
        high=1,
        medium=0,
        unknown_severity=0,
        findings=shown,
    )
    attempt = AttemptReport(1, AttemptState.DONE, None, START, START, None, None, Correlation.SHA_VALIDATED)
    return LoopReport(
        loop=LoopName.TRIAGE,
        repository=REPOSITORY,
        branch=BRANCH,
        mode=LoopMode.FIX_ONLY,
        status=LoopStatus.WORK_REMAINS,
        reason=LoopReason.UNRESOLVED,
        detail="1 high severity",
        unresolved=unresolved,
        summary="triage: 1 high",
        attempts=(attempt,),
        snapshot=snapshot,
    )
