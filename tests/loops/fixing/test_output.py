"""What a program wrote is shown without secrets, without control characters, and without halves of what was cut."""

import pytest

from loops.fixing.output import HEAD_BYTES, MARGIN_BYTES, TAIL_BYTES, program_output, shown

SECRET = "tok-0123456789"
KEPT_BYTES = HEAD_BYTES + TAIL_BYTES + 2 * MARGIN_BYTES


def said(*chunks: bytes) -> str:
    captured = program_output()
    for chunk in chunks:
        captured.add(chunk)
    return shown(captured, (SECRET,))


def test_what_fits_is_shown_whole() -> None:
    whole = b"a line\n" * ((KEPT_BYTES - 7) // 7)
    assert said(whole) == "\n".join(["a line"] * (len(whole) // 7))


def test_our_own_secrets_and_what_looks_like_one_are_masked() -> None:
    assert said(f"x={SECRET}! ghp_{'a1B2' * 9} AUTH_TOKEN=hunter2".encode()) == "x=***! *** AUTH_TOKEN=***"


def test_what_could_steer_a_screen_is_dropped() -> None:
    assert said("\x1b[31mred\x1b[0m\x07 \u202eabc\r\nnext\x00\n".encode()) == "[31mred[0m abc\nnext"


def test_bytes_that_are_no_text_are_marked() -> None:
    assert said(b"\xff\xfe ok") == "\ufffd\ufffd ok"


def test_a_long_line_is_cut() -> None:
    assert said(b"x" * 2000) == "x" * 399 + "…"


@pytest.mark.parametrize("inside", range(1, len(SECRET)))
@pytest.mark.parametrize("filling", [b"-", b"-\n"])
def test_no_half_of_a_secret_is_left_beside_an_omission(inside: int, filling: bytes) -> None:
    """The secret lies over the end of what is kept of the beginning, and over the beginning of what is kept of the end."""
    before = (filling * KEPT_BYTES)[: HEAD_BYTES + MARGIN_BYTES - inside]
    after = (filling * KEPT_BYTES)[: TAIL_BYTES + MARGIN_BYTES - (len(SECRET) - inside)]
    text = said(before, SECRET.encode(), b"-" * 50_000, SECRET.encode(), after)
    halves = {SECRET[:n] for n in range(4, len(SECRET))} | {SECRET[n:] for n in range(1, len(SECRET) - 3)}
    assert [half for half in halves if half in text] == []
    assert "bytes left out]" in text


def test_the_number_of_bytes_left_out_is_exact() -> None:
    lines = [f"{n:07d}".encode() for n in range(10_000)]
    text = said(b"\n".join(lines))
    head, _, rest = text.partition("\n[")
    omitted, _, tail = rest.partition(" bytes left out]\n")
    assert len(head) + len(tail) + int(omitted) == len(b"\n".join(lines))
    assert (head.split("\n")[0], tail.split("\n")[-1]) == ("0000000", "0009999")
