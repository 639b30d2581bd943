"""How the commits of the fake GitHub descend from each other, the files each of them holds, and what differs between two."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

Content = str | bytes


def blob_sha(content: Content) -> str:
    """Return the id that git gives a file's bytes."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs between two commits; `before` is its other name where it was renamed."""

    path: str
    status: str
    blob: str
    before: str | None = None


@dataclass(slots=True)
class Graph:
    """The commits of one repository: the parent of each, and all the files it holds."""

    parents: dict[str, str | None] = field(default_factory=dict)
    files: dict[str, Mapping[str, Content]] = field(default_factory=dict)

    def add(self, sha: str, parent: str | None, changes: Mapping[str, Content | None]) -> None:
        """Put a commit after another one; a path that becomes None is removed."""
        tree = {**self.files.get(parent or "", {}), **changes}
        self.parents[sha] = parent
        self.files[sha] = {path: content for path, content in tree.items() if content is not None}

    def line(self, sha: str) -> list[str]:
        """Return a commit and everything it descends from, the newest first."""
        line, at = [], sha if sha in self.parents else None
        while at is not None:
            line.append(at)
            at = self.parents[at]
        return line

    def changes(self, base: str, head: str) -> list[Change]:
        """Return what differs, by path; a file that is gone and one of the same bytes that is new are one renaming."""
        old, new = self.files[base], self.files[head]
        gone = {path: blob_sha(content) for path, content in old.items() if path not in new}
        found = []
        for path, content in new.items():
            blob = blob_sha(content)
            if path not in old:
                before = next((one for one, its in gone.items() if its == blob), None)
                gone.pop(before or "", None)
                found.append(Change(path, "added" if before is None else "renamed", blob, before))
            elif old[path] != content:
                found.append(Change(path, "modified", blob))
        found += [Change(path, "removed", blob) for path, blob in gone.items()]
        return sorted(found, key=lambda one: one.path)
