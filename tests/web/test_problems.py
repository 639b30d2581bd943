"""Whatever goes wrong over HTTP comes as one kind of document (RFC 9457) with a stable code."""

from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.serve import Role
from domain.errors import UserError
from store.port import StoreUnwritable
from tests.fakes.served_bot import Reply, ServedBot, served_bot
from web.routes import ROUTES, Route


def assert_is_problem(reply: Reply, status: int, code: str) -> None:
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.body["status"] == status
    assert reply.body["code"] == code
    assert reply.body["type"] == f"/docs/problems#{code}"
    assert reply.body["title"] == code.replace("_", " ")
    assert reply.body["detail"]


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/nothing", "/v2/messages", "/a/b/c", "/..%2fpages.py", "/%00"])
async def test_an_unknown_address_is_not_found(bot: ServedBot, path: str) -> None:
    assert_is_problem(await bot.browser().ask("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/messages", {"GET", "POST"}),
        ("GET", "/v1/sessions", {"DELETE", "POST"}),
        ("POST", "/v1/health", {"GET"}),
        ("POST", "/", {"GET"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(bot: ServedBot, method: str, path: str, allowed: set[str]) -> None:
    reply = await bot.browser().ask(method, path)
    assert_is_problem(reply, 405, "method_not_allowed")
    assert set(reply.headers["Allow"].split(",")) == allowed


async def test_a_fault_of_ours_is_logged_under_the_id_that_the_answer_carries(tmp_path: Path) -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("broken on purpose")

    with capture_logs() as lines:
        async with served_bot(tmp_path, role=Role.WEB, routes=[Route("GET", "/fail", fail, None)]) as bot:
            reply = await bot.browser().ask("GET", "/fail?token=0123456789abcdef")
    assert_is_problem(reply, 500, "fault")
    assert "broken on purpose" not in str(reply.body)
    logged = [line for line in lines if line["event"] == "request_failed"]
    assert [(line["log_id"], line["path"]) for line in logged] == [(reply.body["log_id"], "/fail")]
    assert reply.body["log_id"] in reply.body["detail"]
    assert logged[0]["exc_info"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("signed_out", 401),
        ("forbidden", 403),
        ("not_found", 404),
        ("link_used", 410),
        ("wrong_type", 415),
        ("too_many", 429),
        ("anything_else", 400),
    ],
)
async def test_each_code_has_one_status(tmp_path: Path, code: str, status: int) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        raise UserError("the field must be mended", code)

    async with served_bot(tmp_path, role=Role.WEB, routes=[Route("GET", "/refuse", refuse, None)]) as bot:
        reply = await bot.browser().ask("GET", "/refuse")
    assert_is_problem(reply, status, code)
    assert reply.body["detail"] == "the field must be mended"
    assert "log_id" not in reply.body


async def test_a_store_that_cannot_write_is_said_to_be_ours_and_passing(tmp_path: Path) -> None:
    async def write(_request: web.Request) -> web.Response:
        raise StoreUnwritable("disk I/O error")

    with capture_logs() as lines:
        async with served_bot(tmp_path, role=Role.WEB, routes=[*ROUTES, Route("PUT", "/probe", write, None)]) as bot:
            reply = await bot.browser().ask("PUT", "/probe")
    assert_is_problem(reply, 503, "unrecordable")
    assert "disk" not in reply.body["detail"]
    assert {"event": "request_unrecorded", "error": "disk I/O error", "log_level": "warning"} in lines
