"""What GitHub's refusals mean, as failures of the port: a stable reason, and a sentence that names the missing permission."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from domain.untrusted import clean_line
from forge.port import ForgeError, Refused, Unclear, Unreachable

MAX_SAID_CHARACTERS = 160
PERMISSIONS_HEADER = "X-Accepted-GitHub-Permissions"  # names what the endpoint wanted (GitHub REST docs)
_REASONS: dict[int, tuple[str, str]] = {
    HTTPStatus.UNAUTHORIZED: ("token_refused", "the token is not known, or ran out: put a new one into github.token"),
    HTTPStatus.FORBIDDEN: ("permission_missing", "the token may not do this"),
    HTTPStatus.NOT_FOUND: ("not_found", "it does not exist, or the token may not see it"),
    HTTPStatus.CONFLICT: ("conflict", "its state does not allow this"),
    HTTPStatus.GONE: ("gone", "it was deleted or has expired"),
    HTTPStatus.UNPROCESSABLE_ENTITY: ("not_accepted", "it does not take this as it stands"),
}
MOVED = frozenset({301, 302, 307, 308})
_MOVED = ("repository_moved", "the repository has another name now: put that into the policy")


class GitHubRefused(Refused):
    """A definite no from GitHub, with its HTTP status and what it said."""

    def __init__(self, status: int, said: str, permission: str | None) -> None:
        """Keep the status; `said` and `permission` are text from outside."""
        self.status = status
        self.said = clean_line(said, MAX_SAID_CHARACTERS)
        self.permission = clean_line(permission, MAX_SAID_CHARACTERS) if permission else None
        reason, meaning = _MOVED if status in MOVED else _REASONS.get(status, ("refused", "it refuses"))
        wanted = f"; it needs the permission {self.permission}" if self.permission else ""
        super().__init__(reason, f"GitHub answers {status} ({self.said or 'no reason given'}): {meaning}{wanted}")


def refusal(status: int, headers: Mapping[str, str], said: str) -> GitHubRefused:
    """Return the error for an answer of 4xx, or one that sends us elsewhere."""
    forbidden = status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    return GitHubRefused(status, said, headers.get(PERMISSIONS_HEADER) if forbidden else None)


def unanswered(method: str, what: str) -> ForgeError:
    """Return the error for a call that was sent and has no answer we can use: only reading can be taken for nothing."""
    sentence = f"GitHub gave no usable answer: {what}"
    return Unreachable(sentence) if method == "GET" else Unclear(sentence)


def message_of(document: Any) -> str:
    """Return what an error document says (`message`, and `errors` where they are text), as one line."""
    if not isinstance(document, dict):
        return ""
    errors = document.get("errors")
    several = errors if isinstance(errors, list) else [errors]
    parts = [document.get("message"), *(one.get("message") if isinstance(one, dict) else one for one in several)]
    return clean_line(": ".join(part for part in parts if isinstance(part, str)), MAX_SAID_CHARACTERS)
