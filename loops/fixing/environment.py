"""What a fix program sees of our environment: what it needs, what the policy lists, and never what could act as us (D13)."""

import re
from collections.abc import Iterable, Mapping

from loops.fixing.port import FixOrder

NOT_KNOWN = "unknown"  # never zero (I11)
SHORTEST_SECRET_CHARACTERS = 8  # anything shorter would mask ordinary words
# Credentials of the forge, the runner and git, and the files by which a step changes the ones after it; a policy that
# lists one of them does not get it either.
_NEVER = re.compile(
    r"GITHUB_TOKEN|GH_(?:ENTERPRISE_)?TOKEN|GITHUB_(?:ENV|OUTPUT|PATH|STATE|STEP_SUMMARY)"
    r"|(?:ACTIONS|REINS|GIT|SSH)_.*"
)
_SECRET = re.compile(r".*(?:TOKEN|SECRET|PASSWORD|PASSPHRASE|KEY)")


def program_environment(ours: Mapping[str, str], listed: Iterable[str], order: FixOrder) -> dict[str, str]:
    """Return the environment of a fix program, but for its home: names the policy lists, and what it is to fix."""
    secrets = own_secrets(ours)
    taken = {
        name: ours[name]
        for name in listed
        if name in ours and not _NEVER.fullmatch(name) and not any(secret in ours[name] for secret in secrets)
    }
    report = order.report
    return {
        **taken,
        "PATH": ours.get("PATH", "/usr/bin:/bin"),
        "LANG": ours.get("LANG", "C.UTF-8"),
        "REINS_LOOP": report.loop.value,
        "REINS_ATTEMPT": str(order.attempt),
        "REINS_BRANCH": report.branch,
        "REINS_SOURCE_SHA": order.source.head_sha,
        "REINS_UNRESOLVED": NOT_KNOWN if report.unresolved is None else str(report.unresolved),
    }


def own_secrets(ours: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values in our environment that act as us; the longest first, so that no part of one is left over."""
    found = {value for name, value in ours.items() if _NEVER.fullmatch(name) and _SECRET.fullmatch(name)}
    return tuple(sorted((one for one in found if len(one) >= SHORTEST_SECRET_CHARACTERS), key=len, reverse=True))
