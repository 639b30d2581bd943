"""What a policy file may say: the rules that go beyond types, each with the sentence that refuses its breach."""

import pytest

from domain.people import AddressKind
from policy.loading import PolicyState, PolicyStatus
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
        ({"type": "integer", "min": 0, "max": 0, "default": 1}, DEFAULT),
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


def test_texts_go_to_every_country_unless_some_are_named() -> None:
    policy = load(changed("channels.sms", {})).policy
    assert policy is not None
    assert policy.channels[AddressKind.SMS].countries == ()


@pytest.mark.parametrize("code", ["+1", "+41", "+423", "+1787"])
def test_a_country_is_named_by_its_calling_code(code: str) -> None:
    policy = load(changed("channels.sms.countries", ["+49", code])).policy
    assert policy is not None
    assert policy.channels[AddressKind.SMS].countries == ("+49", code)


@pytest.mark.parametrize("code", ["", "+", "41", "0041", "+041", "+17871", "+4a", " +41", "+41 ", "+41\n", "+٤١", "CH"])
def test_a_country_that_is_no_calling_code_is_refused(code: str) -> None:
    problems = load(changed("channels.sms.countries", ["+49", code])).problems
    assert problems[0].startswith("channels.sms.countries.1: String should match pattern")


@pytest.mark.parametrize("channel", [kind.value for kind in AddressKind if kind is not AddressKind.SMS])
def test_countries_of_a_channel_without_numbers_are_refused(channel: str) -> None:
    sentence = f"file: Value error, channels.{channel}.countries: only sms goes to numbers; take it out"
    assert load(changed(f"channels.{channel}.countries", ["+41"])).problems == (sentence,)


def test_the_number_of_a_medium_risk_cannot_be_turned_off() -> None:
    assert load(changed("security.number_match", False)).problems[0].startswith("security.number_match: Extra inputs")


def test_a_loaded_policy_cannot_be_changed() -> None:
    policy = load(SMALL).policy
    assert policy is not None
    with pytest.raises(ValueError, match="frozen"):
        policy.schema_version = 2  # type: ignore[misc]  # that it is refused is the point


BOUNDS = [
    ("actions.work.approvals.needed", 0, 5, 0),
    ("actions.work.approvals.expires_minutes", 2, 60, 15),
    ("actions.work.rate.per_hour", 1, 3600, 12),
    ("loops.triage.max_attempts", 1, 10, 3),
    ("loops.triage.max_comment_updates_per_hour", 0, 60, 6),
    ("loops.triage.max_age_hours", 1, 8760, 168),
    ("loops.triage.shards", 1, 256, None),
    ("loops.triage.max_rounds", 1, 100, 12),
    ("loops.triage.max_hours", 1, 168, 24),
    ("loops.triage.max_tasks", 1, 10_000, 200),
    ("loops.triage.deadline_seconds", 10, 86_400, 1800),
    ("channels.sms.per_person_per_hour", 1, 1_000_000_000, 30),
    ("security.replay_window_seconds", 30, 900, 300),
    ("security.audit_retention_days", 30, 3650, 400),
    ("security.token_minutes", 1, 15, 15),
    ("security.approve_token_seconds", 30, 120, 120),
    ("security.soak_days", 0, 90, 7),
    ("security.soak_clean_runs", 0, 10_000, 20),
    ("integration_federation.max_files_per_import", 1, 10_000, 1200),
]


def value_at(document: object, place: str) -> object:
    for step in place.split("."):
        assert isinstance(document, dict)
        document = document[step]
    return document


@pytest.mark.parametrize(("place", "lowest", "highest", "default"), BOUNDS)
def test_every_number_has_its_bounds_and_its_default(
    place: str, lowest: int, highest: int, default: int | None
) -> None:
    for inside in (lowest, highest):
        assert load(changed(place, inside)).problems == ()
    for outside in (lowest - 1, highest + 1):
        assert load(changed(place, outside)).problems[0].startswith(f"{place}: Input should be ")
    section, _, _ = place.rpartition(".")
    policy = load(changed(section, {}) if "work" not in section else changed("actions.work.approvals", {})).policy
    assert policy is not None
    assert value_at(policy.model_dump(mode="json"), place) == default


def test_who_asks_cannot_approve_unless_the_policy_says_so() -> None:
    policy = load(SMALL).policy
    assert policy is not None
    assert policy.actions["work"].approvals.allow_self is False


TEXT_BOUNDS = [
    ("actions.work.title", 80),
    ("actions.work.inputs.x.enum.0", 64),
    ("actions.work.inputs.x.pattern", 200),
    ("actions.work.refs.0", 200),
    ("actions.work.workflow", 200),
    ("protected_paths.0", 300),
    ("loops.triage.fix_actions.0.argv.0", 200),
    ("integration_federation.sources.x.profiles.y.description", 200),
]


def with_text(place: str, text: str) -> dict[str, object]:
    """Return the small document with this text at this place, and around it what the place needs to be valid."""
    if place.startswith("integration_federation"):
        profile = {"description": text, "mappings": []}
        source = {"path": "x", "url": "https://example.org/x.git", "profiles": {"y": profile}}
        return changed("integration_federation.sources.x", source)
    if place.startswith("loops"):
        return changed("loops.triage.fix_actions", [{"name": "fix", "timeout_seconds": 60, "argv": [text]}])
    if place.startswith("actions.work.inputs"):
        _, _, bound = place.removesuffix(".0").rpartition(".")
        return changed("actions.work.inputs.x", {"type": "string", bound: [text] if bound == "enum" else text})
    return changed(place.removesuffix(".0"), [text] if place.endswith(".0") else text)


@pytest.mark.parametrize(("place", "most"), TEXT_BOUNDS)
def test_every_text_has_its_longest(place: str, most: int) -> None:
    assert load(with_text(place, "a" * most)).problems == ()
    problems = load(with_text(place, "a" * (most + 1))).problems
    assert problems[0].startswith(f"{place}: String should have at most {most} characters")


@pytest.mark.parametrize(("seconds", "taken"), [(0, False), (1, True), (7200, True), (7201, False)])
def test_a_fix_action_ends_within_two_hours(seconds: int, taken: bool) -> None:
    fix = {"name": "fix", "argv": ["make"], "timeout_seconds": seconds, "environment": ["PATH"]}
    assert (load(changed("loops.triage.fix_actions", [fix])).problems == ()) is taken


@pytest.mark.parametrize("argv", [[], [""], ["make", ""]])
def test_a_fix_action_without_a_command_is_refused(argv: list[str]) -> None:
    fix = {"name": "fix", "argv": argv, "timeout_seconds": 60}
    assert load(changed("loops.triage.fix_actions", [fix])).problems[0].startswith("loops.triage.fix_actions.0.argv")


PLACED = {"name": "fix", "timeout_seconds": 60}
LEVEL = {"level": {"type": "integer", "min": 1, "max": 3}}
ALONE = "a placeholder is an element of its own, and never the program"


@pytest.mark.parametrize(
    ("argv", "arguments"),
    [
        (["make"], {}),
        (["make", "{level}"], LEVEL),
        (["make", "{level}", "{level}"], LEVEL),
        (["python", "-c", "print({}, {1: 2}, '{Level}')"], {}),
    ],
)
def test_placeholders_that_fit_their_arguments_are_taken(argv: list[str], arguments: dict[str, object]) -> None:
    fix = {**PLACED, "argv": argv, "arguments": arguments}
    assert load(changed("loops.triage.fix_actions", [fix])).problems == ()


@pytest.mark.parametrize(
    ("argv", "arguments", "sentence"),
    [
        (["make", "{level}"], {}, "argv: {level}: arguments does not declare it"),
        (["make"], LEVEL, "argv: {level}: argv has no element for it"),
        (["make", "--level={level}"], LEVEL, f"argv.1: {ALONE}"),
        (["make", "{level}{level}"], LEVEL, f"argv.1: {ALONE}"),
        (["{level}"], LEVEL, f"argv.0: {ALONE}"),
        (["make", "{level}", "x{level}"], LEVEL, f"argv.2: {ALONE}"),
    ],
)
def test_placeholders_that_do_not_fit_are_refused(argv: list[str], arguments: dict[str, object], sentence: str) -> None:
    fix = {**PLACED, "argv": argv, "arguments": arguments}
    problems = load(changed("loops.triage.fix_actions", [fix])).problems
    assert problems == (f"loops.triage.fix_actions.0: Value error, {sentence}",)


def test_two_fix_actions_of_one_name_are_refused() -> None:
    fixes = [{**PLACED, "argv": ["make"]}, {**PLACED, "argv": ["make", "x"]}]
    problems = load(changed("loops.mutation.fix_actions", fixes)).problems
    assert problems == ("loops.mutation: Value error, fix_actions: fix stands twice",)


PINNED = {"main": "a" * 40, "release/1": "0f" * 32}


def pinned(pins: object, forge: str = "github") -> PolicyState:
    document = changed("actions.work.pins", pins)
    document["actions"]["work"] |= {"forge": forge, "refs": ["main", "release/1"]}
    return load(document)


def test_a_workflow_on_github_is_pinned_for_each_of_its_refs() -> None:
    policy = pinned(PINNED).policy
    assert policy is not None
    assert policy.actions["work"].pins == PINNED
    assert pinned({}, "local").problems == ()


@pytest.mark.parametrize("sha", ["", "a" * 39, "a" * 41, "a" * 63, "A" * 40, "g" * 40, "a" * 40 + "\n"])
def test_a_pin_is_a_whole_blob_id(sha: str) -> None:
    assert pinned({"main": sha}).problems[0].startswith("actions.work.pins.main: String should match pattern")


def test_a_pin_of_a_ref_that_is_not_listed_is_refused() -> None:
    assert pinned({"main": "a" * 40, "dev": "a" * 40}).problems == (
        "actions.work: Value error, pins: dev is not in refs",
    )


def test_only_workflows_on_github_are_pinned() -> None:
    assert pinned(PINNED, "local").problems == (
        "actions.work: Value error, pins: only a workflow on github is pinned; take them out",
    )


@pytest.mark.parametrize(("name", "loads"), [("pr_number", True), ("pr-number", True), ("_x", False), ("Pr", False)])
def test_an_input_is_named_as_workflows_name_theirs(name: str, loads: bool) -> None:
    document = changed("actions.work.inputs", {name: {"type": "boolean"}})
    assert (load(document).policy is not None) is loads
