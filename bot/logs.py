"""Structured logs: one JSON object a line on standard error, secrets redacted, an id on whatever failed."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from audit.redaction import redact

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
    for key, value in event.items():
        if isinstance(value, str) and key not in ("timestamp", "level"):
            event[key] = redact(value)
    return event


def _to_line(event: dict[str, Any], **_options: Any) -> str:
    return orjson.dumps(event, default=repr).decode()
