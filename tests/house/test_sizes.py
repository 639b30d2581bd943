"""Modules and functions stay small enough to read in one go, and every file says what it is for."""

import ast
import io
import re
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.house.checkout import ROOT, package_files, python_files

# The figures of docs/design.md, "Figures to hold".
MODULE_LINES, MODULE_MEDIAN_LINES = 500, 120
FUNCTION_LINES, FUNCTION_P90_LINES = 60, 30
POSTPONED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def postponed_work(path: Path) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT and POSTPONED.search(token.string):
            yield f"{path.relative_to(ROOT)}:{token.start[0]} {token.string}"


def test_no_module_is_longer_than_the_hard_stop() -> None:
    assert {str(path): line_count(path) for path in python_files() if line_count(path) > MODULE_LINES} == {}


def test_half_of_the_modules_fit_on_a_few_screens() -> None:
    assert statistics.median(line_count(path) for path in package_files()) <= MODULE_MEDIAN_LINES


def test_no_function_is_longer_than_the_hard_stop() -> None:
    every = (function for path in python_files() for function in functions(path))
    assert {name: lines for name, lines in every if lines > FUNCTION_LINES} == {}


def test_nine_functions_of_ten_fit_on_one_screen() -> None:
    lengths = sorted(lines for path in package_files() for _, lines in functions(path))
    assert lengths[int(len(lengths) * 0.9)] <= FUNCTION_P90_LINES


def test_every_file_opens_by_saying_what_it_is_for() -> None:
    trees = {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in python_files()}
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_no_comment_postpones_work() -> None:
    assert [line for path in python_files() for line in postponed_work(path)] == []
