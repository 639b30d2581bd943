"""Bytes of a policy file in, a usable policy or the reasons why there is none out (D20, D24)."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from domain.errors import UserError
from domain.untrusted import clean_line
from policy.file import Policy

MAX_POLICY_BYTES = 1_048_576  # the largest real file seen has 9 KB
MAX_PROBLEMS_SHOWN = 10
MAX_PROBLEM_CHARACTERS = 300  # a problem is one line on a screen, whatever stands in the file
MAX_KEY_SHOWN_CHARACTERS = 40
NO_VERSION = "none"


class PolicyStatus(StrEnum):
    """Whether there is a policy. Without one nothing may be written."""

    LOADED = "loaded"
    MISSING = "policy_missing"
    INVALID = "policy_invalid"


@dataclass(frozen=True, slots=True)
class PolicyState:
    """The policy in force: its status, its version (SHA-256 of the file), what is wrong with it, and the file's bytes."""

    status: PolicyStatus
    policy: Policy | None
    version: str
    problems: tuple[str, ...] = ()
    raw: bytes | None = field(default=None, repr=False, compare=False)


def load_policy(raw: bytes | None) -> PolicyState:
    """Read a policy file. Whatever is wrong with it ends as `policy_missing` or `policy_invalid`, never as a guess.

    Args:
        raw: the file's bytes, or None when there is no file.
    """
    if raw is None:
        return PolicyState(PolicyStatus.MISSING, None, NO_VERSION, ("there is no policy file",))
    version = hashlib.sha256(raw).hexdigest()
    try:
        read_json(raw)  # pydantic's reader takes the last of two equal keys, so the strict one goes first
        policy = Policy.model_validate_json(raw)
    except UserError as error:
        return PolicyState(PolicyStatus.INVALID, None, version, (str(error),), raw[:MAX_POLICY_BYTES])
    except ValidationError as error:
        return PolicyState(PolicyStatus.INVALID, None, version, _sentences(error), raw)
    return PolicyState(PolicyStatus.LOADED, policy, version, (), raw)


def read_json(raw: bytes) -> object:
    """Read JSON as strictly as a policy deserves: UTF-8 without a mark, every key once, no NaN, bounded size and depth.

    Raises:
        UserError: the bytes are none of that; the sentence names the place.
    """
    if len(raw) > MAX_POLICY_BYTES:
        raise UserError(f"the file has {len(raw)} bytes; the limit is {MAX_POLICY_BYTES}")
    try:
        from_json(raw, allow_inf_nan=False)  # stricter than `json`: no byte order mark, no UTF-16, 200 levels at most
        return json.loads(raw, object_pairs_hook=_refuse_duplicates)
    except ValueError as error:
        raise UserError(f"the file is no JSON we take: {error}") from None


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # With two equal keys JSON readers disagree about which one counts, so neither may.
    keys: dict[str, object] = {}
    for key, value in pairs:
        if key in keys:
            raise ValueError(f"the key {clean_line(key, MAX_KEY_SHOWN_CHARACTERS)} stands twice in one object")
        keys[key] = value
    return keys


def _sentences(error: ValidationError) -> tuple[str, ...]:
    details = error.errors(include_url=False, include_input=False)
    shown = [_sentence(detail) for detail in details[:MAX_PROBLEMS_SHOWN]]
    hidden = len(details) - len(shown)
    return (*shown, f"and {hidden} more") if hidden else tuple(shown)


def _sentence(detail: ErrorDetails) -> str:
    place = ".".join(clean_line(str(part), MAX_KEY_SHOWN_CHARACTERS) for part in detail["loc"]) or "file"
    return clean_line(f"{place}: {detail['msg']}", MAX_PROBLEM_CHARACTERS)
