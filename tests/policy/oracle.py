"""A second gate, written from docs/policy.md alone: what `policy.gate` decides must agree with it, verdict and code.

A case is a plain dict; the policy in it is the JSON document as it stands in the file, defaults not filled in.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Case = Mapping[str, Any]

PROOF_RANK = {"none": 0, "address": 1, "code": 2, "account": 3, "session": 3, "device": 4, "local": 5}
SCOPE_RANK = {"read": 0, "operate": 1, "approve": 2}
MODE_RANK = {"off": 0, "read-only": 1, "operate": 2}

EVERY = frozenset({"read", "dispatch", "abort", "grant", "refuse", "lower-mode", "raise-mode", "preference"})
WRITES = EVERY - {"read"}
DISPATCH = frozenset({"dispatch"})
STARTS = frozenset({"dispatch", "grant"})
GRANT = frozenset({"grant"})
VOTES = frozenset({"grant", "refuse"})
ABORT = frozenset({"abort"})


def decide(case: Case) -> tuple[str, str]:
    """Return the verdict and the code of the first rule of the table that has something to say."""
    for kinds, code, verdict, applies in TABLE:
        if case["kind"] in kinds and applies(case):
            return verdict, case["policy"][0] if code == POLICY_STATUS else code
    return "allow", "allowed"


def policy(case: Case) -> Mapping[str, Any] | None:
    _, document = case["policy"]
    usable: Mapping[str, Any] | None = document
    return usable


def scopes(case: Case) -> set[str]:
    document = policy(case)
    if document is None:
        return {"read"}
    roles = document["roles"]
    return {scope for role in case["person"]["roles"] for scope in roles.get(role, [])}


def mode(case: Case) -> str:
    environment, stored, halt_file = case["mode"]
    named: list[str] = [stored, environment or stored, "off" if halt_file else stored]
    return min(named, key=MODE_RANK.__getitem__)


def channel(case: Case) -> Mapping[str, Any]:
    limits: dict[str, Any] = (policy(case) or {}).get("channels", {}).get(case["channel"], {})
    return {"max_scope": "read", "per_person_per_hour": 30, **limits}


def security(case: Case) -> Mapping[str, Any]:
    defaults = {"replay_window_seconds": 300, "raise_proof": "device", "soak_days": 7, "soak_clean_runs": 20}
    return {**defaults, **(policy(case) or {}).get("security", {})}


def action(case: Case) -> Mapping[str, Any] | None:
    named: Mapping[str, Any] | None = (policy(case) or {})["actions"].get(case["action"])
    return named


def names_an_action(case: Case) -> bool:
    return case["kind"] == "dispatch" or case["action"] is not None


def rate_reached(case: Case) -> bool:
    known = action(case)
    return known is not None and case["action_runs"] >= known.get("rate", {}).get("per_hour", 12)


def ref_is_foreign(case: Case) -> bool:
    known = action(case)
    return known is not None and case["ref"] is not None and case["ref"] not in known["refs"]


def some_input_is_wrong(case: Case) -> bool:
    known = action(case)
    if known is None:
        return False
    declared = known.get("inputs", {})
    given = dict(case["inputs"])
    if set(given) - set(declared):
        return True
    required = {name for name, spec in declared.items() if spec.get("default") is None}
    return bool(required - set(given)) or not all(fits(declared[name], text) for name, text in given.items())


def fits(spec: Mapping[str, Any], text: str) -> bool:
    if len(text) > 64:
        return False
    if spec["type"] == "boolean":
        return text in {"true", "false"}
    if spec["type"] == "integer":
        canonical = re.fullmatch(r"0|-?[1-9][0-9]{0,9}", text, re.ASCII)
        return canonical is not None and spec["min"] <= int(text) <= spec["max"]
    if "enum" in spec:
        return text in spec["enum"]
    return re.fullmatch(spec["pattern"], text, re.ASCII) is not None


def mode_not_listed(case: Case) -> bool:
    known = action(case)
    return known is not None and mode(case) not in known["modes"]


def somebody_elses_run(case: Case) -> bool:
    return case["run"]["requested_by"] != case["person"]["id"] and "approve" not in scopes(case)


def soak_is_short(case: Case) -> bool:
    wanted = security(case)
    too_few: bool = case["soak_days"] < wanted["soak_days"] or case["soak_runs"] < wanted["soak_clean_runs"]
    return case["target"] == "operate" and too_few


PROOF_BY_KIND = {"read": "address", "lower-mode": "address", "abort": "code", "refuse": "code", "preference": "code"}
PROOF_BY_RISK = {
    ("dispatch", "report"): "code",
    ("dispatch", "medium"): "account",
    ("dispatch", "high"): "device",
    ("grant", "report"): "account",
    ("grant", "medium"): "account",
    ("grant", "high"): "device",
}


def proof_needed(case: Case) -> str:
    kind = case["kind"]
    if kind == "raise-mode":
        return str(security(case)["raise_proof"])
    if kind in PROOF_BY_KIND:
        return PROOF_BY_KIND[kind]
    subject = case["approval"] if kind == "grant" else action(case)
    assert subject is not None, "an unknown action or approval was refused further up"
    return PROOF_BY_RISK[kind, subject["risk"]]


def takes_a_number(case: Case) -> bool:
    asked: bool = case["approval"]["risk"] == "medium" and case["proof"] == "account"
    return asked


def lacks_approvals(case: Case) -> bool:
    known = action(case)
    return known is not None and known.get("approvals", {}).get("needed", 0) > 0 and not case["approved"]


def commit_is_unknown(case: Case) -> bool:
    known = action(case)
    return known is not None and known["forge"] == "github" and not case["head_known"] and lacks_approvals(case)


POLICY_STATUS = "policy_missing, policy_invalid"

# One line per line of the document, in its order: kinds, code, verdict, and when.
TABLE: tuple[tuple[frozenset[str], str, str, Callable[[Case], bool]], ...] = (
    (EVERY, "unknown_person", "deny", lambda c: c["person"] is None),
    (EVERY, "no_proof", "deny", lambda c: c["proof"] == "none"),
    (frozenset({"lower-mode"}), "lowering_is_always_allowed", "allow", lambda _: True),
    (WRITES, POLICY_STATUS, "deny", lambda c: policy(c) is None),
    (EVERY, "scope_missing", "deny", lambda c: c["scope"] not in scopes(c)),
    (WRITES, "channel_scope", "deny", lambda c: SCOPE_RANK[c["scope"]] > SCOPE_RANK[channel(c)["max_scope"]]),
    (WRITES, "audit_unwritable", "deny", lambda c: not c["audit_writable"]),
    (EVERY, "too_old", "deny", lambda c: c["age"] is not None and c["age"] > security(c)["replay_window_seconds"]),
    (EVERY, "from_the_future", "deny", lambda c: c["age"] is not None and c["age"] < -30),
    (EVERY - VOTES, "rate_limited", "deny", lambda c: c["messages"] > channel(c)["per_person_per_hour"]),
    (DISPATCH, "action_rate_limited", "deny", rate_reached),
    (EVERY, "code_locked", "deny", lambda c: c["code"] == "locked"),
    (EVERY, "code_wrong", "deny", lambda c: c["code"] == "wrong"),
    (EVERY, "confirmation_expired", "deny", lambda c: c["code"] == "expired"),
    (EVERY, "confirmation_used", "deny", lambda c: c["code"] == "used"),
    (EVERY, "confirmation_foreign", "deny", lambda c: c["code"] == "foreign"),
    (STARTS, "action_unknown", "deny", lambda c: names_an_action(c) and action(c) is None),
    (STARTS, "ref_not_allowed", "deny", ref_is_foreign),
    (STARTS, "input_invalid", "deny", some_input_is_wrong),
    (STARTS, "mode_off", "deny", lambda c: mode(c) == "off"),
    (STARTS, "mode_too_low", "deny", mode_not_listed),
    (VOTES, "approval_unknown", "deny", lambda c: c["approval"] is None),
    (VOTES, "approval_decided", "deny", lambda c: c["approval"]["state"] != "open"),
    (VOTES, "approval_expired", "deny", lambda c: c["approval"]["seconds_left"] <= 0),
    (GRANT, "digest_changed", "deny", lambda c: not c["approval"]["digest_matches"]),
    (
        GRANT,
        "self_approval",
        "deny",
        lambda c: c["approval"]["requested_by"] == c["person"]["id"] and not c["approval"]["allow_self"],
    ),
    (GRANT, "voted_already", "deny", lambda c: c["approval"]["voted_already"]),
    (STARTS, "slot_busy", "deny", lambda c: c["slot"] is not None),
    (ABORT, "run_unknown", "deny", lambda c: c["run"] is None),
    (ABORT, "run_is_over", "deny", lambda c: c["run"]["final"]),
    (ABORT, "not_your_run", "deny", somebody_elses_run),
    (EVERY, "proof_too_weak", "needs", lambda c: PROOF_RANK[c["proof"]] < PROOF_RANK[proof_needed(c)]),
    (GRANT, "number_needed", "needs", lambda c: takes_a_number(c) and c["number"] in {"missing", "not_asked"}),
    (GRANT, "number_wrong", "deny", lambda c: takes_a_number(c) and c["number"] == "wrong"),
    (GRANT, "number_spent", "deny", lambda c: takes_a_number(c) and c["number"] == "spent"),
    (frozenset({"raise-mode"}), "soak_not_passed", "needs", soak_is_short),
    (DISPATCH, "head_unknown", "deny", commit_is_unknown),
    (DISPATCH, "approval_needed", "needs", lacks_approvals),
)
