"""Our import packages have plain names, so this shows that they hide nothing and that nothing hides them."""

import importlib
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house.checkout import ROOT, committed_files, packages, pyproject

OWN_DISTRIBUTION = "reins"


def test_no_package_shadows_the_standard_library() -> None:
    assert set(packages()) & sys.stdlib_module_names == set()


def test_no_package_shares_its_name_with_an_installed_distribution() -> None:
    installed = packages_distributions()
    others = {name: set(installed.get(name, ())) - {OWN_DISTRIBUTION} for name in packages()}
    assert {name: owners for name, owners in others.items() if owners} == {}


@pytest.mark.parametrize("name", packages())
def test_each_package_is_imported_from_this_checkout(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None, f"{name}/ has no __init__.py, so any folder of that name on the path can join it"
    assert Path(file).parent == ROOT / name


def test_every_tool_looks_at_the_same_packages() -> None:
    tools = pyproject()["tool"]
    assert set(tools["coverage"]["run"]["source"]) == set(packages())
    assert set(tools["importlinter"]["root_packages"]) == set(packages())
    assert set(tools["mypy"]["packages"]) == {*packages(), "tests"}


def test_every_package_in_the_root_is_shipped() -> None:
    in_root = {
        path.parent.name for path in committed_files() if path.parent.parent == ROOT and path.name == "__init__.py"
    }
    assert in_root == set(packages())
