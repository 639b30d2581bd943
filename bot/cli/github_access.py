"""Who a command is on GitHub: by the bot's own variables, or by what a workflow's job is given."""

from collections.abc import Mapping

from pydantic import ValidationError

from bot.forge_settings import GitHubOptions
from domain.errors import UserError
from forge.github_settings import GitHubSettings

JOB_TOKEN, JOB_API = "GITHUB_TOKEN", "GITHUB_API_URL"  # the runner sets the second one, a workflow hands over the first
_OWN = {
    name: f"REINS_GITHUB__{name.upper()}"
    for name in ("token", "app_id", "installation_id", "private_key_file", "api_base")
}
_IDENTITY = frozenset(_OWN) - {"api_base"}


def github_settings(environ: Mapping[str, str]) -> GitHubSettings:
    """Return who we are and at which GitHub; `REINS_GITHUB__…` wins over `GITHUB_TOKEN` and `GITHUB_API_URL`.

    Raises:
        UserError: there is no token, half an App, two identities, or a token that is for another server; no message
            quotes a secret.
    """
    given = {name: environ[variable] for name, variable in _OWN.items() if environ.get(variable)}
    job_api = environ.get(JOB_API, "").rstrip("/")
    if not given.keys() & _IDENTITY:
        given["token"] = _job_token(environ)
        if job_api and given.get("api_base", job_api).rstrip("/") != job_api:
            raise UserError(
                f"{_OWN['api_base']}: names another server than {JOB_API}, which {JOB_TOKEN} is for; set {_OWN['token']}"
            )
    if job_api:
        given.setdefault("api_base", job_api)
    try:
        return GitHubOptions.model_validate(given).identity()
    except ValidationError as error:
        problems = "; ".join(_problem(detail["loc"], detail["msg"]) for detail in error.errors(include_input=False))
        raise UserError(problems) from None


def _job_token(environ: Mapping[str, str]) -> str:
    token = environ.get(JOB_TOKEN)
    if not token:
        mend = f"in a workflow write `env: {{{JOB_TOKEN}: ${{{{ github.token }}}}}}`, elsewhere set {_OWN['token']}"
        raise UserError(f"{JOB_TOKEN}: is not set; {mend}")
    return token


def _problem(place: tuple[int | str, ...], message: str) -> str:
    name = str(place[0]) if place else ""
    variables = {"token": f"{_OWN['token']} or {JOB_TOKEN}", "api_base": f"{_OWN['api_base']} or {JOB_API}"}
    return f"{variables.get(name) or _OWN.get(name, 'REINS_GITHUB__*')}: {message.removeprefix('Value error, ')}"
