"""What a policy file may say: the rules that go beyond types, each with the sentence that refuses its breach."""

import pytest

from policy.loading import PolicyStatus
from tests.policy.documents import SMALL, changed, load

INPUT = "actions.work.inputs.x"
STRING = "a string input needs an enum or a pattern, and only one of them; this one has "
INTEGER = "an integer input needs min and max, and nothing else; this one has "
BOOLEAN = "a boolean input has no bounds; this one has "
DEFAULT = "the default is no value that the input would take"


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "string", "enum": ["a", "b"], "default": "b"},
        {"type": "string", "pattern": "v[0-9]+", "default": "v1"},
        {"type": "string", "pattern": "v[0-9]+"},
        {"type": "integer", "min": 0, "max": 0, "default": 0},
        {"type": "integer", "min": -5, "max": 5, "default": -5},
        {"type": "boolean", "default": True},
        {"type": "boolean"},
    ],
)
def test_a_bounded_input_is_taken(spec: dict[str, object]) -> None:
    assert load(changed(INPUT, spec)).problems == ()


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"type": "string"}, STRING + "neither"),
        ({"type": "string", "enum": ["a"], "pattern": "a"}, STRING + "enum, pattern"),
        ({"type": "string", "enum": ["a"], "max": 3}, STRING + "enum, max"),
        ({"type": "integer"}, INTEGER + "neither"),
        ({"type": "integer", "min": 1}, INTEGER + "min"),
        ({"type": "integer", "max": 1}, INTEGER + "max"),
        ({"type": "integer", "min": 1, "max": 2, "enum": ["1"]}, INTEGER + "enum, max, min"),
        ({"type": "boolean", "pattern": "true"}, BOOLEAN + "pattern"),
        ({"type": "string", "enum": ["a"], "default": "b"}, DEFAULT),
        ({"type": "string", "enum": ["1"], "default": 1}, DEFAULT),
        ({"type": "string", "pattern": "v[0-9]", "default": "v10"}, DEFAULT),
        ({"type": "integer", "min": 1, "max": 3, "default": 4}, DEFAULT),
        ({"type": "integer", "min": 1, "max": 3, "default": 0}, DEFAULT),
        ({"type": "integer", "min": 0, "max": 3, "default": True}, DEFAULT),
        ({"type": "integer", "min": 0, "max": 3, "default": "1"}, DEFAULT),
        ({"type": "integer", "min": 3, "max": 1, "default": 2}, DEFAULT),
        ({"type": "boolean", "default": "true"}, DEFAULT),
        ({"type": "boolean", "default": 1}, DEFAULT),
    ],
)
def test_an_input_without_honest_bounds_is_refused(spec: dict[str, object], sentence: str) -> None:
    assert load(changed(INPUT, spec)).problems == (f"{INPUT}: Value error, {sentence}",)


def test_an_empty_enum_is_refused() -> None:
    assert (
        load(changed(INPUT, {"type": "string", "enum": []})).problems[0].startswith(f"{INPUT}.enum: Tuple should have")
    )


@pytest.mark.parametrize("pattern", ["(a+)+", "[a-", "(?=a)", r"(a)\1"])
def test_a_pattern_that_is_broken_or_could_explode_is_refused_with_its_place(pattern: str) -> None:
    problems = load(changed(INPUT, {"type": "string", "pattern": pattern})).problems
    assert problems[0].startswith(f"{INPUT}: Value error, the pattern ")


@pytest.mark.parametrize("risk", ["medium", "high"])
def test_an_action_that_changes_things_cannot_run_in_read_only(risk: str) -> None:
    document = changed("actions.work.risk", risk)
    assert load(document).problems == (
        f"file: Value error, actions.work.modes: a {risk} risk action runs only in operate",
    )
    document["actions"]["work"]["modes"] = ["operate"]
    assert load(document).status is PolicyStatus.LOADED


def test_nothing_runs_while_the_mode_is_off() -> None:
    problems = load(changed("actions.work.modes", ["off", "operate"])).problems
    assert problems == ("file: Value error, actions.work.modes: nothing runs while the mode is off",)


def test_an_action_runs_only_in_a_repository_that_is_listed() -> None:
    problems = load(changed("actions.work.repository", "evil/other")).problems
    assert problems == ("file: Value error, actions.work.repository: evil/other is not in repositories",)


@pytest.mark.parametrize("ref", ["main", "release/1.2", "feature/x-1_y", "v1.0.0"])
def test_an_ordinary_ref_is_taken(ref: str) -> None:
    assert load(changed("actions.work.refs", [ref])).problems == ()


@pytest.mark.parametrize(
    "ref", ["", "a..b", "a//b", "/a", "a/", "a.", ".a", "-a", "a b", "a\n", "a@{1}", "a~1", "refs/../x", "ä", "a" * 201]
)
def test_a_ref_that_git_would_not_take_is_refused(ref: str) -> None:
    assert load(changed("actions.work.refs", [ref])).problems[0].startswith("actions.work.refs.0: String should")


@pytest.mark.parametrize("workflow", ["../x.yml", "a/../b", "/etc/x", "x?y", "a//b", ""])
def test_a_workflow_that_leaves_its_folder_is_refused(workflow: str) -> None:
    assert (
        load(changed("actions.work.workflow", workflow)).problems[0].startswith("actions.work.workflow: String should")
    )


@pytest.mark.parametrize("path", ["metrics/events.jsonl", ".github/workflows", "a.b/c.d", "x"])
def test_an_ordinary_relative_path_is_taken(path: str) -> None:
    assert load(changed("protected_paths", [path])).problems == ()


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "..", "../x", "a/../b", "a/..", "./x", "./..", ".", "a\nb", "a" * 301]
)
def test_a_path_that_leaves_the_checkout_is_refused(path: str) -> None:
    assert load(changed("protected_paths", [path])).problems[0].startswith("protected_paths.0: String should")


@pytest.mark.parametrize("percent", ["0", "80", "82.5", "82.50", "100", "100.00"])
def test_a_threshold_is_a_percentage_as_text(percent: str) -> None:
    assert load(changed("loops.mutation.threshold_percent", percent)).problems == ()


@pytest.mark.parametrize("percent", ["101", "100.01", "-1", "8e1", "82.505", ".5", "80 ", "0.80%"])
def test_a_threshold_that_is_no_percentage_is_refused(percent: str) -> None:
    assert load(changed("loops.mutation.threshold_percent", percent)).problems != ()


def test_only_device_or_account_may_be_asked_for_raising_the_mode() -> None:
    assert load(changed("security.raise_proof", "account")).problems == ()
    assert load(changed("security.raise_proof", "address")).problems[0].startswith("security.raise_proof: ")


def test_a_loaded_policy_cannot_be_changed() -> None:
    policy = load(SMALL).policy
    assert policy is not None
    with pytest.raises(ValueError, match="frozen"):
        policy.schema_version = 2  # type: ignore[misc]  # that it is refused is the point
