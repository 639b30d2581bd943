"""Settings of GitHub: a token, an App or neither, never half of one, and no secret in any sentence."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.channel_settings import is_loopback
from bot.forge_settings import GitHubOptions
from bot.settings import read_settings
from domain.errors import UserError
from tests.bot.foreign_environment import forget_ours

TOKEN = "github_pat_canary_0123456789"
APP = {"app_id": 4711, "installation_id": 77, "private_key_file": "key.pem"}
PEM = "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"token": "canary"}, "must look like"),
        ({"token": TOKEN, "app_id": "1"}, "not both"),
        ({"app_id": "1"}, "needs app_id, installation_id and private_key_file"),
        ({"installation_id": 1, "private_key_file": "k"}, "needs app_id, installation_id and private_key_file"),
        ({"api_base": "http://github.example"}, "https"),
        ({"tokn": TOKEN}, "Extra inputs"),
        ({"webhook_secret": "canary-of-19-letter"}, "at least 20"),
        ({"webhook_secret": "canary" + "x" * 250}, "at most 255"),
    ],
)
def test_what_is_half_set_up_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as refused:
        GitHubOptions.model_validate(fields)
    assert "canary" not in str(refused.value)


def test_the_table_in_reins_toml_switches_github_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_ours(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert read_settings().github is None
    Path("reins.toml").write_text(f'[github]\ntoken = "{TOKEN}"\n', encoding="utf-8")
    options = read_settings().github
    assert options is not None
    assert options.token == SecretStr(TOKEN)
    assert options.identity().token == TOKEN
    assert "canary" not in repr(options)
    assert not is_loopback(options.api_base)


def test_without_a_token_or_app_only_what_is_public_is_read() -> None:
    settings = GitHubOptions(api_base="https://git.example.com/api/v3/").identity()
    assert (settings.token, settings.app, settings.api_base) == (None, None, "https://git.example.com/api/v3")


def test_an_apps_key_is_read_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    options = GitHubOptions.model_validate({**APP, "private_key_file": file})
    with pytest.raises(UserError, match="cannot be read"):
        options.identity()
    file.write_text(PEM, encoding="ascii")
    file.chmod(0o640)
    with pytest.raises(UserError, match="chmod 600"):
        options.identity()
    file.chmod(0o600)
    app = options.identity().app
    assert app is not None
    assert (app.app_id, app.installation_id, app.private_key) == ("4711", "77", PEM)


@pytest.mark.parametrize("content", [b"canary", b"\xff\xfe"])
def test_a_file_that_holds_no_key_is_refused_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(UserError, match="PEM") as refused:
        GitHubOptions.model_validate({**APP, "private_key_file": file}).identity()
    assert "canary" not in str(refused.value)
