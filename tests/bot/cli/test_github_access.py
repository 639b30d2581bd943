"""Who a command is on GitHub: whole or not at all, the bot's own variables first, and no secret in any sentence."""

from pathlib import Path

import pytest

from bot.cli.github_access import github_settings
from domain.errors import UserError

OWN, JOB = "github_pat_own_canary_0123456789", "ghs_15368_job.canary-0123456789"
SERVER = "https://git.example.com/api/v3"


@pytest.mark.parametrize(
    ("environ", "token", "api_base"),
    [
        ({"GITHUB_TOKEN": JOB}, JOB, "https://api.github.com"),
        ({"GITHUB_TOKEN": JOB, "GITHUB_API_URL": f"{SERVER}/"}, JOB, SERVER),
        ({"GITHUB_TOKEN": JOB, "REINS_GITHUB__API_BASE": SERVER}, JOB, SERVER),
        ({"GITHUB_TOKEN": JOB, "REINS_GITHUB__API_BASE": f"{SERVER}/", "GITHUB_API_URL": SERVER}, JOB, SERVER),
        ({"REINS_GITHUB__TOKEN": OWN}, OWN, "https://api.github.com"),
        ({"REINS_GITHUB__TOKEN": OWN, "GITHUB_TOKEN": JOB, "GITHUB_API_URL": SERVER}, OWN, SERVER),
        (
            {"REINS_GITHUB__TOKEN": OWN, "REINS_GITHUB__API_BASE": SERVER, "GITHUB_API_URL": "https://api.github.com"},
            OWN,
            SERVER,
        ),
        ({"REINS_GITHUB__TOKEN": "", "GITHUB_TOKEN": JOB}, JOB, "https://api.github.com"),
    ],
)
def test_the_token_and_the_server_it_is_for(environ: dict[str, str], token: str, api_base: str) -> None:
    settings = github_settings(environ)
    assert (settings.token, settings.app, settings.api_base) == (token, None, api_base)


def test_an_app_is_taken_before_the_token_of_the_job(tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    key.write_text("-----BEGIN RSA PRIVATE KEY-----\ncanary\n", encoding="ascii")
    key.chmod(0o600)
    environ = {
        "REINS_GITHUB__APP_ID": "4711",
        "REINS_GITHUB__INSTALLATION_ID": "77",
        "REINS_GITHUB__PRIVATE_KEY_FILE": str(key),
        "GITHUB_TOKEN": JOB,
    }
    settings = github_settings(environ)
    assert settings.token is None
    assert settings.app is not None
    assert (settings.app.app_id, settings.app.installation_id) == ("4711", "77")


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, r"^GITHUB_TOKEN: is not set; in a workflow write `env: \{GITHUB_TOKEN: \$\{\{ github.token \}\}\}`"),
        ({"GITHUB_TOKEN": ""}, "^GITHUB_TOKEN: is not set"),
        ({"GITHUB_TOKEN": "canary"}, "^REINS_GITHUB__TOKEN or GITHUB_TOKEN: must look like"),
        ({"REINS_GITHUB__APP_ID": "1"}, r"^REINS_GITHUB__\*: a GitHub App needs"),
        ({"REINS_GITHUB__TOKEN": OWN, "REINS_GITHUB__APP_ID": "1"}, r"^REINS_GITHUB__\*: name a token or an App"),
        ({"REINS_GITHUB__INSTALLATION_ID": "canary"}, "^REINS_GITHUB__INSTALLATION_ID: "),
        ({"GITHUB_TOKEN": JOB, "GITHUB_API_URL": "http://git.example.com"}, "or GITHUB_API_URL: must be https"),
        (
            {"GITHUB_TOKEN": JOB, "GITHUB_API_URL": SERVER, "REINS_GITHUB__API_BASE": "https://evil.example"},
            "^REINS_GITHUB__API_BASE: names another server than GITHUB_API_URL",
        ),
    ],
)
def test_half_an_identity_is_refused_with_the_mend(environ: dict[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says) as refused:
        github_settings(environ)
    assert "canary" not in str(refused.value)
