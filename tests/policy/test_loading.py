"""Broken policy files: never loaded, and what is wrong is said with its place."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import UserError
from domain.untrusted import clean_line
from policy.loading import MAX_POLICY_BYTES, PolicyStatus, load_policy, read_json
from tests.policy.documents import SMALL, changed, load

GOOD = json.dumps(SMALL).encode()
NO_JSON = "the file is no JSON we take: "


def test_a_good_file_is_loaded_under_the_hash_of_its_bytes() -> None:
    state = load_policy(GOOD)
    assert (state.status, state.version, state.problems) == (PolicyStatus.LOADED, hashlib.sha256(GOOD).hexdigest(), ())
    assert state.policy is not None
    assert state.policy.actions["work"].rate.per_hour == 12


def test_a_missing_file_is_missing_and_has_no_version() -> None:
    state = load_policy(None)
    assert (state.status, state.policy, state.version) == (PolicyStatus.MISSING, None, "none")
    assert state.problems == ("there is no policy file",)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", NO_JSON + "EOF while parsing a value at line 1 column 0"),
        (b" \n", NO_JSON + "EOF while parsing a value at line 2 column 0"),
        (b'{"roles": NaN}', NO_JSON + "expected value at line 1 column 11"),
        (b'{"a": Infinity}', NO_JSON + "expected value at line 1 column 7"),
        (b'{"a": "\xff"}', NO_JSON + "invalid unicode code point at line 1 column 8"),
        (b"\xef\xbb\xbf" + GOOD, NO_JSON + "expected value at line 1 column 1"),
        (GOOD.decode().encode("utf-16"), NO_JSON + "expected value at line 1 column 1"),
        (GOOD + b"{}", NO_JSON + f"trailing characters at line 1 column {len(GOOD) + 1}"),
        (b"[" * 100_000, NO_JSON + "recursion limit exceeded at line 1 column 202"),
        (b'{"roles": {}, "roles": {}}', NO_JSON + "the key roles stands twice in one object"),
        (b'{"roles": {"a": [], "a": []}}', NO_JSON + "the key a stands twice in one object"),
        (b"[]", "file: Input should be an object"),
        (b"null", "file: Input should be an object"),
        (b" " * (MAX_POLICY_BYTES + 1), "the file has 1048577 bytes; the limit is 1048576"),
    ],
)
def test_bytes_that_are_no_policy_say_where_they_break(raw: bytes, problem: str) -> None:
    state = load_policy(raw)
    assert (state.status, state.policy, state.problems) == (PolicyStatus.INVALID, None, (problem,))
    assert state.version == hashlib.sha256(raw).hexdigest()


def test_a_file_of_just_the_allowed_size_is_loaded() -> None:
    assert load_policy(GOOD.ljust(MAX_POLICY_BYTES)).status is PolicyStatus.LOADED


@pytest.mark.parametrize("length", range(0, len(GOOD), 7))
def test_a_file_cut_short_anywhere_is_never_loaded(length: int) -> None:
    state = load_policy(GOOD[:length])
    assert state.status is PolicyStatus.INVALID
    assert "line 1 column" in state.problems[0]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("schema_version", 1),
        ("schema_version", "2"),
        ("autonomy_mode_default", "on"),
        ("repositories", "local/sample"),
        ("repositories.0", "no-owner"),
        ("roles.owner.0", "admin"),
        ("actions.work.title", 7),
        ("actions.work.approvals.needed", "1"),
        ("actions.work.approvals.needed", 1.0),
        ("actions.work.approvals.allow_self", 1),
        ("actions.work.risk", "none"),
        ("actions.work.refs", []),
        ("actions.work.surprise", True),
        ("loops.mutation.threshold_percent", 80),
        ("loops.release", {}),
        ("channels.pigeon", {}),
        ("security.replay_window_seconds", 901),
        ("surprise", None),
    ],
)
def test_a_wrong_type_or_an_unknown_key_is_named_with_its_place(place: str, value: object) -> None:
    if place.endswith(".0"):
        place, value = place.removesuffix(".0"), [value]
    state = load(changed(place, value))
    assert state.status is PolicyStatus.INVALID
    assert state.problems[0].startswith(place)


def test_a_file_without_roles_is_refused() -> None:
    assert load({"schema_version": 2}).problems == ("roles: Field required",)


def test_many_problems_are_counted_and_the_first_ten_shown() -> None:
    ten = load({**SMALL, **{f"extra{number}": 1 for number in range(10)}}).problems
    assert len(ten) == 10
    assert "more" not in ten[-1]
    twelve = load({**SMALL, **{f"extra{number}": 1 for number in range(12)}}).problems
    assert len(twelve) == 11
    assert twelve[-1] == "and 2 more"


def test_a_key_that_would_steer_the_screen_is_shown_harmlessly() -> None:
    problems = load({**SMALL, "\x1b[2J\u202egreen" + "x" * 5000: 1}).problems
    assert problems[0].startswith("[2Jgreenxxx")
    assert problems[0].endswith("…: Extra inputs are not permitted")
    assert len(problems[0]) < 100


def test_a_doubled_key_that_would_steer_the_screen_is_shown_harmlessly() -> None:
    assert load_policy(b'{"\\u001bx": 1, "\\u001bx": 2}').problems == (
        NO_JSON + "the key x stands twice in one object",
    )


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=400), st.binary(max_size=400).map(lambda tail: GOOD[:200] + tail)))
def test_random_bytes_are_never_loaded_and_always_explained(raw: bytes) -> None:
    state = load_policy(raw)
    assert (state.status, state.policy) == (PolicyStatus.INVALID, None)
    assert state.problems
    assert all(problem == clean_line(problem, 300) for problem in state.problems)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["read", "main", "local/sample"]),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=8), parts, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(SMALL["actions"]["work"])), JSON)
def test_an_action_with_any_one_value_exchanged_is_loaded_unchanged_or_refused(key: str, value: object) -> None:
    state = load(changed(f"actions.work.{key}", value))
    assert (state.status is PolicyStatus.LOADED) == (state.policy is not None) == (not state.problems)
    if state.policy is not None:
        assert json.loads(state.policy.model_dump_json())["actions"]["work"][key] == value


def test_reading_json_gives_plain_data_or_a_sentence() -> None:
    assert read_json(b'{"a": [1, null]}') == {"a": [1, None]}
    with pytest.raises(UserError, match="no JSON we take"):
        read_json(b"{")
