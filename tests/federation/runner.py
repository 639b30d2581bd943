"""A small runner: does the steps of a template's jobs in a folder of their own, as GitHub's does, with real shells."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.federation.expressions import fill, holds
from tests.federation.templates import Job, Step, Workflow
from tests.house.checkout import ROOT

SHELLS = {"bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"), "python": (sys.executable,)}
STEP_SECONDS = 120
REINS = f"""#!/bin/sh
exec "{sys.executable}" -c 'import sys
sys.path[0] = "{ROOT}"
sys.argv[0] = "reins"
from bot.cli import main
sys.exit(main())' "$@"
"""


@dataclass(slots=True)
class Ran:
    """How one job ended: `skipped`, `success` or `failure`; what its steps wrote, and which codes they ended with."""

    result: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    codes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Runner:
    """One run of a workflow. `github` and the other contexts are what its expressions see.

    `artifacts` outlive the jobs, by name; `asked` are the names of those that were to be downloaded, `fetched`
    the commits and branches that were checked out, by folder.
    """

    workflow: Workflow
    folder: Path
    github: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    vars: Mapping[str, str] = field(default_factory=dict)
    matrix: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    token: Callable[[Job], str] = lambda _job: ""
    artifacts: dict[str, Path] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fetched: dict[str, str] = field(default_factory=dict)
    ran: dict[str, Ran] = field(default_factory=dict)

    def run(self) -> dict[str, Ran]:
        """Do every job whose condition holds, in the order they stand."""
        for name, job in self.workflow.jobs.items():
            self.ran[name] = self._job(name, job)
        return self.ran

    def _job(self, name: str, job: Job) -> Ran:
        needed = [one for one in job.fields.get("needs", "").strip("[]").replace(" ", "").split(",") if one]
        condition = job.fields.get("if", "true")
        contexts = {
            "github": {**self.github, "token": self.token(job)},
            "inputs": self.inputs,
            "matrix": self.matrix,
            "needs": {one: {"outputs": self.ran[one].outputs} for one in needed},
            "secrets": self.secrets,
            "vars": self.vars,
        }
        met = all(self.ran[one].result == "success" for one in needed) or "always()" in condition
        if not met or not holds(condition, contexts):
            return Ran()
        work = _OneJob(self, job, self.folder / name, contexts)
        work.here.mkdir(parents=True)
        return work.done()


@dataclass(slots=True)
class _OneJob:
    runner: Runner
    job: Job
    here: Path
    contexts: dict[str, Any]
    steps: dict[str, Any] = field(default_factory=dict)
    ran: Ran = field(default_factory=lambda: Ran("success"))

    def done(self) -> Ran:
        self.contexts["steps"] = self.steps
        self.contexts["env"] = {key: fill(text, self.contexts) for key, text in self.job.env.items()}
        for step in self.job.steps:
            condition = step.fields.get("if", "true")
            if (self.ran.result == "success" or "always()" in condition) and holds(condition, self.contexts):
                self._step(step)
        self.ran.outputs = {key: fill(text, self.contexts) for key, text in self.job.outputs.items()}
        return self.ran

    def _step(self, step: Step) -> None:
        code = self._action(step) if "uses" in step.fields else self._script(step)
        self.ran.codes[step.fields["name"]] = code
        if code:
            self.ran.result = "failure"

    def _script(self, step: Step) -> int:
        output, summary, script = (self.here / name for name in (".output", ".summary", ".script"))
        output.write_text("", encoding="utf-8")
        script.write_text(step.fields["run"], encoding="utf-8")
        given = {**self.contexts["env"], **{key: fill(text, self.contexts) for key, text in step.env.items()}}
        known = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), **_defaults(self.runner.github)}
        asked = subprocess.run(
            [*SHELLS[step.fields.get("shell", "bash")], script],
            cwd=self.here,
            env={"PATH": os.environ["PATH"], "HOME": str(self.here), **known, **self.runner.environment, **given},
            check=False,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
        )
        self.ran.log += asked.stdout + asked.stderr
        self.steps[step.fields.get("id", "")] = {"outputs": dict(_assignments(output.read_text(encoding="utf-8")))}
        return asked.returncode

    def _action(self, step: Step) -> int:
        action = step.fields["uses"].partition("@")[0].removeprefix("actions/")
        told = {key: fill(text, self.contexts) for key, text in step.with_.items()}
        return {"checkout": self._checkout, "upload-artifact": self._upload, "download-artifact": self._download}.get(
            action, lambda _told: 0
        )(told)

    def _checkout(self, told: Mapping[str, str]) -> int:
        place = self.here / told.get("path", ".")
        self.runner.fetched[told.get("path", ".")] = told.get("ref", "")
        place.mkdir(exist_ok=True)
        if told.get("path") == ".reins-tool":
            (place / "Makefile").write_text("install:\n\t@echo installed\n", encoding="utf-8")
            program = place / ".venv" / "bin" / "reins"
            program.parent.mkdir(parents=True)
            program.write_text(REINS, encoding="utf-8")
            program.chmod(0o755)
        return 0

    def _upload(self, told: Mapping[str, str]) -> int:
        paths = [self.here / line.strip() for line in told["path"].splitlines()]
        kept = self.runner.folder / "artifacts" / told["name"]
        found = [path for path in paths if path.exists()]
        for path in found:
            if path.is_dir():
                shutil.copytree(path, kept, dirs_exist_ok=True)
            else:
                kept.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, kept)
        if not found:
            return 1
        self.runner.artifacts[told["name"]] = kept
        return 0

    def _download(self, told: Mapping[str, str]) -> int:
        self.runner.asked.append(told["name"])
        if told["name"] not in self.runner.artifacts:
            return 1
        shutil.copytree(self.runner.artifacts[told["name"]], self.here / told["path"])
        return 0


def _defaults(github: Mapping[str, Any]) -> dict[str, str]:
    named = (
        "api_url",
        "event_name",
        "ref_name",
        "ref_type",
        "repository",
        "run_attempt",
        "run_id",
        "server_url",
        "sha",
    )
    return {f"GITHUB_{name.upper()}": str(github[name]) for name in named if name in github}


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, _, assigned = line.partition("=")
        yield key, assigned
