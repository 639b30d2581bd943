"""What the chat shows, and which runs it knows to be going."""

import asyncio
import io
from typing import Any

import pytest

from bot.cli.chat_screen import Screen


def answer(text: str, verdict: str = "allow", keys: tuple[str, ...] = (), receipt: str | None = None) -> dict[str, Any]:
    return {"kind": "reply", "text": text, "verdict": verdict, "keys": list(keys), "receipt": receipt}


def notice(text: str, kind: str = "final") -> dict[str, Any]:
    return {"kind": kind, "text": text, "verdict": None, "keys": [], "receipt": None}


def shown(*, interactive: bool = False) -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(out, interactive=interactive), out


def test_an_answer_comes_with_its_receipt_and_what_to_type_next() -> None:
    screen, out = shown()
    screen.answer(answer("Mode is off.", keys=("status", "menu"), receipt="audit 12·7F3C9K2M"))
    assert out.getvalue() == "Mode is off.\n  audit 12·7F3C9K2M  next: status | menu\n"


@pytest.mark.parametrize(("verdict", "mark"), [("allow", ""), ("deny", "[refused] "), ("needs", "[needs more] ")])
def test_refusals_are_told_from_answers_in_words(verdict: str, mark: str) -> None:
    screen, out = shown()
    screen.answer(answer("So it is.", verdict))
    assert out.getvalue() == f"{mark}So it is.\n"


def test_a_notice_moves_the_prompt_out_of_the_way() -> None:
    screen, out = shown(interactive=True)
    screen.notice(notice("DONE 3K mutation"))
    assert out.getvalue() == "\r\x1b[K* DONE 3K mutation\n> "
    screen, out = shown()
    screen.notice(notice("DONE 3K mutation"))
    assert out.getvalue() == "* DONE 3K mutation\n"


def test_text_cannot_steer_the_terminal_and_is_bounded() -> None:
    screen, out = shown()
    screen.answer(answer("\x1b[2Jred\u202e\n" * 100, keys=("\x1b]0;x\x07",), receipt="\x1b[1m"))
    screen.notice(notice("\x1b[2J" + "x" * 10_000))
    screen.complain("\x1b[2J\nno")
    screen.echo("\x1b[2J")
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()
    lines = out.getvalue().splitlines()
    assert len(lines) < 70
    assert all(len(line) <= 310 for line in lines)


async def test_a_run_is_over_with_its_final_notice_and_not_before() -> None:
    screen, _out = shown()
    screen.answer(answer("3K mutation accepted.", keys=("why 3K", "abort 3K", "status")))
    screen.answer(answer("7B triage accepted.", keys=("why 7B", "abort 7B")))
    over = asyncio.create_task(screen.all_runs_over())
    screen.notice(notice("3K mutation: attempt 1 started", "attempt-start"))
    screen.notice(notice("FAILED 7B triage on local/sample@main: no result."))
    await asyncio.sleep(0)
    assert screen.open_runs == {"3K"}
    assert not over.done()
    screen.notice(notice("DONE 3K mutation on local/sample@main: fine."))
    await over
    assert screen.open_runs == frozenset()


async def test_a_final_notice_that_overtakes_the_answer_counts() -> None:
    screen, _out = shown()
    screen.notice(notice("DONE 3K mutation on local/sample@main: fine."))
    screen.answer(answer("3K mutation accepted.", keys=("abort 3K",)))
    await screen.all_runs_over()
