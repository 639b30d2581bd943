"""The documents point at files that exist and draw the folders that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.checkout import ROOT, committed_files, packages

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z]+:|#")


def broken_links(document: Path) -> Iterator[str]:
    for match in LINK.finditer(document.read_text(encoding="utf-8")):
        target = match["target"]
        if not ELSEWHERE.match(target) and not (document.parent / target.partition("#")[0]).exists():
            yield f"{document.relative_to(ROOT)} -> {target}"


def test_every_link_between_our_documents_leads_to_a_file() -> None:
    documents = [path for path in committed_files() if path.suffix == ".md"]
    assert [link for document in documents for link in broken_links(document)] == []


@pytest.mark.parametrize("document", ["docs/design.md", "docs/development.md"])
def test_the_layout_in_a_document_lists_exactly_our_packages(document: str) -> None:
    layout = (ROOT / document).read_text(encoding="utf-8").split("```")[1]
    folders = set(re.findall(r"^([a-z]+)/", layout, re.MULTILINE))
    assert folders - {"docs", "tests"} == set(packages())
