"""A comment hangs on the pull request, else on a commit that we may update, else on the tracking issue, else on nothing."""

import pytest

from domain.errors import UserError
from forge.comments import Target, TargetKind
from forge.port import Unreachable
from loops.comments.target import TargetChoice, TargetFacts, TargetWish, choose_target, read_choice

SHA = "a1" * 20


async def may(_target: Target) -> bool:
    return True


async def may_not(_target: Target) -> bool:
    return False


async def nobody_tells(_target: Target) -> bool:
    raise Unreachable("down")


def where(kind: TargetKind, name: str) -> Target:
    return Target("acme/app", kind, name)


@pytest.mark.parametrize(
    ("wish", "pull", "sha", "updatable", "place"),
    [
        (TargetWish(pull=8), 7, SHA, True, where(TargetKind.PULL, "8")),
        (TargetWish(), 7, SHA, True, where(TargetKind.PULL, "7")),
        (TargetWish(), None, SHA, True, where(TargetKind.COMMIT, SHA)),
        (TargetWish(), None, "b" * 64, True, where(TargetKind.COMMIT, "b" * 64)),
        (TargetWish(tracking_issue=3), None, SHA, True, where(TargetKind.COMMIT, SHA)),
        (TargetWish(tracking_issue=3), None, SHA, False, where(TargetKind.ISSUE, "3")),
        (TargetWish(tracking_issue=3), None, "aaa111", True, where(TargetKind.ISSUE, "3")),
        (TargetWish(tracking_issue=3), None, None, True, where(TargetKind.ISSUE, "3")),
        (TargetWish(), None, SHA, False, None),
        (TargetWish(), None, None, True, None),
        (TargetWish(TargetChoice.PULL, pull=8), 7, SHA, True, where(TargetKind.PULL, "8")),
        (TargetWish(TargetChoice.PULL), 7, SHA, True, where(TargetKind.PULL, "7")),
        (TargetWish(TargetChoice.COMMIT), 7, SHA, False, where(TargetKind.COMMIT, SHA)),
    ],
)
async def test_the_first_place_that_will_do_is_chosen(
    wish: TargetWish, pull: int | None, sha: str | None, updatable: bool, place: Target | None
) -> None:
    facts = TargetFacts("acme/app", pull, sha)
    assert await choose_target(wish, facts, may if updatable else may_not) == place


async def test_the_right_to_change_comments_is_asked_only_where_it_decides() -> None:
    facts = TargetFacts("acme/app", 7, SHA)
    for wish in (TargetWish(), TargetWish(TargetChoice.COMMIT), TargetWish(TargetChoice.PULL)):
        assert await choose_target(wish, facts, nobody_tells) is not None
    assert await choose_target(TargetWish(), TargetFacts("acme/app", None, None), nobody_tells) is None
    with pytest.raises(Unreachable):
        await choose_target(TargetWish(), TargetFacts("acme/app", None, SHA), nobody_tells)


@pytest.mark.parametrize(
    ("choice", "sha", "mend"),
    [
        (TargetChoice.PULL, SHA, "--comment-pr-number"),
        (TargetChoice.COMMIT, None, "choose auto or pr"),
        (TargetChoice.COMMIT, "aaa111", "choose auto or pr"),
    ],
)
async def test_what_was_asked_for_and_is_not_there_is_refused(choice: TargetChoice, sha: str | None, mend: str) -> None:
    with pytest.raises(UserError, match=mend):
        await choose_target(TargetWish(choice), TargetFacts("acme/app", None, sha), may)


@pytest.mark.parametrize("number", [0, -1, 2**31])
def test_numbers_that_no_forge_has_are_refused(number: int) -> None:
    with pytest.raises(UserError, match="comment-pr-number"):
        TargetWish(pull=number)
    with pytest.raises(UserError, match="tracking-issue"):
        TargetWish(tracking_issue=number)


def test_the_choice_is_one_of_three_words() -> None:
    assert [read_choice(word) for word in ("auto", "pr", "commit")] == list(TargetChoice)
    with pytest.raises(UserError, match="auto, pr, commit"):
        read_choice("issue")
