"""Paths that no fix may change, whatever the policy's author thought of: the policy file and the workflows are always among them."""

import os
from collections.abc import Iterable
from pathlib import Path

from domain.untrusted import clean_line

WORKFLOWS = ".github/workflows"
SHOWN_CHARACTERS = 140


def protected_paths(named: Iterable[str], policy_file: Path, checkout: Path) -> frozenset[str]:
    """Return every protected path of a checkout, relative to it, with what links among them lead to.

    Args:
        named: the policy's `protected_paths`; a folder protects everything below it.
        policy_file: where the policy was read from. A job reads it from another checkout, the default branch's, so the
            file of that name at the top of this one is protected wherever it was.
        checkout: the working tree, before any program has changed it.
    """
    root = _real(checkout)
    paths = [*(root / path for path in (*named, WORKFLOWS, policy_file.name)), policy_file.absolute()]
    places = (place for path in paths for place in (_real(path.parent) / path.name, path, _real(path)))
    below = (place.relative_to(root) for place in places if root in place.parents)
    return frozenset(path.as_posix() for path in below if ".." not in path.parts)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # `Path.resolve` raises where links go round in circles


def first_protected(changed: Iterable[str], protected: Iterable[str]) -> str | None:
    """Return the first changed path that is protected, cleaned for people, or None.

    Names are compared without case: on some machines they are the same file. A changed path above a protected one
    counts, too: it is a link or a submodule that took a folder's place.
    """
    folded = [path.casefold() for path in protected]
    for path in sorted(changed):
        own = path.casefold()
        if any(own == one or own.startswith(f"{one}/") or one.startswith(f"{own}/") for one in folded):
            return clean_line(path, SHOWN_CHARACTERS)
    return None
