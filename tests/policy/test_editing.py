"""Pins are written into a policy file without touching another byte of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.editing import with_pins

PINS = {"main": "a" * 40, "dev": "b" * 64}
WRITTEN = json.dumps(PINS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '{\n  "actions": {\n    "ci": {\n      "title": "CI",\n      "refs": ["main",  "dev"]\n    }\n  }\n}\n',
            '{\n  "actions": {\n    "ci": {\n      "title": "CI",\n      "refs": ["main",  "dev"],\n      "pins": PINS\n    }\n  }\n}\n',
        ),
        ('{"actions":{"ci":{"title":"CI"}},"x":1}', '{"actions":{"ci":{"title":"CI","pins": PINS}},"x":1}'),
        (
            '{ "actions" : { "ci" : { "title" : "CI" } } }',
            '{ "actions" : { "ci" : { "title" : "CI", "pins": PINS } } }',
        ),
        ('{"actions":{"ci":{"pins":{ "main":"x" },"title":"CI"}}}', '{"actions":{"ci":{"pins":PINS,"title":"CI"}}}'),
        ('{"actions":{"ci":{"title":"CI","pins" : {}}}}', '{"actions":{"ci":{"title":"CI","pins" : PINS}}}'),
        (
            '\t{"pins":1,"actions":{"pins":{"a":"\\"}{"},"ci":{"t":"\\u00e9 \\\\"}}}',
            '\t{"pins":1,"actions":{"pins":{"a":"\\"}{"},"ci":{"t":"\\u00e9 \\\\","pins": PINS}}}',
        ),
        ('{"actions":{"\\u0063i":{"t":[{"pins":2}]}}}', '{"actions":{"\\u0063i":{"t":[{"pins":2}],"pins": PINS}}}'),
    ],
)
def test_only_the_pins_of_the_action_change(before: str, after: str) -> None:
    assert with_pins(before, "ci", PINS) == after.replace("PINS", WRITTEN)


def test_writing_the_same_pins_twice_changes_nothing() -> None:
    once = with_pins('{"actions": {"ci": {"title": "CI"}}}', "ci", PINS)
    assert with_pins(once, "ci", PINS) == once


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON, JSON, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_whatever_else_stands_in_the_file_stays(
    before: Any, beside: Any, value: Any, indent: Any, ascii_only: bool
) -> None:
    document = {"before": before, "actions": {"other": beside, "ci": {"title": value}, "x": beside}, "after": before}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    edited = with_pins(text, "ci", PINS)
    wanted = {**document, "actions": {**document["actions"], "ci": {"title": value, "pins": PINS}}}
    assert json.loads(edited) == wanted
