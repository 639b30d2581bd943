"""Structured logs: one JSON object a line on standard error, secrets redacted, an id on whatever failed."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson

# structlog loads rich, where it is installed, for coloured consoles: 5 MB that a service writing JSON lines never uses.
# None makes the import fail the way a missing package does (importlib reference, sys.modules).
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
import structlog  # noqa: E402

from audit.redaction import redact  # noqa: E402

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logs(level: str) -> None:
    """Set structlog up once, for the whole process; `level` is debug, info, warning or error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redacted,
            structlog.processors.JSONRenderer(serializer=_to_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS.get(level, logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value if key in ("timestamp", "level") else _clean(value) for key, value in event.items()}


def _clean(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact(value)
        case dict():
            return {redact(str(key)): _clean(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(inner) for inner in value]
        case _:
            return redact(repr(value))


def _to_line(event: dict[str, Any], **_options: Any) -> str:
    return orjson.dumps(event).decode()
