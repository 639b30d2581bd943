"""Every answered defect of the earlier system: the input, what that system did with it, what ours does, and the proof."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.defects import backlog, comments, control, correlation, fixes, mutation, policy, texts

Proof = Callable[[Path], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Defect:
    """One row. `proof` gives the input to our own code, in an empty folder, and asserts what `reins` says."""

    number: int
    given: str
    original: str
    reins: str
    proof: Proof


DEFECTS: tuple[Defect, ...] = (
    Defect(
        1,
        "a fix pushed nothing that ran, and somebody else's newer run left an empty backlog",
        "took whatever run was newest, and was resolved",
        "only the run of the pushed commit, or of a descendant, counts after a fix",
        correlation.d1_only_the_fixed_commits_run_counts_after_a_fix,
    ),
    Defect(
        2,
        "started by the end of a run, told its id and no commit",
        "resolved, with a correlation that was still pending",
        "refuses half a pin; every attempt says what it was proven to rest on",
        correlation.d2_a_run_id_without_its_commit_is_no_pin,
    ),
    Defect(
        3,
        "the mutation loop is told a run, and a newer one lies on the branch",
        "read the branch's newest run",
        "both loops read the run they were told, or say why not",
        correlation.d3_the_mutation_loop_reads_the_run_it_was_told,
    ),
    Defect(
        4,
        "an artifact of another commit, repository or branch; an empty backlog beside a full one",
        "resolved by the first file in sorted order",
        "source_mismatch, and ambiguous_artifact for several",
        correlation.d4_an_artifact_must_be_the_only_one_and_of_its_run,
    ),
    Defect(
        5,
        "GitHub cannot be reached, or its rate limit is used up",
        "ok, with 0 unresolved and exit code 0",
        "forge_unreachable: unknown, exit code 3",
        correlation.d5_a_forge_that_does_not_answer_is_unknown,
    ),
    Defect(
        6,
        "a run without its artifact",
        "0 unresolved, and a phone that shows low risk",
        "null with a reason, and unknown in every text and reply",
        correlation.d6_what_could_not_be_read_is_never_zero,
    ),
    Defect(
        7,
        "one fix is allowed, and it works",
        "attempts used up with 1 unresolved, people are called",
        "measures once more after the last fix, and is resolved",
        correlation.d7_the_last_fix_is_measured_before_the_verdict,
    ),
    Defect(
        8,
        "CodeRabbit's labels, severity words inside sentences, an empty push, an outage",
        "Critical became low, Major nothing; a push dropped findings, an outage became one",
        "labels by vocabulary, findings carried until closed, an outage makes the backlog incomplete",
        backlog.d8_no_finding_is_hidden_and_no_outage_is_one,
    ),
    Defect(
        9,
        "a report is to be commented",
        "every call failed, on an option that the tool did not know",
        "the comment arrives at a server that checks each call",
        comments.d9_a_comment_really_arrives_over_the_rest_api,
    ),
    Defect(
        10,
        "150 older comments, three runs",
        "three comments: only the first page was searched",
        "one comment, found over all pages",
        comments.d10_our_comment_is_found_behind_150_others,
    ),
    Defect(
        11,
        "many source runs on one pull request within an hour",
        "a comment for each run, without a limit",
        "one comment for each target, written at most so often, never twice the same",
        comments.d11_a_target_has_one_comment_whatever_the_run_and_it_changes_seldom,
    ),
    Defect(
        12,
        "a stranger's copy of the marker; markup in findings; a comment that cannot be written",
        "patched the stranger's comment, wrote raw text, and lost the verdict's reason",
        "leaves it alone, escapes and caps, and keeps delivery apart from the verdict",
        comments.d12_a_strangers_comment_is_left_alone_and_trouble_is_no_verdict,
    ),
    Defect(
        13,
        "a fix program that makes no commit, never ends, or looks for a token",
        "waited half an hour for a run, without any limit on the program, which got the token",
        "fix_made_no_commit at once, fix_timed_out at its deadline, a minimal environment",
        fixes.d13_a_fix_ends_in_time_sees_no_token_and_says_at_once_that_it_made_no_commit,
    ),
    Defect(
        14,
        "no mutants, or a baseline that fails",
        "score 100 %, threshold met",
        "no score, with the reason",
        mutation.d14_no_mutants_and_a_failed_baseline_have_no_score,
    ),
    Defect(
        15,
        "results that ended seven months ago, unzipped a second ago",
        "age 0.001 h",
        "stale_run, 223 d old",
        mutation.d15_results_are_as_old_as_their_run_and_not_as_their_file,
    ),
    Defect(
        16,
        "one of eight shards, or a run that was cut short",
        "80 %, threshold met",
        "incomplete_shards, unfinished_run",
        mutation.d16_a_part_of_a_run_is_no_result,
    ),
    Defect(
        17,
        "28 survivors as cargo-mutants nests them",
        "28 under (unknown)",
        "by file and function, each with line, operator and replacement",
        mutation.d17_every_survivor_has_its_file_and_function,
    ),
    Defect(
        18,
        "survivors of different operators",
        "no categories, and the same advice each time",
        "categories by operator, and advice that follows from it",
        mutation.d18_advice_and_categories_follow_from_what_survived,
    ),
    Defect(
        19,
        "a score below the threshold, report-only",
        "exit code 1: the lane was always red",
        "exit code 0 and below_threshold; 1 only with --enforce",
        mutation.d19_a_report_below_the_threshold_is_red_only_where_that_is_enforced,
    ),
    Defect(
        20,
        "there is no policy file",
        "an empty policy, which allowed everything",
        "policy_missing: nothing is written, status says so, halt still works",
        policy.d20_without_a_policy_file_nothing_is_written_and_that_is_said,
    ),
    Defect(
        21,
        "the triage loop with a fix, and no policy that allows it",
        "ran it: that loop asked no policy, and fixing was its default",
        "fix_blocked before the program starts; the default is report-only",
        fixes.d21_the_triage_loop_fixes_nothing_without_a_policy_that_says_so,
    ),
    Defect(
        22,
        "the loop's mode variable says report-only, or an unknown word says when it runs",
        "silently switched the lane off",
        "two variables with closed values: it reports, and an unknown word is an error with its name",
        policy.d22_what_may_be_done_and_when_it_runs_are_two_settings,
    ),
    Defect(
        23,
        "AUTONOMY_MODE=enforce",
        "failed the job in one workflow, meant not operate to the policy",
        "refused everywhere; to enforce is an option of its own",
        policy.d23_the_kill_switch_has_three_values_and_one_meaning,
    ),
    Defect(
        24,
        "a truncated policy, 500 rounds, no allowed branch, AUTONOMY_MODE=operate, an allowed prefix bash",
        "read as an empty policy, which allowed master, 500 rounds and any shell command",
        "policy_invalid allows nothing, caps are part of the schema, the environment only narrows",
        policy.d24_a_broken_policy_is_none_and_the_environment_only_narrows,
    ),
    Defect(
        25,
        "an allowed command with more behind it; a fix that rewrites its own policy; more attempts than allowed",
        "anything could follow the prefix, and the cap was never read",
        "named actions with typed arguments, protected paths, the policy's cap",
        fixes.d25_a_fix_is_a_named_action_with_typed_arguments,
    ),
    Defect(
        26,
        "halt while GitHub cannot be reached",
        "said it was done while GitHub ran on, and nothing ever read the mode",
        "always possible; the mode is read again before each effect, so nothing starts afterwards",
        control.d26_a_pause_reaches_what_has_not_started_yet,
    ),
    Defect(
        27,
        "resume",
        "one flag, by anybody",
        "takes the scope, the soak window and the strongest proof, and is announced",
        control.d27_resume_takes_scope_time_and_the_strongest_proof,
    ),
    Defect(
        28,
        "two workflows that take different inputs; max attempts 999",
        "one fixed set of inputs for every workflow, unbounded, and no run to follow",
        "inputs declared, typed and bounded for each action; the run is found by its correlation id",
        control.d28_each_workflow_gets_the_inputs_it_declares_and_its_run_is_found,
    ),
    Defect(
        29,
        "the same message again, also after a restart; another text under its id; one sent 301 s ago",
        "nonce and expiry were written and never compared",
        "acts once and repeats the answer; id_reused; too_old",
        control.d29_a_message_acts_once_and_only_near_its_own_time,
    ),
    Defect(
        30,
        "work remains, and nothing new happens",
        "read the same run six times, counted six tasks, exit code 0",
        "reads a run once, stops without a commit or a new run, exit code 6",
        control.d30_a_loop_without_progress_stops_and_never_counts_a_run_twice,
    ),
    Defect(
        31,
        "two starts on one branch; a process that is killed after it asked the forge",
        "two loops at once, and an old file that looked alive",
        "slot_busy; the run was written first, is never started twice, and ends as unknown if nobody can tell",
        control.d31_one_run_a_branch_and_a_killed_process_leaves_no_good_news,
    ),
    Defect(
        36,
        "a time without a zone, one at UTC+9, one 400 days ahead",
        "read as UTC: hours too young, and the future looked fresh",
        "unreadable without a zone or in the future; written in UTC with Z",
        texts.d36_a_time_says_its_zone_and_is_not_in_the_future,
    ),
    Defect(
        37,
        "orders in a branch name, a finding and a hand-off; a backlog of another repository",
        "went raw into a draft for an agent, to be sent by itself",
        "one quoted line each, the hand-off is left where it is, source_mismatch",
        texts.d37_what_others_wrote_is_quoted_and_belongs_to_its_repository,
    ),
    Defect(
        39,
        "a threshold input that ends the line and prints; a line end within an input",
        "ran it, in a job that could write",
        "the lint finds that form, no template has it; reports cannot write; closed forms of inputs",
        texts.d39_no_workflow_input_becomes_code_and_reports_may_write_nothing,
    ),
    Defect(
        40,
        "a dry run",
        "counted as a success: 460 of 460",
        "writes nothing, and its metrics event says dry_run",
        texts.d40_a_dry_run_says_so_in_its_metrics_event_and_leaves_nothing_else,
    ),
    Defect(
        42,
        "the disk is full while a bundle is written",
        "wrote in place: half a file",
        "the old file stays whole, and nothing is left beside it",
        texts.d42_a_write_that_fails_leaves_the_old_file_whole,
    ),
)
