"""Which GitHub and as whom: half-set-up identities and addresses that would leak the token are refused, unquoted."""

from typing import Any

import pytest

from domain.errors import UserError
from forge.github_settings import GitHubApp, GitHubSettings

KEY = "-----BEGIN RSA PRIVATE KEY-----\nmade-up-key\n-----END RSA PRIVATE KEY-----\n"
TOKEN = "github_pat_made_up_for_tests_0123456789"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"token": TOKEN, "app": GitHubApp("1", "2", KEY)}, "not both"),
        ({"token": "short-secret"}, "must look like"),
        ({"token": "secret\nX-Evil: 1 0123456789"}, "must look like"),
        ({"api_base": "http://github.example"}, "https"),
        ({"api_base": "ftp://127.0.0.1"}, "https"),
        ({"api_base": "https://"}, "https"),
        ({"api_base": "https://github.example/"}, "slash"),
    ],
)
def test_what_cannot_be_used_is_refused_without_quoting_it(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says) as refused:
        GitHubSettings(**fields)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("fields", [("", "2", KEY), ("1", "two", KEY), ("1", "2", "made-up-key")])
def test_an_app_needs_all_three(fields: tuple[str, str, str]) -> None:
    with pytest.raises(UserError) as refused:
        GitHubApp(*fields)
    assert "made-up" not in str(refused.value)


@pytest.mark.parametrize("token", ["ghp_" + "x" * 36, "a" * 40, "ghs_15368_" + "eyJh-_0" * 60 + ".e30." + "s" * 86])
def test_every_kind_of_token_is_taken(token: str) -> None:
    assert GitHubSettings(token=token).token == token


def test_no_secret_shows_in_a_repr() -> None:
    shown = repr(GitHubSettings(token=TOKEN)) + repr(GitHubSettings(app=GitHubApp("1", "2", KEY)))
    assert "made" not in shown


@pytest.mark.parametrize(
    ("api_base", "page"),
    [
        ("https://api.github.com", "https://github.com/acme/app/actions/runs/7"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com/acme/app/actions/runs/7"),
        ("https://git.example.com/api/v3", "https://git.example.com/acme/app/actions/runs/7"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/acme/app/actions/runs/7"),
    ],
)
def test_pages_for_people_are_where_the_api_is(api_base: str, page: str) -> None:
    assert GitHubSettings(api_base=api_base).run_page("acme/app", 7) == page
