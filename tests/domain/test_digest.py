"""The digest of an intent covers everything that decides what a dispatch does (I7)."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.digest import Intent

INTENT = Intent("deploy", "github", "acme/shop", "ci.yml", "main", {"image": "api:1", "size": "2"}, "olga", "ab12")
CANONICAL = (
    '{"action":"deploy","forge":"github","head_sha":null,"inputs":{"image":"api:1","size":"2"},"policy_version":"ab12","ref":"main",'
    '"repository":"acme/shop","requested_by":"olga","workflow":"ci.yml"}'
)


def test_the_digest_is_the_sha_256_of_the_canonical_json() -> None:
    assert INTENT.digest() == hashlib.sha256(CANONICAL.encode()).hexdigest()


def test_the_order_of_inputs_does_not_matter() -> None:
    assert replace(INTENT, inputs={"size": "2", "image": "api:1"}).digest() == INTENT.digest()


@pytest.mark.parametrize(
    "changed",
    [
        replace(INTENT, action="x"),
        replace(INTENT, forge="x"),
        replace(INTENT, repository="x"),
        replace(INTENT, workflow="x"),
        replace(INTENT, ref="x"),
        replace(INTENT, requested_by="x"),
        replace(INTENT, policy_version="x"),
        replace(INTENT, head_sha="5eed" * 10),
        replace(INTENT, inputs={}),
        replace(INTENT, inputs={"image": "api:1"}),
        replace(INTENT, inputs={"image": "api:2", "size": "2"}),
        replace(INTENT, inputs={"image": "api:1", "Size": "2"}),
    ],
)
def test_every_field_changes_the_digest(changed: Intent) -> None:
    assert changed.digest() != INTENT.digest()


@given(st.text(), st.text(min_size=1))
def test_values_cannot_flow_into_each_other(action: str, ref: str) -> None:
    apart = replace(INTENT, action=action, ref=ref)
    assert apart.digest() != replace(INTENT, action=action + ref, ref="").digest()
