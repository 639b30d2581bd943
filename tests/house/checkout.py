"""What the house tests look at: this checkout's root, its packages and the files it would commit."""

import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@cache
def pyproject() -> dict[str, Any]:
    """Return pyproject.toml as plain data."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def packages() -> tuple[str, ...]:
    """Return the import packages that the wheel ships."""
    return tuple(pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


@cache
def committed_files() -> tuple[Path, ...]:
    """Return the files git tracks or would add: what a clone of this checkout will hold."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    # A file that was just removed or renamed stays listed until that is committed.
    return tuple(path for path in paths if path.is_file())


def python_files() -> tuple[Path, ...]:
    """Return every Python file, tests included."""
    return tuple(path for path in committed_files() if path.suffix == ".py")


def package_files() -> tuple[Path, ...]:
    """Return the Python files of the packages, without their tests."""
    return tuple(path for path in python_files() if path.relative_to(ROOT).parts[0] in packages())
