"""GitHub's deliveries: only what GitHub signed is read, and only the few fields we use are kept of it."""

import hashlib
import hmac
import json
import random
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from forge.github_webhooks import (
    MAX_PROBLEM_CHARACTERS,
    Delivery,
    News,
    Refusal,
    Unreadable,
    from_stored,
    read_delivery,
    to_stored,
)
from tests.fakes.github_rig import RUN_NAME, correlation
from tests.fakes.providers.github import HOME, FakeGitHub
from tests.fakes.providers.github_runs import Input
from tests.fakes.providers.github_webhooks import SECRET, sign
from tests.fakes.virtual_time import VirtualTime

GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
FORGERIES = 10_000


def headers(body: bytes, **changes: str | None) -> CIMultiDict[str]:
    """Return what GitHub sends along; a change to None leaves that header out."""
    sent: dict[str, str | None] = {
        "X-GitHub-Event": "workflow_run",
        "X-GitHub-Delivery": GUID,
        "X-Hub-Signature": "sha1=" + sign(SECRET, body, "sha1"),
        "X-Hub-Signature-256": "sha256=" + sign(SECRET, body, "sha256"),
    }
    sent |= {name.replace("_", "-"): value for name, value in changes.items()}
    return CIMultiDict({name: value for name, value in sent.items() if value is not None})


def payload(**changes: Any) -> dict[str, Any]:
    run = {"id": 30_433_642, "display_title": f"CI [{correlation()}]", "head_branch": "main", "status": "completed"}
    return {"action": "completed", "workflow_run": run, "repository": {"full_name": HOME}, **changes}


def read(document: Any, event: str = "workflow_run") -> News | Unreadable | None:
    body = json.dumps(document).encode()
    delivery = read_delivery(headers(body, X_GitHub_Event=event), body, SECRET)
    assert isinstance(delivery, Delivery)
    return delivery.said


def test_the_signature_is_the_one_that_github_documents() -> None:
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    sent = CIMultiDict({"x-hub-signature-256": signature, "x-github-event": "ping", "x-github-delivery": GUID.upper()})
    digest = hashlib.sha256(body).hexdigest()
    assert read_delivery(sent, body, secret) == Delivery(GUID, "ping", digest, None)


def test_a_run_is_reduced_to_where_to_look() -> None:
    assert read(payload()) == News(
        HOME, completed=True, branch="main", run_id=30_433_642, correlations=(correlation(),)
    )


def test_a_run_that_goes_on_or_has_no_branch_or_nothing_of_ours_in_its_name_is_read_all_the_same() -> None:
    run = {"id": 1, "display_title": "[not-ours] [01jd9zk0000000000000000001]", "head_branch": None}
    assert read(payload(action="in_progress", workflow_run=run)) == News(HOME, completed=False, branch=None, run_id=1)


def test_a_job_names_its_run_and_its_end_is_not_the_runs() -> None:
    job = {"run_id": 7, "head_branch": "main", "name": "build"}
    said = read(payload(workflow_job=job), "workflow_job")
    assert said == News(HOME, completed=False, branch="main", run_id=7)


def test_a_check_names_the_branch_of_its_suite_and_no_run() -> None:
    check = {"check_suite": {"head_branch": "main"}}
    assert read(payload(check_run=check), "check_run") == News(HOME, completed=True, branch="main")
    assert read(payload(check_run=check, action="created"), "check_run") == News(HOME, completed=False, branch="main")


@pytest.mark.parametrize("event", ["ping", "issue_comment", "push"])
def test_an_event_that_is_not_used_is_authentic_and_says_nothing(event: str) -> None:
    assert read({"zen": "x"}, event) is None


def changed(**run: Any) -> dict[str, Any]:
    document = payload()
    document["workflow_run"] |= run
    return document


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "model_type"),
        ({}, "action, repository, workflow_run"),
        (payload(action="Completed!"), "action"),
        (payload(repository={"full_name": "a/b/c"}), "repository.full_name"),
        (payload(repository={"full_name": "../.. /x"}), "repository.full_name"),
        (changed(id=0), "workflow_run.id"),
        (changed(id="7"), "workflow_run.id"),
        (changed(id=2**63), "workflow_run.id"),
        (changed(head_branch=""), "workflow_run.head_branch"),
        (changed(head_branch="x" * 256), "workflow_run.head_branch"),
        (changed(display_title=None), "workflow_run.display_title"),
    ],
)
def test_what_is_not_as_documented_is_unreadable_and_its_fields_are_named(document: Any, problem: str) -> None:
    said = read(document)
    assert isinstance(said, Unreadable)
    assert said.problem == problem
    assert len(said.problem) <= MAX_PROBLEM_CHARACTERS
    assert "Completed!" not in said.problem


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_unreadable(body: bytes) -> None:
    delivery = read_delivery(headers(body), body, SECRET)
    assert isinstance(delivery, Delivery)
    assert isinstance(delivery.said, Unreadable)
    assert delivery.said.problem


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"X_Hub_Signature_256": None}, "only the old signature"),
        ({"X_Hub_Signature_256": None, "X_Hub_Signature": None}, "no signature"),
        ({"X_Hub_Signature_256": ""}, "wrong signature"),
        ({"X_Hub_Signature_256": "é\udc80"}, "wrong signature"),
        ({"X_Hub_Signature_256": "sha1=" + sign(SECRET, b"{}", "sha1")}, "wrong signature"),
        ({"X_Hub_Signature_256": sign(SECRET, b"{}", "sha256")}, "wrong signature"),
        ({"X_Hub_Signature_256": "SHA256=" + sign(SECRET, b"{}", "sha256")}, "wrong signature"),
        ({"X_GitHub_Delivery": None}, "no delivery id"),
        ({"X_GitHub_Delivery": GUID + "0"}, "no delivery id"),
        ({"X_GitHub_Delivery": GUID.replace("-", "")}, "no delivery id"),
        ({"X_GitHub_Event": None}, "no event name"),
        ({"X_GitHub_Event": "workflow run"}, "no event name"),
        ({"X_GitHub_Event": "x" * 65}, "no event name"),
    ],
)
def test_whatever_proof_or_name_is_missing_is_refused(changes: dict[str, str | None], reason: str) -> None:
    assert read_delivery(headers(b"{}", **changes), b"{}", SECRET) == Refusal(reason)


def test_a_name_is_looked_at_only_after_the_proof() -> None:
    assert read_delivery(CIMultiDict({"X-GitHub-Event": ""}), b"{}", SECRET) == Refusal("no signature")


@given(st.builds(News, st.text(), st.booleans(), st.none() | st.text(), st.none() | st.integers(), st.just(("x",))))
def test_what_is_kept_is_read_as_it_was(news: News) -> None:
    assert from_stored(to_stored(news)) == news


def test_what_is_kept_of_something_unreadable_is_its_problem() -> None:
    assert from_stored(to_stored(Unreadable("action"))) == Unreadable("action")


@pytest.mark.parametrize("stored", [b"", b"null", b'{"repository": 1}'])
def test_what_another_version_kept_is_unreadable_and_no_fault(stored: bytes) -> None:
    assert isinstance(from_stored(stored), Unreadable)


async def test_everything_that_github_posts_of_a_run_is_read() -> None:
    clock = VirtualTime()
    async with FakeGitHub(clock) as github:
        github.workflow("ci.yml", run_name=RUN_NAME, inputs={"request_id": Input()})
        run = github.home.run_by_others("ci.yml")
        clock.advance(60)
        posted = github.webhooks._new()
    said = {}
    for one in posted:
        delivery = read_delivery(CIMultiDict(github.webhooks.signed(one)), one.body, SECRET)
        assert isinstance(delivery, Delivery)
        said[f"{one.event} {one.action}"] = delivery.said
    assert said["workflow_run completed"] == News(HOME, completed=True, branch="main", run_id=run.id)
    assert said["workflow_job queued"] == News(HOME, completed=False, branch="main", run_id=run.id)
    assert said["check_run completed"] == News(HOME, completed=True, branch="main")
    assert not any(isinstance(one, Unreadable) or one is None for one in said.values())


def wrong_secret(chance: random.Random, body: bytes) -> tuple[bytes, Mapping[str, str]]:
    return body, headers(body, X_Hub_Signature_256="sha256=" + sign(f"{chance.getrandbits(160):040x}", body, "sha256"))


def altered_body(chance: random.Random, body: bytes) -> tuple[bytes, Mapping[str, str]]:
    place = chance.randrange(len(body))
    return body[:place] + bytes([body[place] ^ (1 << chance.randrange(8))]) + body[place + 1 :], headers(body)


def cut_or_longer_body(chance: random.Random, body: bytes) -> tuple[bytes, Mapping[str, str]]:
    return chance.choice((body[: chance.randrange(len(body))], body + chance.choice((b" ", b"\n", b"\x00")))), headers(
        body
    )


def random_signature(chance: random.Random, body: bytes) -> tuple[bytes, Mapping[str, str]]:
    return body, headers(body, X_Hub_Signature_256=f"sha256={chance.getrandbits(256):064x}")


def bent_signature(chance: random.Random, body: bytes) -> tuple[bytes, Mapping[str, str]]:
    right = headers(body)["X-Hub-Signature-256"]
    place = chance.randrange(len(right))
    bent = (right[:place], right + "0", right.upper(), " " + right, right[:place] + "é" + right[place + 1 :])
    return body, headers(body, X_Hub_Signature_256=chance.choice(bent))


def other_algorithm(chance: random.Random, body: bytes) -> tuple[bytes, Mapping[str, str]]:
    name = chance.choice(("sha1", "md5", "sha512", "sha384"))
    mac = hmac.new(SECRET.encode(), body, name).hexdigest()
    return body, headers(body, X_Hub_Signature_256=chance.choice((f"{name}={mac}", f"sha256={mac}", mac)))


def sha1_only(_chance: random.Random, body: bytes) -> tuple[bytes, Mapping[str, str]]:
    return body, headers(body, X_Hub_Signature_256=None)


KINDS = (wrong_secret, altered_body, cut_or_longer_body, random_signature, bent_signature, other_algorithm, sha1_only)


def test_none_of_ten_thousand_forgeries_is_taken_for_githubs() -> None:
    chance, tried, taken = random.Random(20261122), Counter[str](), 0
    while tried.total() < FORGERIES:
        run = {"id": chance.getrandbits(40) + 1, "display_title": str(uuid.UUID(int=chance.getrandbits(128)))}
        body = json.dumps(payload(workflow_run=run)).encode()
        kind = chance.choice(KINDS)
        forged, sent = kind(chance, body)
        tried[kind.__name__] += 1
        taken += isinstance(read_delivery(sent, forged, SECRET), Delivery)
    print(f"forged: {dict(tried)}; taken: {taken}")  # noqa: T201 - the figure is what a reader wants
    assert taken == 0
