"""What a ntfy server takes, how it writes that down, and where a subscriber reads on: rules without a socket.

As measured on a 2.13 server and read in the sources of 2.17; `version` is (major, minor).
"""

import re
import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Message = dict[str, Any]
Version = tuple[int, int]

TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
FORBIDDEN_TOPICS = frozenset(
    {"docs", "static", "file", "app", "metrics", "account", "settings", "signup", "login", "v1"}
)
MESSAGE_LIMIT_BYTES = 4096
JSON_LIMIT_BYTES = 2 * MESSAGE_LIMIT_BYTES
MAX_ACTIONS = 3
CACHE_SECONDS = 12 * 3600
HAS_SEQUENCES: Version = (2, 16)
HAS_COPY: Version = (2, 17)
_ERRORS = {
    40007: "invalid priority parameter",
    40008: "invalid since parameter",
    40009: "topic invalid",
    40010: "topic not allowed",
    40014: "attachments not allowed",
    40018: "invalid request: actions invalid",
    40024: "invalid request: request body must be valid JSON",
    40049: "invalid request: sequence ID invalid",
    40101: "unauthorized",
    40301: "forbidden",
    40401: "page not found",
    41303: "message payload too large",
    42901: "limit reached: too many requests",
    42909: "limit reached: too many auth failures",
    50301: "service unavailable",
}
_DURATION = re.compile(r"(\d{1,9})([smhd])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MESSAGE_ID = re.compile(r"[A-Za-z0-9]{12}")


class RefusedError(Exception):
    """The server's no, with its code; the HTTP status is the code's first three digits."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code} {_ERRORS[code]}")
        self.code = code
        self.status = code // 100

    def document(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"code": self.code, "http": self.status, "error": _ERRORS[self.code], "link": "https://ntfy.sh/docs/"}


def new_id(length: int) -> str:
    """Make an id of letters and digits; message ids have 12, action ids 10."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def check_topic(topic: object) -> str:
    """Return a topic's name."""
    if not isinstance(topic, str) or not TOPIC.fullmatch(topic):
        raise RefusedError(40009)
    if topic in FORBIDDEN_TOPICS:
        raise RefusedError(40010)
    return topic


def new_message(document: Mapping[str, Any], now_s: int, version: Version, *, attachments: bool) -> Message:
    """Make a message of what was published; keys the server does not know are passed over, as it does."""
    message: Message = {
        "id": new_id(12),
        "time": now_s,
        "expires": now_s + CACHE_SECONDS,
        "event": "message",
        "topic": check_topic(document.get("topic")),
    }
    message |= {key: document[key] for key in ("title", "tags", "click", "icon") if document.get(key)}
    message["message"] = document.get("message") or "triggered"
    if len(message["message"].encode()) > MESSAGE_LIMIT_BYTES:
        if not attachments:
            raise RefusedError(40014)
        message["message"] = "You received a file: attachment.txt"
        message["attachment"] = {"name": "attachment.txt", "type": "text/plain; charset=utf-8"}
    if (priority := _priority(document.get("priority", 0))) not in (0, 3):
        message["priority"] = priority
    if actions := _actions(document.get("actions") or [], version):
        message["actions"] = actions
    sequence = document.get("sequence_id")
    if version >= HAS_SEQUENCES and sequence is not None:
        message["sequence_id"] = check_sequence(sequence)
    return message


def new_event(event: str, topic: str, now_s: int, sequence: str | None = None) -> Message:
    """Make an event that is no message: `open`, `keepalive`, `message_clear`, `message_delete`."""
    message: Message = {"id": new_id(12), "time": now_s, "event": event, "topic": topic}
    return message if sequence is None else {**message, "sequence_id": check_sequence(sequence)}


def check_sequence(sequence: object) -> str:
    """Return a sequence id: it has a topic's characters."""
    if not isinstance(sequence, str) or not TOPIC.fullmatch(sequence):
        raise RefusedError(40049)
    return sequence


def cached_since(cache: Sequence[Message], topics: Iterable[str], since: str, now_s: int) -> list[Message]:
    """Return what a subscriber is sent of the cache; an id that is not in the cache (any more) gives everything."""
    wanted = frozenset(topics)
    here = [message for message in cache if message["topic"] in wanted]
    if since in ("all", "none"):
        return here if since == "all" else []
    if since == "latest":
        return [m for i, m in enumerate(here) if m["topic"] not in {later["topic"] for later in here[i + 1 :]}]
    if duration := _DURATION.fullmatch(since):
        since = str(now_s - int(duration[1]) * _UNIT_SECONDS[duration[2]])
    if since.isdigit():
        return [message for message in here if message["time"] >= int(since)]
    if not _MESSAGE_ID.fullmatch(since):
        raise RefusedError(40008)
    known = [i for i, message in enumerate(cache) if message["id"] == since]
    return [message for message in cache[known[0] + 1 :] if message["topic"] in wanted] if known else here


def _priority(priority: object) -> int:
    if type(priority) is not int:
        raise RefusedError(40024)
    if not 0 <= priority <= 5:
        raise RefusedError(40007)
    return priority


def _actions(actions: list[dict[str, Any]], version: Version) -> list[dict[str, Any]]:
    if len(actions) > MAX_ACTIONS:
        raise RefusedError(40018)
    return [{"id": new_id(10), "clear": False, **_checked(action, version)} for action in actions]


def _checked(action: dict[str, Any], version: Version) -> dict[str, Any]:
    kind = action.get("action")
    needed = {"view": "url", "http": "url", "broadcast": "label", "copy": "value"}.get(str(kind))
    unknown = needed is None or (kind == "copy" and version < HAS_COPY)
    if unknown or not action.get("label") or not action.get(str(needed)):
        raise RefusedError(40018)
    if action.get("method", "POST") in ("GET", "HEAD") and action.get("body"):
        raise RefusedError(40018)
    return action
