"""Errors over HTTP: RFC 9457 problem documents with a stable code, whatever went wrong."""

import orjson
import structlog
from aiohttp import web

from domain.errors import UserError
from store.port import StoreUnwritable

CONTENT_TYPE = "application/problem+json"
_STATUS_OF_CODE = {
    "signed_out": 401,
    "link_used": 410,
    "forbidden": 403,
    "not_found": 404,
    "too_many": 429,
    "wrong_type": 415,
}
log = structlog.get_logger("web")


def problem(status: int, code: str, detail: str, log_id: str | None = None) -> web.Response:
    """Return a problem document; `type` is a stable relative reference to the documentation of the code."""
    document = {"type": f"/docs/problems#{code}", "title": code.replace("_", " "), "status": status, "code": code}
    document["detail"] = detail
    if log_id is not None:
        document["log_id"] = log_id
    return web.Response(status=status, body=orjson.dumps(document), content_type=CONTENT_TYPE)


def from_user_error(error: UserError) -> web.Response:
    """Show a sentence meant for the person; codes we do not list are plain bad requests."""
    return problem(_STATUS_OF_CODE.get(error.code, 400), error.code, str(error))


def from_http_error(error: web.HTTPException) -> web.Response:
    """Give aiohttp's own errors (404, 405, 413) the same shape, keeping headers such as Allow."""
    code = (error.reason or "error").lower().replace(" ", "_")
    response = problem(error.status, code, error.reason or "the request cannot be answered")
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def from_outage(error: StoreUnwritable) -> web.Response:
    """Say that nothing can be written now."""
    log.warning("request_unrecorded", error=str(error))
    return problem(
        503, "unrecordable", "Nothing can be recorded right now, so nothing was done. Try again in a moment."
    )
