"""Logs: one JSON object a line, and no secret in any of it, however deep it lies."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.logs import configure_logs

CANARIES = ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "123456789:AAF-abcdefghijklmnopqrstuvwxyz01234", "+41791234567")


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


class Carrier:
    def __repr__(self) -> str:
        return f"Carrier(token={CANARIES[0]})"


def line_of(capsys: pytest.CaptureFixture[str]) -> Any:
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    return json.loads(line)


@pytest.mark.parametrize("secret", CANARIES)
@pytest.mark.parametrize(
    "wrap",
    [str, lambda s: [s], lambda s: {"deep": ({"er": s},)}, lambda s: {s: 1}, lambda s: {s}, OSError],
)
def test_a_secret_is_masked_wherever_it_stands(capsys: pytest.CaptureFixture[str], secret: str, wrap: Any) -> None:
    configure_logs("info")
    structlog.get_logger().info("sent", value=wrap(f"token={secret}"))
    line = line_of(capsys)
    assert secret not in json.dumps(line)
    assert "***" in json.dumps(line)


def test_the_event_an_object_and_a_traceback_are_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    try:
        int(f"bad token={CANARIES[0]}")
    except ValueError:
        structlog.get_logger().exception(f"failed with token={CANARIES[0]}", carrier=Carrier())
    line = line_of(capsys)
    assert CANARIES[0] not in json.dumps(line)
    assert "ValueError" in line["exception"]
    assert line["carrier"].startswith("Carrier(")


def test_figures_stay_figures_and_a_line_says_when_and_how_grave(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    structlog.get_logger("relay").warning("stuck", rows=3, share=0.5, known=None, ok=False, states={"dead": 1})
    line = line_of(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "stuck",
        "level": "warning",
        "rows": 3,
        "share": 0.5,
        "known": None,
        "ok": False,
        "states": {"dead": 1},
    }


def test_the_level_decides_what_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning")
    structlog.get_logger().info("quiet")
    assert capsys.readouterr().err == ""
