"""The options of `reins triage-loop` and `reins mutation-loop`, in groups that both commands share."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from loops.comments.order import MAX_UPDATES_PER_HOUR, USUAL_UPDATES_PER_HOUR
from loops.report import LoopMode
from loops.source import SourceEvent

NO_LIMIT = "none"  # the default here: whoever names the files knows how old they may be; the bot asks the policy
MOST_ATTEMPTS = 10  # the policy's own bound
LEAST_POLL_SECONDS, LEAST_TIMEOUT_SECONDS = 5, 60
MOST_LISTED = 100  # one page


class Format(StrEnum):
    """What standard output or `--output` carries."""

    MARKDOWN = "md"
    JSON = "json"


class Notify(StrEnum):
    """Whether a report is also written as a comment."""

    SUMMARY_ONLY = "summary-only"
    SUMMARY_AND_COMMENT = "summary-and-comment"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured, and how old it may be."""

    artifacts: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Read this folder, or one result file, instead of a run on GitHub."),
    ] = None
    repo: Annotated[
        str | None, typer.Option("--repo", envvar="GITHUB_REPOSITORY", help="owner/name the results belong to.")
    ] = None
    branch: Annotated[str, typer.Option(help="The branch the results belong to.")] = "main"
    max_age_hours: Annotated[
        str, typer.Option("--max-age-hours", help="Older results count as unknown; none for no limit.")
    ] = NO_LIMIT


@dataclass(frozen=True, slots=True)
class Source:
    """Which run on GitHub is read, and how long it is waited for."""

    workflow: Annotated[str | None, typer.Option(help="The workflow's file whose runs are read.")] = None
    artifact: Annotated[str | None, typer.Option(help="The artifacts' name; * stands for anything.")] = None
    source_run_id: Annotated[int | None, typer.Option(min=1, help="The run that must be read.")] = None
    source_run_sha: Annotated[str | None, typer.Option(help="The commit that it must be of.")] = None
    source_event: Annotated[SourceEvent, typer.Option(help="What started this loop.")] = SourceEvent.WORKFLOW_DISPATCH
    run_list_limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="How many runs a look lists.")] = 30
    poll_seconds: Annotated[int, typer.Option(min=LEAST_POLL_SECONDS, help="Between two looks.")] = 20
    timeout_seconds: Annotated[int, typer.Option(min=LEAST_TIMEOUT_SECONDS, help="For each wait at most.")] = 1800
    deadline_seconds: Annotated[int, typer.Option(min=LEAST_TIMEOUT_SECONDS, help="For everything at most.")] = 3600


@dataclass(frozen=True, slots=True)
class Fixing:
    """What may be done about what was found."""

    mode: Annotated[LoopMode, typer.Option(help="Tell; plan and fix once agreed; or fix.")] = LoopMode.REPORT_ONLY
    max_attempts: Annotated[int, typer.Option(min=1, max=MOST_ATTEMPTS, help="How many fixes are tried at most.")] = 3
    fix_command: Annotated[
        str | None, typer.Option(metavar="NAME [name=value ...]", help="A fix action that the policy names.")
    ] = None
    approved_plan: Annotated[str | None, typer.Option(metavar="DIGEST", help="The plan that was agreed to.")] = None
    policy_file: Annotated[Path, typer.Option(help="The policy that names fix actions, branches and paths.")] = Path(
        "control_plane_policy.json"
    )
    working_tree: Annotated[Path, typer.Option(help="The checkout that fixes are made in.")] = Path()


@dataclass(frozen=True, slots=True)
class Telling:
    """Where the report goes as a comment."""

    notify: Annotated[Notify, typer.Option(help="Whether to comment.")] = Notify.SUMMARY_ONLY
    comment_target: Annotated[str, typer.Option(metavar="auto|pr|commit", help="What the comment hangs on.")] = "auto"
    comment_pr_number: Annotated[int | None, typer.Option(min=1, help="The pull request to comment on.")] = None
    tracking_issue: Annotated[
        int | None, typer.Option(min=1, help="The issue to comment on where nothing else is.")
    ] = None
    max_per_hour: Annotated[
        int,
        typer.Option(min=0, max=MAX_UPDATES_PER_HOUR, help="How often a comment may change; the policy may say less."),
    ] = USUAL_UPDATES_PER_HOUR
    state_file: Annotated[Path | None, typer.Option(help="Where the comment's id is remembered.")] = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a report goes; in a dry run nothing is written but standard output."""

    output_format: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.MARKDOWN
    output: Annotated[Path | None, typer.Option(help="Write the report here and not to standard output.")] = None
    json_output: Annotated[Path | None, typer.Option(help="Also write the JSON report here.")] = None
    emit_bundle: Annotated[bool, typer.Option("--emit-bundle", help="Write the bundle.")] = False
    bundle_dir: Annotated[Path, typer.Option("--bundle-dir", help="Where the bundle goes.")] = Path("reports")
    bundle_prefix: Annotated[str | None, typer.Option(help="How the bundle's files begin.")] = None
    enforce: Annotated[bool, typer.Option("--enforce", help="End with 1 while work remains.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; does not count in figures.")] = False


@dataclass(frozen=True, slots=True)
class MutationOptions:
    """What only the mutation loop asks."""

    threshold: Annotated[str, typer.Option(help="Percent to reach, such as 80 or 82.50.")] = "80"
    expected_shards: Annotated[int | None, typer.Option(min=1, help="How many shards the run was cut into.")] = None


@dataclass(frozen=True, slots=True)
class TriageOptions:
    """What only the triage loop asks."""

    head_sha: Annotated[str | None, typer.Option(help="The commit the backlog must be of, with --artifacts.")] = None
    mp_proposal: Annotated[bool, typer.Option("--mp-proposal", help="Write the proposal by itself.")] = False
    mp_proposal_path: Annotated[Path, typer.Option(help="Where the proposal goes.")] = Path(
        "reports/triage-loop-proposal.md"
    )
