"""The first job of a loop's workflow template, run with a real shell: what it decides from variables and inputs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.federation.runner import Ran, Runner
from tests.federation.templates import Workflow, content, read

REPOSITORY = "octo/app"
TOOL = {"REINS_REPOSITORY": "octo/reins", "REINS_REF": "c" * 40}
NOTHING = {"comment": "", "commit": "", "fix": "", "mode": "", "report": ""}


def after_a_run(folder: Path, conclusion: str, variables: Mapping[str, str]) -> Ran:
    """Let the mutation loop be started by the end of a source run."""
    run = {"conclusion": conclusion, "head_repository": {"full_name": REPOSITORY}}
    github = {"event_name": "workflow_run", "event": {"workflow_run": run}}
    return _decided(folder / conclusion, github, {}, variables)


def when_asked(folder: Path, inputs: Mapping[str, str], variables: Mapping[str, str]) -> Ran:
    """Let somebody start the mutation loop with these inputs."""
    return _decided(folder / "asked", {"event_name": "workflow_dispatch", "event": {}}, inputs, variables)


def _decided(folder: Path, github: dict[str, Any], inputs: Mapping[str, str], variables: Mapping[str, str]) -> Ran:
    whole = read(content("reins-mutation-loop.yml"))
    around = {"repository": REPOSITORY, "sha": "a" * 40, "ref_name": "main", "ref_type": "branch", **github}
    only = Workflow(whole.texts, {"decide": whole.jobs["decide"]})
    return Runner(only, folder, around, inputs, {**TOOL, **variables}).run()["decide"]
