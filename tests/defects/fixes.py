"""Proofs that a fix is named by the policy, ends in time and gets no secret of ours: D13, D21 and D25."""

import json
from pathlib import Path

import pytest

from bot.cli.loop_on_github import Course
from bot.cli.loop_options import Fixing, Source
from domain.errors import UserError
from domain.snapshots import LoopReason
from loops.fixing.checkout import Remote
from loops.fixing.fixer import PolicyFixer, Workplace
from loops.fixing.gate import bound_arguments
from loops.fixing.order import NamedFix, argv_of, read_named_fix
from loops.report import LoopMode, LoopName
from loops.source import SourcePin, SourceSought
from policy.file import FixAction
from policy.loading import load_policy
from tests.fakes.source_runs import Fixes, SourceRuns, sha
from tests.fakes.workshop import BRANCH, REPOSITORY, Workshop
from tests.policy.documents import changed, load

SECRET = "github_pat_of_ours_0123456789"


async def d13_a_fix_ends_in_time_sees_no_token_and_says_at_once_that_it_made_no_commit(folder: Path) -> None:
    workshop = Workshop(folder)
    workshop.environment |= {"GITHUB_TOKEN": SECRET, "REINS_SMS__AUTH_TOKEN": SECRET}
    asked = await workshop.fixer("print(sorted(os.environ))").fix(workshop.order())
    assert (asked.reason, asked.commit) == (LoopReason.FIX_MADE_NO_COMMIT, None)
    assert "REINS_ATTEMPT" in asked.output
    assert "TOKEN" not in asked.output
    endless = await workshop.fixer("time.sleep(600)", timeout_seconds=1).fix(workshop.order())
    assert endless.reason is LoopReason.FIX_TIMED_OUT
    world = SourceRuns()
    world.add(111, sha("a"), ("high",))
    none_made = Fixes().ends(LoopReason.FIX_MADE_NO_COMMIT)
    report = await world.attempts(SourcePin(111, sha("a")), none_made, mode=LoopMode.FIX_ONLY).run()
    assert (report.reason, report.escalation_needed, world.waits) == (LoopReason.FIX_MADE_NO_COMMIT, True, [])


async def d21_the_triage_loop_fixes_nothing_without_a_policy_that_says_so(folder: Path) -> None:
    workshop = Workshop(folder)
    place = Workplace(
        workshop.checkout, workshop.policy_file, workshop.environment, Remote(workshop.url, workshop.token)
    )
    fixer = PolicyFixer(NamedFix("mend"), load_policy(None), place, workshop.code, workshop.clock)
    outcome = await fixer.fix(workshop.order())
    assert (outcome.reason, outcome.detail.partition(":")[0]) == (LoopReason.FIX_BLOCKED, "policy_missing")
    assert workshop.local_head() == workshop.source
    assert Fixing().mode is LoopMode.REPORT_ONLY


async def d25_a_fix_is_a_named_action_with_typed_arguments(folder: Path) -> None:
    path = {"type": "string", "pattern": "[a-z./-]+"}
    document = {"name": "mend", "argv": ("mend", "{path}"), "arguments": {"path": path}, "timeout_seconds": 60}
    mend = FixAction.model_validate_json(json.dumps(document))
    assert argv_of(mend, {"path": "a b; rm -rf /"}) == ("mend", "a b; rm -rf /")
    for given in ({"path": "--output"}, {"path": "a b"}, {"path": "a", "output": "x"}, {}):
        assert isinstance(bound_arguments(mend, given), str)
    with pytest.raises(UserError, match="must be written name=value"):
        read_named_fix("mend path=a.py --output ../../etc")
    workshop = Workshop(folder)
    source = workshop.source
    own_policy = await workshop.fixer("commit('control_plane_policy.json', '{}')").fix(workshop.order())
    assert (own_policy.reason, workshop.remote_head()) == (LoopReason.PROTECTED_PATH_CHANGED, source)
    capped, sought = load(changed("loops.triage.max_attempts", 2)), SourceSought(REPOSITORY, "bridge.yml", BRANCH)
    course = Course(LoopName.TRIAGE, sought, Source(), Fixing(max_attempts=10), capped, {})
    assert course.most_fixes == 2
