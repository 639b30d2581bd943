"""The webhooks of the fake GitHub: what happens to runs, signed and posted to the bot, again on demand, and forged."""

import hmac
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

import aiohttp

from tests.fakes.providers.conformance import conformance_for
from tests.fakes.providers.github_commits import CheckRun, check_document
from tests.fakes.providers.github_plan import Attempt, Job, Moment
from tests.fakes.providers.github_repository import Repository, World
from tests.fakes.providers.github_run_documents import job_document, run_document, workflow_document
from tests.fakes.providers.github_runs import Run
from tests.fakes.providers.github_shapes import moment_text, node_id, user

SECRET = "made-up-webhook-secret-0123456789"
PATH = "/hooks/github"
HOOK_ID = 4_711
EVENTS = frozenset({"workflow_run", "workflow_job", "check_run"})
# The others of these events are not in the part of the description that is in use.
DESCRIBED = frozenset(
    {
        *(f"workflow-run/{action}" for action in ("requested", "in-progress", "completed")),
        *(f"workflow-job/{action}" for action in ("queued", "completed")),
        *(f"check-run/{action}" for action in ("created", "completed")),
    }
)
LOST = 502


class Forgery(Enum):
    """What an attacker may post."""

    WRONG_SECRET = "signed with another secret"
    UNSIGNED = "no signature"
    SHA1_ONLY = "only the old signature"
    ALTERED = "the body changed after signing"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One post to the bot. A redelivery has the GUID of the first, and an id of its own."""

    id: int
    guid: str
    event: str
    action: str
    body: bytes
    at: datetime
    repository_id: int
    status: int = 0
    redelivery: bool = False

    def document(self) -> dict[str, Any]:
        good = 200 <= self.status < 300
        return {
            "id": self.id,
            "guid": self.guid,
            "delivered_at": moment_text(self.at),
            "redelivery": self.redelivery,
            "duration": 0.1,
            "status": "OK" if good else "Invalid HTTP Response",
            "status_code": self.status,
            "event": self.event,
            "action": self.action,
            "installation_id": None,
            "repository_id": self.repository_id,
            "throttled_at": None,
        }


@dataclass(slots=True)
class Webhooks:
    """`connect` it to a bot; then `post_due` posts what has happened since, in its order."""

    world: World
    deliveries: list[Delivery] = field(default_factory=list)
    events: frozenset[str] = EVENTS
    secret: str = SECRET
    _url: str = ""
    _told: set[tuple[int, int, int]] = field(default_factory=set)
    _waiting: list[Delivery] = field(default_factory=list)

    def connect(self, bot_url: str, secret: str = SECRET) -> None:
        """Post to this bot from now on, signed with this secret."""
        self._url, self.secret = bot_url, secret

    async def post_due(self, *, lose: bool = False) -> list[int]:
        """Post what happened until now and what is to be redelivered; return the statuses.

        With `lose` nothing arrives: GitHub notes a failure and does not try again by itself.
        """
        due = [*self._waiting, *self._new()]
        self._waiting.clear()
        for one in due:
            status = LOST if lose else await self._post(one, self.signed(one))
            self.deliveries.append(replace(one, status=status))
        return [one.status for one in self.deliveries[-len(due) :]] if due else []

    async def ping(self) -> int:
        """Post what GitHub posts when the hook is made."""
        repository = next(iter(self.world.repositories.values()))
        config = {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": self._url + PATH}
        hook = {"type": "Repository", "id": HOOK_ID, "name": "web", "active": True, "events": [*self.events]}
        payload = {"zen": "Keep it logically awesome.", "hook_id": HOOK_ID, "hook": {**hook, "config": config}}
        one = self._delivery(repository, "ping", "", payload)
        return await self._post(one, self.signed(one))

    def redeliver(self, delivery: Delivery) -> None:
        """Let the next `post_due` post it once more, as the button in the settings does."""
        again = replace(delivery, id=next(self.world.ids), at=self.world.clock.now(), redelivery=True)
        self._waiting.append(again)

    async def attack(self, forgery: Forgery, delivery: Delivery) -> int:
        """Post a forged copy with a GUID of its own; return the status."""
        forged = replace(delivery, guid=str(uuid.uuid4()))
        headers = dict(self.signed(forged))
        if forgery is Forgery.WRONG_SECRET:
            headers["X-Hub-Signature-256"] = "sha256=" + sign("another secret", forged.body, "sha256")
        elif forgery in (Forgery.UNSIGNED, Forgery.SHA1_ONLY):
            del headers["X-Hub-Signature-256"]
            if forgery is Forgery.UNSIGNED:
                del headers["X-Hub-Signature"]
        elif forgery is Forgery.ALTERED:
            forged = replace(forged, body=forged.body.replace(b'"success"', b'"failure"', 1) + b" ")
        return await self._post(forged, headers)

    def signed(self, delivery: Delivery) -> Mapping[str, str]:
        """Return the headers of a delivery."""
        return {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0000000",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(HOOK_ID),
            "X-GitHub-Hook-Installation-Target-ID": str(delivery.repository_id),
            "X-GitHub-Hook-Installation-Target-Type": "repository",
            "X-Hub-Signature": "sha1=" + sign(self.secret, delivery.body, "sha1"),
            "X-Hub-Signature-256": "sha256=" + sign(self.secret, delivery.body, "sha256"),
        }

    async def _post(self, delivery: Delivery, headers: Mapping[str, str]) -> int:
        assert self._url, "connect the webhooks to a bot first"
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._url + PATH, data=delivery.body, headers=headers, allow_redirects=False) as response,
        ):
            return response.status

    def _new(self) -> list[Delivery]:
        """Return what happened to runs and was not told yet, the oldest first."""
        now = self.world.clock.now()
        happened = [
            (moment.at, run.id, attempt.number, place, repository, run, attempt, moment)
            for repository in self.world.repositories.values()
            for run in repository.actions.runs.values()
            for attempt in run.attempts
            for place, moment in enumerate(attempt.timeline())
            if moment.at <= now and (run.id, attempt.number, place) not in self._told
        ]
        happened.sort(key=lambda one: one[:4])
        self._told.update(one[1:4] for one in happened)
        return [delivery for one in happened for delivery in self._told_of(*one[4:])]

    def _told_of(self, repository: Repository, run: Run, attempt: Attempt, moment: Moment) -> Iterator[Delivery]:
        jobs = [job for job in attempt.jobs if job.carried is None]
        run_action = {"in_progress": "in_progress", "completed": "completed"}.get(moment.status, "requested")
        about_jobs = [*self._about_jobs(repository, run, attempt, jobs, moment)]
        about_run = self._delivery(
            repository, "workflow_run", run_action, _run_payload(repository, run, attempt, moment)
        )
        ordered = [*about_jobs, about_run] if moment.completed else [about_run, *about_jobs]
        yield from (one for one in ordered if one.event in self.events)

    def _about_jobs(
        self, repository: Repository, run: Run, attempt: Attempt, jobs: list[Job], moment: Moment
    ) -> Iterator[Delivery]:
        for job in jobs:
            document = job_document(repository.named, run, attempt, job, moment.at)
            yield self._delivery(repository, "workflow_job", moment.status, {"workflow_job": document})
            if moment.at == attempt.started_at or moment.completed:
                place, begun = attempt.job_at(job, moment.at), attempt.began_at(moment.at)
                check = CheckRun(job.id, run.head_sha, job.name, place, begun, run.suite_id)
                action = "completed" if moment.completed else "created"
                payload = {"check_run": _check_payload(repository, run, check, moment)}
                yield self._delivery(repository, "check_run", action, payload)

    def _delivery(self, repository: Repository, event: str, action: str, about: Mapping[str, Any]) -> Delivery:
        shared = {"repository": repository.named.whole_document("2022-11-28"), "sender": user("ann")}
        payload = {**({"action": action} if action else {}), **about, **shared}
        name = f"{event}/{action}".replace("_", "-")
        if name in DESCRIBED:
            conformance_for("github-webhooks").request(name, {"body": payload})
        body = json.dumps(payload).encode()
        number, at = next(self.world.ids), self.world.clock.now()
        guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{event} {number}"))
        return Delivery(number, guid, event, action, body, at, repository.id)


def sign(secret: str, body: bytes, algorithm: str) -> str:
    """Sign a body as GitHub does."""
    return hmac.new(secret.encode(), body, algorithm).hexdigest()


def _run_payload(repository: Repository, run: Run, attempt: Attempt, moment: Moment) -> dict[str, Any]:
    document = run_document(repository.named, run, moment.at, repository.short_pulls(run), attempt)
    return {"workflow_run": document, "workflow": workflow_document(repository.named, run.workflow)}


def _check_payload(repository: Repository, run: Run, check: CheckRun, moment: Moment) -> dict[str, Any]:
    """Return a check as webhooks show it: with more about its suite."""
    pulls = repository.short_pulls(run)
    document = check_document(repository.named, check, pulls)
    suite = {
        "id": run.suite_id,
        "node_id": node_id("CS", run.suite_id),
        "head_branch": run.branch,
        "head_sha": run.head_sha,
        "status": moment.status,
        "conclusion": moment.conclusion,
        "url": f"{repository.named.api}/check-suites/{run.suite_id}",
        "before": None,
        "after": run.head_sha,
        "pull_requests": pulls,
        "app": document["app"],
        "repository": repository.named.document(),
        "created_at": moment_text(run.created_at),
        "updated_at": moment_text(moment.at),
    }
    return document | {"check_suite": suite}
