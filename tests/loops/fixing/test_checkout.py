"""Pushing with a token: it reaches the one address it is for, by no command line, and nothing is believed of a checkout's settings."""

import base64
import os
from pathlib import Path

import pytest

from domain.errors import UserError
from domain.snapshots import LoopReason
from loops.fixing.checkout import Checkout, Judged, Remote, judged_apart
from loops.fixing.git import ANSWER_BYTES, Git, GitError
from tests.fakes.git_server import GitServer, git_server
from tests.fakes.workshop import Workshop, git

TOKEN = "ghs_" + "a1B2" * 9
BASIC = "basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
FIX = "commit('app.py', 'fixed')"
GIT = Git(os.environ["PATH"], lambda: 60.0)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    made = Workshop(tmp_path)
    git(made.remote, "config", "http.receivepack", "true")
    return made


async def test_a_push_over_http_shows_the_token_and_nobody_else_sees_it(workshop: Workshop) -> None:
    async with git_server(GitServer(workshop.remote, BASIC)) as server:
        workshop.url, workshop.token = server.url, TOKEN
        outcome = await workshop.fixer(FIX).fix(workshop.order())
    assert (outcome.reason, outcome.commit) == (None, workshop.remote_head())
    assert set(server.asked) == {BASIC}
    assert TOKEN not in repr(outcome) + repr(Remote(workshop.url, TOKEN))
    assert all(TOKEN not in value for value in Remote(workshop.url, TOKEN).authority().values())


async def test_a_token_that_is_refused_is_not_shown(workshop: Workshop) -> None:
    async with git_server(GitServer(workshop.remote, "basic other")) as server:
        workshop.url, workshop.token = server.url, TOKEN
        outcome = await workshop.fixer(FIX).fix(workshop.order())
    assert (outcome.reason, workshop.remote_head()) == (LoopReason.FIX_NOT_PUSHED, workshop.source)
    assert outcome.detail.startswith("git push failed: ")
    assert (TOKEN in outcome.detail, BASIC in outcome.detail) == (False, False)


async def test_a_redirect_does_not_take_the_token_along(workshop: Workshop) -> None:
    async with git_server(GitServer(workshop.remote, BASIC)) as thief, git_server(GitServer(workshop.remote)) as server:
        server.redirect_to = thief.base
        workshop.url, workshop.token = server.url, TOKEN
        outcome = await workshop.fixer(FIX).fix(workshop.order())
    assert (outcome.reason, thief.asked) == (LoopReason.FIX_NOT_PUSHED, [])


async def test_an_address_that_the_program_turned_round_gets_no_token(workshop: Workshop) -> None:
    async with (
        git_server(GitServer(workshop.remote, BASIC)) as thief,
        git_server(GitServer(workshop.remote, BASIC)) as server,
    ):
        workshop.url, workshop.token = server.url, TOKEN
        turn = f"; git('config', 'url.{thief.base}/.insteadOf', '{server.base}/')"
        outcome = await workshop.fixer(FIX + turn).fix(workshop.order())
    assert (outcome.reason, thief.asked) == (None, [])


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("http://github.com/acme/shop.git", None),
        ("http://127.0.0.1.example.org/acme/shop.git", TOKEN),
        ("git@github.com:acme/shop.git", TOKEN),
        ("ssh://git@github.com/acme/shop.git", TOKEN),
        ("ext::sh -c id", None),
        ("/srv/git/shop.git", None),
        ("file:///srv/git/shop.git", TOKEN),
        ("--upload-pack=id", None),
        ("https://token@github.com/acme/shop.git", None),
        ("https://x:token@github.com/acme/shop.git", None),
    ],
)
def test_an_address_that_is_no_place_for_a_token_is_refused(url: str, token: str | None) -> None:
    with pytest.raises(UserError, match="the remote to push to must"):
        Remote(url, token)


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("https://github.com/acme/shop.git", "https"),
        ("http://127.0.0.1:8080/acme/shop.git", "http"),
        ("http://[::1]:8080/acme/shop.git", "http"),
        ("file:///srv/git/shop.git", "file"),
    ],
)
def test_an_address_that_is_safe_is_taken(url: str, scheme: str) -> None:
    assert (Remote(url).scheme, Remote(url).authority()) == (scheme, {})


async def judged(workshop: Workshop, source: str | None = None) -> tuple[bool, tuple[str, ...]]:
    checkout = Checkout(GIT, workshop.checkout)
    begin = source or workshop.source
    async with judged_apart(checkout, begin) as apart:
        head = await checkout.head()
        return await apart.descends(begin, head), await apart.changed_paths(begin, head)


async def test_both_names_of_a_rename_count_also_where_they_are_strange(workshop: Workshop) -> None:
    git(workshop.checkout, "mv", "app.py", 'ü "x"\n.py')
    git(workshop.checkout, "commit", "-qm", "x")
    assert await judged(workshop) == (True, ("app.py", 'ü "x"\n.py'))


async def test_a_name_that_is_no_text_counts(workshop: Workshop) -> None:
    (workshop.checkout / "\udcff").write_text("x")
    git(workshop.checkout, "add", "-A")
    git(workshop.checkout, "commit", "-qm", "x")
    assert await judged(workshop) == (True, ("\udcff",))


async def test_a_commit_that_is_not_there_cannot_be_judged(workshop: Workshop) -> None:
    with pytest.raises(GitError, match="git merge-base failed: "):
        await judged(workshop, "a" * 40)


async def test_a_checkout_in_a_folder_with_a_line_break_is_refused(workshop: Workshop) -> None:
    workshop.checkout = workshop.checkout.rename(workshop.folder / "line\nbreak")
    with pytest.raises(GitError, match="holds a line break"):
        await judged(workshop)


async def test_a_work_tree_beside_its_repository_is_a_checkout_too(workshop: Workshop) -> None:
    git(workshop.checkout, "worktree", "add", "-q", "--detach", str(workshop.folder / "beside"))
    workshop.checkout = workshop.folder / "beside"
    git(workshop.checkout, "mv", "app.py", "b.py")
    git(workshop.checkout, "commit", "-qm", "x")
    assert await judged(workshop) == (True, ("app.py", "b.py"))


async def test_git_that_takes_too_long_is_ended(workshop: Workshop) -> None:
    slow = Git(os.environ["PATH"], lambda: 1.0)
    git(workshop.checkout, "config", "alias.nap", "!sleep 600")
    with pytest.raises(GitError, match="git nap took too long"):
        await slow.run(workshop.checkout, "nap")


async def test_git_that_writes_too_much_is_an_error(workshop: Workshop) -> None:
    (workshop.checkout / "big").write_bytes(b"x" * (ANSWER_BYTES + 1))
    git(workshop.checkout, "add", "-A")
    with pytest.raises(GitError, match=f"git cat-file wrote more than {ANSWER_BYTES} bytes"):
        await GIT.run(workshop.checkout, "cat-file", "blob", ":big")


async def test_a_machine_without_git_is_told(workshop: Workshop) -> None:
    with pytest.raises(GitError, match="git cannot be started: No such file or directory"):
        await Git("/nowhere", lambda: 60.0).run(workshop.checkout, "status")


async def test_a_failure_without_a_word_is_told_by_its_code(workshop: Workshop) -> None:
    with pytest.raises(GitError, match="git config failed: exit code 1"):
        await Checkout(GIT, workshop.checkout).git.run(workshop.checkout, "config", "no.such")


async def test_a_push_is_never_forced(workshop: Workshop) -> None:
    other = workshop.land({"other.txt": "x"})
    git(workshop.checkout, "commit", "-q", "--allow-empty", "-m", "x")
    async with judged_apart(Checkout(GIT, workshop.checkout), workshop.source) as apart:
        assert isinstance(apart, Judged)
        with pytest.raises(GitError, match="rejected"):
            await apart.push(workshop.local_head(), "develop", Remote(workshop.url))
    assert workshop.remote_head() == other
