"""How GitHub writes workflows, runs, jobs and artifacts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.providers.github_plan import Attempt, Job, Moment
from tests.fakes.providers.github_runs import Run, Stored, Workflow
from tests.fakes.providers.github_shapes import FOUNDED, Named, head_commit, moment_text, node_id, number_of, user


def workflow_document(repository: Named, workflow: Workflow) -> dict[str, Any]:
    return {
        "id": workflow.id,
        "node_id": node_id("W", workflow.id),
        "name": workflow.name,
        "path": workflow.path,
        "state": workflow.state,
        "created_at": FOUNDED,
        "updated_at": FOUNDED,
        "url": f"{repository.api}/actions/workflows/{workflow.id}",
        "html_url": f"{repository.html}/blob/main/{workflow.path}",
        "badge_url": f"{repository.html}/workflows/{workflow.name}/badge.svg",
    }


def run_document(
    repository: Named, run: Run, now: datetime, pulls: list[Mapping[str, Any]], attempt: Attempt | None = None
) -> dict[str, Any]:
    """Return a run as it is at a moment, by its latest attempt unless one is named."""
    latest = run.latest if attempt is None else attempt
    place = latest.at(now)
    url, suite = f"{repository.api}/actions/runs/{run.id}", f"{repository.api}/check-suites/{run.suite_id}"
    previous = f"{url}/attempts/{latest.number - 1}" if latest.number > 1 else None
    return {
        "id": run.id,
        "name": run.workflow.name,
        "node_id": node_id("WFR", run.id),
        "check_suite_id": run.suite_id,
        "check_suite_node_id": node_id("CS", run.suite_id),
        "head_branch": run.branch,
        "head_sha": run.head_sha,
        "path": run.workflow.path,
        "run_number": run.number,
        "run_attempt": latest.number,
        "referenced_workflows": [],
        "event": run.event,
        "status": place.status,
        "conclusion": place.conclusion,
        "workflow_id": run.workflow.id,
        "url": url,
        "html_url": f"{repository.html}/actions/runs/{run.id}",
        "pull_requests": pulls,
        "created_at": moment_text(run.created_at),
        "updated_at": moment_text(place.at),
        "run_started_at": moment_text(latest.started_at),
        "actor": user(run.attempts[0].actor),
        "triggering_actor": user(latest.actor),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": suite,
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": previous,
        "workflow_url": f"{repository.api}/actions/workflows/{run.workflow.id}",
        "head_commit": head_commit(run.head_sha, run.title),
        "repository": repository.document(),
        "head_repository": head_repository(repository, run).document(),
        "display_title": run.title,
    }


def head_repository(repository: Named, run: Run) -> Named:
    """Return the repository that a run's code is from: a fork's is another."""
    if run.head_repository is None:
        return repository
    owner, _, name = run.head_repository.partition("/")
    api = repository.api.removesuffix(repository.full_name) + run.head_repository
    return Named(number_of(run.head_repository), owner, name, repository.private, api)


def job_document(repository: Named, run: Run, attempt: Attempt, job: Job, now: datetime) -> dict[str, Any]:
    place = attempt.job_at(job, now)
    begun = attempt.began_at(now) if job.carried is None else place.at
    has_runner = place.status in ("in_progress", "completed")
    return {
        "id": job.id,
        "run_id": run.id,
        "run_url": f"{repository.api}/actions/runs/{run.id}",
        "run_attempt": attempt.number,
        "node_id": node_id("CR", job.id),
        "head_sha": run.head_sha,
        "url": f"{repository.api}/actions/jobs/{job.id}",
        "html_url": f"{repository.html}/actions/runs/{run.id}/job/{job.id}",
        "status": place.status,
        "conclusion": place.conclusion,
        "created_at": moment_text(attempt.started_at),
        "started_at": moment_text(begun),
        "completed_at": moment_text(place.at) if place.completed else None,
        "name": job.name,
        "steps": _steps(job.name, place, begun),
        "check_run_url": f"{repository.api}/check-runs/{job.id}",
        "labels": ["ubuntu-latest"],
        "runner_id": 1 if has_runner else None,
        "runner_name": "GitHub Actions 1" if has_runner else None,
        "runner_group_id": 1 if has_runner else None,
        "runner_group_name": "GitHub Actions" if has_runner else None,
        "workflow_name": run.workflow.name,
        "head_branch": run.branch,
    }


def _steps(name: str, place: Moment, begun: datetime) -> list[dict[str, Any]]:
    if place.status not in ("in_progress", "completed") or place.conclusion == "skipped":
        return []
    ended = "cancelled" if place.conclusion == "timed_out" else place.conclusion
    moments = {"started_at": moment_text(begun), "completed_at": moment_text(place.at) if place.completed else None}
    made_ready = {"completed_at": moment_text(begun), "status": "completed", "conclusion": "success"}
    return [
        {"name": "Set up job", "number": 1, **moments, **made_ready},
        {"name": f"Run {name}", "number": 2, **moments, "status": place.status, "conclusion": ended},
    ]


def artifact_document(repository: Named, stored: Stored, now: datetime) -> dict[str, Any]:
    created, run = stored.created_at(), stored.run
    assert created is not None, "an artifact that is not there is not shown"
    url = f"{repository.api}/actions/artifacts/{stored.id}"
    document = {
        "id": stored.id,
        "node_id": node_id("AR", stored.id),
        "name": stored.declared.name,
        "size_in_bytes": len(stored.content),
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": stored.expired(now),
        "created_at": moment_text(created),
        "expires_at": moment_text(created + timedelta(days=stored.declared.days)),
        "updated_at": moment_text(created),
        "digest": stored.digest,
        "workflow_run": {
            "id": run.id,
            "repository_id": repository.id,
            "head_repository_id": head_repository(repository, run).id,
            "head_branch": run.branch or "",
            "head_sha": run.head_sha,
        },
    }
    return {**document, **stored.declared.change}
