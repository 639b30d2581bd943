"""The branches that are watched are those that the policy's actions run on at GitHub, each once."""

from domain.ci import Branch
from policy.branches import github_branches
from tests.fakes.policies import example_policy, loaded


def test_every_branch_of_a_github_action_is_named_once_in_the_files_order() -> None:
    document = example_policy()
    document["actions"]["deploy"]["refs"] = ["live", "main"]
    assert github_branches(loaded(document).policy) == (
        Branch("acme/shop", "main"),
        Branch("acme/shop", "dev"),
        Branch("acme/shop", "live"),
    )


def test_actions_of_this_machine_have_no_branches_to_watch() -> None:
    document = example_policy()
    document["actions"] = {"mutation": document["actions"]["mutation"]}
    assert github_branches(loaded(document).policy) == ()
    assert github_branches(None) == ()
