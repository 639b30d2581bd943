"""A notice as Telegram shows it: escaped HTML, cut before tags are added, buttons in rows."""

import html
from dataclasses import dataclass

from domain.notices import ChoiceStyle, Notice
from domain.untrusted import ELLIPSIS, clean_line

# Bot API: lengths count after the tags were read, in UTF-16 units.
MAX_TEXT_UNITS = 4096
MAX_CAPTION_UNITS = 1024
MAX_TOAST_UNITS = 200
MAX_CALLBACK_BYTES = 64
MAX_LABEL_CHARACTERS = 40  # longer ones are cut by the phone
MAX_LINK_CHARACTERS = 500
BUTTONS_A_ROW = 4
REPEAT = "(repeat) "
TOO_LONG_TO_APPROVE = "This is too long to be shown whole here: approve it on the web page."
_STYLES = {ChoiceStyle.APPROVE: "success", ChoiceStyle.DENY: "danger", ChoiceStyle.PLAIN: None}


@dataclass(frozen=True, slots=True)
class Written:
    """A text in both forms; `cut` tells that not all of it is there."""

    plain: str
    html: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Button:
    """One inline button: `data` comes back when it is pressed, `style` is Telegram's word for its colour."""

    label: str
    data: str
    style: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. Without `html` the plain text is; a `picture` makes the text its caption."""

    plain: str
    html: str | None
    buttons: tuple[tuple[Button, ...], ...] = ()
    silent: bool = False
    picture: bytes | None = None


def units(text: str) -> int:
    """Return the length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, most_units: int) -> str:
    """Return the text, or as much of its beginning as fits, with an ellipsis; no character is torn apart."""
    if units(text) <= most_units:
        return text
    kept = text.encode("utf-16-le")[: 2 * (most_units - 1)].decode("utf-16-le", errors="ignore")
    return kept.rstrip() + ELLIPSIS


def write(notice: Notice, text: str, *, repeat: bool, note: str | None = None) -> Written:
    """Write a notice whose text is `text`: the first of several lines bold, then a note, the run's link, the receipt.

    What has to give way is the text, never what follows it.
    """
    body = (REPEAT if repeat else "") + "\n".join(clean_line(line, MAX_TEXT_UNITS) for line in text.splitlines())
    tail = _tail(notice, note)
    room = MAX_TEXT_UNITS - sum(units(plain) + 1 for plain, _ in tail)
    lines = cut(body, room).split("\n")
    escaped = [html.escape(line, quote=False) for line in lines]
    if len(lines) > 1 and lines[0]:
        escaped[0] = f"<b>{escaped[0]}</b>"
    return Written(
        plain="\n".join([*lines, *(plain for plain, _ in tail)]),
        html="\n".join([*escaped, *(marked for _, marked in tail)]),
        cut=units(body) > room or any(units(line) > MAX_TEXT_UNITS for line in text.splitlines()),
    )


def rows(buttons: list[Button]) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons in rows that a phone shows legibly."""
    return tuple(tuple(buttons[at : at + BUTTONS_A_ROW]) for at in range(0, len(buttons), BUTTONS_A_ROW))


def button(label: str, token: str, style: ChoiceStyle) -> Button:
    """Return one button.

    Raises:
        ValueError: the token does not fit; the library sends it all the same, and Telegram refuses the message.
    """
    if not 1 <= len(token.encode()) <= MAX_CALLBACK_BYTES:
        raise ValueError(f"a button's token must have 1 to {MAX_CALLBACK_BYTES} bytes")
    return Button(clean_line(label, MAX_LABEL_CHARACTERS), token, _STYLES[style])


def _tail(notice: Notice, note: str | None) -> list[tuple[str, str]]:
    """Return the last lines, each as plain text and as HTML."""
    tail = [] if note is None else [(note, html.escape(note, quote=False))]
    link = notice.run_url
    if link is not None and link.startswith("https://") and link == clean_line(link, MAX_LINK_CHARACTERS):
        tail.append((link, f'<a href="{html.escape(link)}">Open the run</a>'))
    if notice.receipt is not None:
        receipt = clean_line(notice.receipt, MAX_LABEL_CHARACTERS)
        tail.append((receipt, f"<code>{html.escape(receipt, quote=False)}</code>"))
    return tail
