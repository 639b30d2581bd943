"""No committed file names a folder of somebody's machine or the address of a package index."""

import re

import pytest

from tests.house.checkout import ROOT, committed_files

# Letters in brackets keep this file from finding itself.
MACHINE_PATH = rb"(?<![\w.~-])/(?:[h]ome|[r]oot|[m]nt|[U]sers|[w]ork|[o]pt/pypi)/[\w.-]"
PACKAGE_INDEX = (
    rb"\bp[y]pi\.(?:org|io|python\.org)\b|\bpython[h]osted\.org|\bregistry\.[n]pmjs|--(?:extra-)?[i]ndex-url"
)
UNWANTED = re.compile(MACHINE_PATH + b"|" + PACKAGE_INDEX, re.IGNORECASE)


def test_no_committed_file_names_a_machine_path_or_a_package_index() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number} {line[:100].decode(errors='replace')}"
        for path in committed_files()
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
        if UNWANTED.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        b"cd /" + b"home/ann/reins",
        b'ROOT = "/' + b'Users/ann"',
        b"https://py" + b"pi.org/simple",
        b"--index" + b"-url x",
    ],
)
def test_the_check_sees_what_it_is_there_for(line: bytes) -> None:
    assert UNWANTED.search(line)


@pytest.mark.parametrize("line", [b"GET /v1/runs/work/1", b"docs/home/index.md", b"~/work/reins", b"pypi is an index"])
def test_the_check_leaves_ordinary_text_alone(line: bytes) -> None:
    assert not UNWANTED.search(line)
