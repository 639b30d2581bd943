"""Reading the backlog before this one: a file of ours that may have come over a network, so nothing in it is trusted."""

import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from loops.artifacts import ArtifactError, ArtifactFile, find_files, named_file
from loops.collecting.carry import Previous
from loops.collecting.collect import MAX_ITEMS
from loops.collecting.fingerprint import FINGERPRINT
from loops.collecting.items import Item, ItemSource
from loops.collecting.labels import QUALITY
from loops.records import Record, read_record
from loops.rendering import SCHEMA_VERSION
from loops.triage.backlog import BACKLOG_FILE, MAX_LINE, MAX_NUMBER, SHA
from loops.triage.severities import read_severity

PRIORITY_FILE = "priority.json"
_PAGE = re.compile(r"https?://[!-~]{1,500}")
_Word = TypeVar("_Word", bound=StrEnum)


def read_previous(path: Path, now: datetime) -> Previous | None:
    """Read `priority.json`, or else `backlog-medium.json`, from a folder or as the file named; None where there is none.

    Raises:
        ArtifactError: it is not of our shape, or the folder holds several.
    """
    named = named_file(path)
    if named is not None:
        return _read(named, now)
    for name in (PRIORITY_FILE, BACKLOG_FILE):
        found = find_files(path, lambda one, name=name: one == name)  # type: ignore[misc]
        if len(found) > 1:
            problem = f"is one of {len(found)} files of that name, next to {found[1].name}"
            raise ArtifactError(found[0].name, None, problem, "keep that of one run")
        if found:
            return _read(found[0], now)
    return None


def _read(file: ArtifactFile, now: datetime) -> Previous:
    document = read_record(file)
    version = document.optional_count("schema_version")
    if version != SCHEMA_VERSION:
        raise document.wrong("schema_version", f"must be {SCHEMA_VERSION}", "collect once without the older file")
    generated_at = document.optional_time("generated_at", now)
    if generated_at is None:
        raise document.wrong("generated_at", "is missing")
    return Previous(
        repository=document.text("repository"),
        pr_number=document.optional_count("pr_number", MAX_NUMBER),
        generated_at=generated_at,
        items=tuple(_item(one) for one in document.records("items")[:MAX_ITEMS]),
    )


def _item(record: Record) -> Item:
    fingerprint = record.text("fingerprint")
    if not FINGERPRINT.fullmatch(fingerprint):
        raise record.wrong("fingerprint", "must be a kind and hexadecimal digits")
    return Item(
        source=_word(record, "source", ItemSource),
        category=record.optional_text("category") or QUALITY,
        severity=read_severity(record.optional_text("severity")),
        summary=record.text("summary"),
        path=record.optional_text("path"),
        line=record.optional_count("line", MAX_LINE),
        fingerprint=fingerprint,
        url=_url(record),
        first_seen_sha=_sha(record, "first_seen_sha"),
        seen_sha=_sha(record, "seen_sha"),
        severity_word=record.optional_text("severity_word"),
        effort=record.optional_text("effort"),
    )


def _url(record: Record) -> str:
    url = record.text("url")
    if not _PAGE.fullmatch(url):
        raise record.wrong("url", "must be the address of a page")
    return url


def _word(record: Record, name: str, words: type[_Word]) -> _Word:
    try:
        return words(record.text(name))
    except ValueError:
        raise record.wrong(name, f"must be one of {', '.join(words)}") from None


def _sha(record: Record, name: str) -> str:
    text = record.optional_text(name) or ""
    if text and not SHA.fullmatch(text):
        raise record.wrong(name, "must be a commit id of letters and digits, or empty")
    return text
