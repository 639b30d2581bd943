"""What a loop means to do about its findings: the plan that an approval is bound to (I7)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class FixPlan:
    """Exactly what a fix would do: a named action of the policy with its arguments, on a branch as it is at one commit.

    `work` is the SHA-256 of what is to be fixed; `policy_version` that of the policy file it was planned under.
    """

    loop: str
    action: str
    arguments: Mapping[str, str]
    repository: str
    branch: str
    source_sha: str
    work: str
    policy_version: str

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON in hex: sorted keys, no spaces, ASCII only."""
        document = {**asdict(self), "arguments": dict(self.arguments)}
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()
