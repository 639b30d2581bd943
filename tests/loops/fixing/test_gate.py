"""Who may fix what, and how: every reason can be reached, and everything else is denied (D20-D25)."""

from dataclasses import replace
from typing import Any

import pytest

from domain.errors import UserError
from forge.code import BranchRules
from loops.fixing.gate import FixRule, bound_arguments, fix_decision
from loops.fixing.order import FixRequest, NamedFix, argv_of, named_action, read_named_fix
from loops.report import LoopName
from policy.file import FixAction
from policy.loading import PolicyState, load_policy
from tests.policy.documents import changed, load

FREE = BranchRules(protected=False, needs_pull_request=False, locked=False, checks=())
TRIAGE = LoopName.TRIAGE
MEND = {
    "name": "mend",
    "argv": ["tools/mend", "--level", "{level}", "--", "{path}"],
    "arguments": {
        "level": {"type": "integer", "min": -3, "max": 3, "default": 1},
        "path": {"type": "string", "pattern": "[a-z./-]+"},
    },
    "timeout_seconds": 60,
}


def policy(mode: str = "operate", **changes: Any) -> PolicyState:
    document = changed("loops.triage", {"allowed_branches": ["develop", "fix/x"], "fix_actions": [MEND], **changes})
    return load({**document, "autonomy_mode_default": mode})


def wanted(
    action: str = "mend",
    branch: str = "develop",
    loop: LoopName = TRIAGE,
    given: dict[str, str] | None = None,
) -> FixRequest:
    return FixRequest(loop, branch, NamedFix(action, {"path": "a.py", **(given or {})}))


def rule(
    state: PolicyState,
    mode: str | None = "operate",
    request: FixRequest | None = None,
    rules: BranchRules = FREE,
) -> str:
    return fix_decision(state, mode, request or wanted(), rules).rule


def test_what_the_policy_names_is_allowed() -> None:
    decision = fix_decision(policy(), "operate", wanted(), FREE)
    assert (decision.allowed, decision.rule) == (True, FixRule.ALLOWED)
    assert fix_decision(policy(), "operate", wanted(), BranchRules(True, False, False, ("build",))).allowed


@pytest.mark.parametrize("raw", [None, b"", b"{", b"[]", b'{"schema_version": 2'])
def test_without_a_usable_policy_nothing_is_fixed(raw: bytes | None) -> None:
    expected = FixRule.POLICY_MISSING if raw is None else FixRule.POLICY_INVALID
    assert rule(load_policy(raw)) == expected
    assert fix_decision(PolicyState(load_policy(raw).status, None, "v"), "operate", wanted(), FREE).allowed is False


@pytest.mark.parametrize("mode", ["", "enforce", "OPERATE", "operate ", "true", "read_only", "off\n"])
def test_an_unknown_mode_is_never_operate(mode: str) -> None:
    assert rule(policy(), mode) == FixRule.MODE_INVALID


@pytest.mark.parametrize(
    ("default", "environment", "decided"),
    [
        ("operate", None, FixRule.ALLOWED),
        ("operate", "operate", FixRule.ALLOWED),
        ("operate", "read-only", FixRule.MODE_TOO_LOW),
        ("operate", "off", FixRule.MODE_OFF),
        ("read-only", None, FixRule.MODE_TOO_LOW),
        ("read-only", "operate", FixRule.MODE_TOO_LOW),
        ("read-only", "off", FixRule.MODE_OFF),
        ("off", "operate", FixRule.MODE_OFF),
        ("off", None, FixRule.MODE_OFF),
    ],
)
def test_the_environment_can_only_lower_the_mode(default: str, environment: str | None, decided: FixRule) -> None:
    assert rule(policy(default), environment) == decided


@pytest.mark.parametrize("branch", ["main", "Develop", "develop/x", "refs/heads/develop", "", "fix"])
def test_only_listed_branches_are_fixed(branch: str) -> None:
    assert rule(policy(), request=wanted(branch=branch)) == FixRule.BRANCH_NOT_ALLOWED


def test_no_listed_branch_means_none() -> None:
    assert rule(policy(allowed_branches=[])) == FixRule.BRANCH_NOT_ALLOWED
    assert rule(policy(), request=wanted(loop=LoopName.MUTATION)) == FixRule.BRANCH_NOT_ALLOWED


LOCKED = replace(FREE, protected=True, locked=True)


@pytest.mark.parametrize("rules", [LOCKED, replace(FREE, protected=True, needs_pull_request=True)])
def test_a_branch_that_takes_no_push_is_not_fixed(rules: BranchRules) -> None:
    assert rule(policy(), rules=rules) == FixRule.BRANCH_PROTECTED


@pytest.mark.parametrize("action", ["rm", "Mend", "mend ", "", "tools/mend"])
def test_only_named_actions_of_that_loop_run(action: str) -> None:
    assert rule(policy(), request=wanted(action)) == FixRule.FIX_ACTION_UNKNOWN
    assert rule(policy(fix_actions=[])) == FixRule.FIX_ACTION_UNKNOWN


@pytest.mark.parametrize(
    "given",
    [
        {"level": "9"},
        {"level": "+1"},
        {"level": "1; rm -rf /"},
        {"path": "A.py"},
        {"path": "--output=/etc/x"},
        {"path": "-x"},
        {"path": ""},
        {"path": "a b"},
        {"path": "a" * 65},
        {"path": "a\x00b"},
        {"path": "a\n"},
        {"extra": "x"},
    ],
)
def test_arguments_that_do_not_fit_are_refused(given: dict[str, str]) -> None:
    assert rule(policy(), request=wanted(given=given)) == FixRule.FIX_ARGUMENTS_INVALID


def test_a_missing_argument_is_refused() -> None:
    request = FixRequest(TRIAGE, "develop", NamedFix("mend"))
    decision = fix_decision(policy(), "operate", request, FREE)
    assert (decision.rule, decision.reason) == (FixRule.FIX_ARGUMENTS_INVALID, "mend: the input path is missing")


def test_every_rule_can_decide() -> None:
    reached = {
        rule(load_policy(None)),
        rule(load_policy(b"")),
        rule(policy(), "x"),
        rule(policy(), "off"),
        rule(policy(), "read-only"),
        rule(policy(), request=wanted(branch="x")),
        rule(policy(), rules=LOCKED),
        rule(policy(), request=wanted("x")),
        rule(policy(), request=wanted(given={"level": "x"})),
        rule(policy()),
    }
    assert reached == set(FixRule)


def action() -> FixAction:
    loaded = policy().policy
    assert loaded is not None
    found = named_action(loaded, TRIAGE, "mend")
    assert found is not None
    return found


def test_each_argument_is_one_element_where_its_placeholder_stands() -> None:
    bound = bound_arguments(action(), {"path": "../a.py"})
    assert bound == {"level": "1", "path": "../a.py"}
    assert argv_of(action(), bound) == ("tools/mend", "--level", "1", "--", "../a.py")


def test_what_stands_in_an_argument_is_not_replaced_again() -> None:
    assert argv_of(action(), {"level": "{path}", "path": "{level}"})[-3:] == ("{path}", "--", "{level}")


def test_a_number_below_zero_and_a_listed_word_with_a_dash_are_no_options() -> None:
    assert bound_arguments(action(), {"path": "a", "level": "-3"}) == {"level": "-3", "path": "a"}
    flags = FixAction.model_validate_json(
        '{"name": "x", "argv": ["x", "{f}"], "timeout_seconds": 1,'
        ' "arguments": {"f": {"type": "string", "enum": ["--fast", "--slow"]}}}'
    )
    assert bound_arguments(flags, {"f": "--fast"}) == {"f": "--fast"}


def test_what_cannot_be_printed_is_refused_whatever_the_pattern() -> None:
    open_pattern = FixAction.model_validate_json(
        '{"name": "x", "argv": ["x", "{p}"], "timeout_seconds": 1,'
        ' "arguments": {"p": {"type": "string", "pattern": "[^a]+"}}}'
    )
    problem = "the input p must be printable and must not begin with a dash"
    for value in ("\x00", "b\tc", "\x7f"):
        assert bound_arguments(open_pattern, {"p": value}) == problem


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("mend", NamedFix("mend")),
        (" mend  path=a.py level=2 ", NamedFix("mend", {"path": "a.py", "level": "2"})),
        ("mend path=a=b", NamedFix("mend", {"path": "a=b"})),
        ("mend path=", NamedFix("mend", {"path": ""})),
    ],
)
def test_a_fix_is_written_as_its_name_and_arguments(text: str, fix: NamedFix) -> None:
    assert read_named_fix(text) == fix


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the policy's fix_actions, not nothing"),
        ("./mend.sh", "not ./mend.sh"),
        ("path=a", "not path=a"),
        ("mend a.py", "argument a.py must be written name=value"),
        ("mend =x", "argument =x must be"),
        ("mend Path=x", "argument Path=x must be"),
        ("mend path=a path=b", "argument path=b must be written name=value, each name once"),
    ],
)
def test_what_is_no_fix_is_refused_with_the_mend(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said.replace(".", r"\.")):
        read_named_fix(text)
