"""The import contracts of pyproject.toml hold: dependencies point down, the pure core does no I/O."""

import subprocess
import sys
from pathlib import Path

from tests.house.checkout import ROOT


def test_every_import_contract_is_kept() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
