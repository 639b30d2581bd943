"""`reins mutation-loop` and `reins triage-loop`: over files that lie here, or over a run on GitHub."""

import os
import re
from dataclasses import replace
from pathlib import Path

from bot.cli.installation import read_policy_file
from bot.cli.loop_options import (
    NO_LIMIT,
    Destination,
    Fixing,
    MutationOptions,
    Notify,
    Source,
    Subject,
    Telling,
    TriageOptions,
)
from bot.cli.loop_publishing import publish
from bot.cli.option_groups import with_options
from domain.clock import SystemClock
from domain.errors import UserError
from domain.git_names import REPOSITORY
from loops.fixing.order import limits_of
from loops.judging import Judge
from loops.mutation import judge as mutation_judge
from loops.mutation.judge import MutationJudge
from loops.mutation.loop import run_mutation_loop
from loops.mutation.settings import MutationSettings
from loops.report import LoopMode, LoopName, LoopReport
from loops.source import SourcePin, SourceSought
from loops.triage import judge as triage_judge
from loops.triage.judge import TriageJudge
from loops.triage.loop import run_triage_loop
from loops.triage.settings import TriageSettings
from policy.loading import PolicyState, load_policy

# As the template names them.
_WORKFLOWS = {LoopName.MUTATION: "reins-mutation-tests.yml", LoopName.TRIAGE: "reins-triage-bridge.yml"}
UNKNOWN_REPOSITORY = "unknown"  # results on somebody's disk need not belong to a repository
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?")
_HOURS = re.compile(r"[1-9][0-9]{0,5}")


@with_options(Subject, MutationOptions, Source, Fixing, Telling, Destination)
def mutation_loop(
    subject: Subject,
    options: MutationOptions,
    source: Source,
    fixing: Fixing,
    telling: Telling,
    destination: Destination,
) -> None:
    """Report on mutation results: score, age, hot spots, playbook; exit 3 when nothing could be measured."""
    policy = _policy(fixing)
    settings = MutationSettings(
        _repository(subject) or UNKNOWN_REPOSITORY,
        subject.branch,
        _basis_points(options.threshold),
        _hours(subject.max_age_hours),
        options.expected_shards,
    )
    if subject.artifacts is not None:
        _only_reads(fixing, telling)
        report = run_mutation_loop(_place(subject.artifacts), settings, SystemClock())
    else:
        judge = MutationJudge(settings, source.artifact or mutation_judge.ARTIFACTS)
        report = _on_github(LoopName.MUTATION, judge, subject, source, fixing, policy)
    publish(report, _within_policy(LoopName.MUTATION, telling, policy), destination)


@with_options(Subject, TriageOptions, Source, Fixing, Telling, Destination)
def triage_loop(
    subject: Subject,
    options: TriageOptions,
    source: Source,
    fixing: Fixing,
    telling: Telling,
    destination: Destination,
) -> None:
    """Report on a backlog: how many findings of medium severity or worse are open; exit 3 when that is unknown."""
    policy = _policy(fixing)
    settings = TriageSettings(_repository(subject), subject.branch, options.head_sha, _hours(subject.max_age_hours))
    if subject.artifacts is not None:
        _only_reads(fixing, telling)
        report = run_triage_loop(_place(subject.artifacts), settings, SystemClock())
    else:
        judge = TriageJudge(settings, source.artifact or triage_judge.ARTIFACTS)
        report = _on_github(LoopName.TRIAGE, judge, subject, source, fixing, policy)
    proposal = options.mp_proposal_path if options.mp_proposal else None
    publish(report, _within_policy(LoopName.TRIAGE, telling, policy), destination, proposal)


def _on_github(
    loop: LoopName, judge: Judge, subject: Subject, source: Source, fixing: Fixing, state: PolicyState
) -> LoopReport:
    from bot.cli.loop_on_github import Course, run_on_github  # noqa: PLC0415 - what GitHub needs costs memory

    if subject.repo is None:
        raise UserError("repo: name the repository as owner/name, or name results that lie here with --artifacts")
    sought = SourceSought(
        subject.repo,
        source.workflow or _WORKFLOWS[loop],
        subject.branch,
        SourcePin(source.source_run_id, source.source_run_sha, source.source_event),
    )
    return run_on_github(judge, Course(loop, sought, source, fixing, state, os.environ))


def _policy(fixing: Fixing) -> PolicyState:
    """Read the policy once and first: what is wrong with its file must not show only when the work is done."""
    return load_policy(read_policy_file(fixing.policy_file))


def _within_policy(loop: LoopName, telling: Telling, state: PolicyState) -> Telling:
    """Return the wishes for comments, with the policy's cap where there is a policy (D11)."""
    if state.policy is None:
        return telling
    allowed = limits_of(state.policy, loop).max_comment_updates_per_hour
    return replace(telling, max_per_hour=min(telling.max_per_hour, allowed))


def _only_reads(fixing: Fixing, telling: Telling) -> None:
    if fixing.mode is not LoopMode.REPORT_ONLY:
        raise UserError(f"mode {fixing.mode} proves its fixes by runs on GitHub; leave --artifacts out")
    if telling.notify is not Notify.SUMMARY_ONLY:
        raise UserError(f"notify {telling.notify} comments on what a run on GitHub found; leave --artifacts out")


def _place(artifacts: Path) -> Path:
    return Path(os.path.normpath(artifacts))


def _repository(subject: Subject) -> str | None:
    name = subject.repo
    if name is not None and not re.fullmatch(REPOSITORY, name):
        raise UserError("repo: must be written owner/name")
    return name


def _basis_points(percent: str) -> int:
    match = _PERCENT.fullmatch(percent)
    if match is None:
        raise UserError("threshold: must be a percentage such as 80 or 82.50")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _hours(text: str) -> int | None:
    if text == NO_LIMIT:
        return None
    if not _HOURS.fullmatch(text):
        raise UserError(f"max-age-hours: must be a whole number of hours, or {NO_LIMIT}")
    return int(text)
