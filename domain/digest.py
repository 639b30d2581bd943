"""The digest of exactly what an action would run: what an approval is bound to (I7)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intent:
    """Everything that decides what a dispatch does; inputs are complete, defaults filled in.

    `head_sha` is the commit that is approved, None for what runs wherever its branch stands.
    """

    action: str
    forge: str
    repository: str
    workflow: str
    ref: str
    inputs: Mapping[str, str]
    requested_by: str
    policy_version: str
    head_sha: str | None = None

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON in hex: sorted keys, no spaces, ASCII only."""
        document = {
            "action": self.action,
            "forge": self.forge,
            "head_sha": self.head_sha,
            "inputs": dict(self.inputs),
            "policy_version": self.policy_version,
            "ref": self.ref,
            "repository": self.repository,
            "requested_by": self.requested_by,
            "workflow": self.workflow,
        }
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()
