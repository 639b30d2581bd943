"""The workflow templates as data, read with our own reader; every step of a template begins with its name."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from forge.workflow_text import ITEM, Text, read_texts
from tests.house.checkout import ROOT

TEMPLATE = ROOT / "federation" / "template"
FOLDER = TEMPLATE / ".github" / "workflows"
NAMES = tuple(sorted(path.name for path in FOLDER.glob("*.yml")))
_MUTMUT = re.compile(r"```yaml\n(?P<jobs>jobs:\n.*?)```", re.DOTALL)


@dataclass(slots=True)
class Step:
    """One step: `name`, `uses`, `run`, `if` and so on in `fields`, and its two mappings."""

    fields: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    with_: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Job:
    """One job; `permissions` is None where it states none."""

    fields: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    permissions: dict[str, str] | None = None
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Workflow:
    """One template: its texts as they stand, and its jobs in their order."""

    texts: tuple[Text, ...]
    jobs: Mapping[str, Job]

    @property
    def steps(self) -> Iterator[tuple[str, Step]]:
        return ((name, step) for name, job in self.jobs.items() for step in job.steps)

    def of(self, *path: str) -> list[str]:
        """Return the texts that stand exactly there."""
        return [one.text.strip() for one in self.texts if one.path == path]


def content(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def mutmut() -> str:
    """Return the mutation tests with the jobs that the README offers for mutmut."""
    offered = _MUTMUT.search((TEMPLATE / "README.md").read_text(encoding="utf-8"))
    assert offered is not None
    return content("reins-mutation-tests.yml").partition("jobs:\n")[0] + offered["jobs"]


def read(text: str) -> Workflow:
    texts = read_texts(text)
    jobs: dict[str, Job] = {}
    for one in texts:
        if one.path[:1] == ("jobs",) and len(one.path) > 2:
            _place(jobs.setdefault(one.path[1], Job()), one.path[2:], one)
    return Workflow(texts, jobs)


def _place(job: Job, path: tuple[str, ...], one: Text) -> None:
    value = textwrap.dedent(one.text).strip()
    *above, key = path
    if above == ["steps", ITEM]:
        if key == "name":
            job.steps.append(Step())
        job.steps[-1].fields[key] = value
    elif above[:2] == ["steps", ITEM]:
        {"env": job.steps[-1].env, "with": job.steps[-1].with_}[above[2]][key] = value
    elif above == ["permissions"]:
        job.permissions = {**(job.permissions or {}), key: value}
    elif path == ("permissions",) and value == "{}":
        job.permissions = {}
    else:
        {(): job.fields, ("env",): job.env, ("outputs",): job.outputs}.get(tuple(above), {})[key] = value
