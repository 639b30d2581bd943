"""The buttons of a ntfy notification: at most three, of which one opens the page."""

from collections.abc import Sequence

import orjson

from channels.ntfy_settings import NtfySettings, command_topic
from domain.notices import Choice, ChoiceStyle
from domain.untrusted import clean_line

MAX_ACTIONS = 3  # more are refused by the server (code 40018)
MAX_LABEL_CHARACTERS = 40
PRESS_MARK = "~"  # what a press on the command topic begins with; no command does
_ORDER = {ChoiceStyle.APPROVE: 0, ChoiceStyle.DENY: 1, ChoiceStyle.PLAIN: 2}

Action = dict[str, object]


def offered(choices: Sequence[Choice], *, cut: bool) -> tuple[Choice, ...]:
    """Return the choices that become buttons.

    Approving is offered only when it is a single choice (several are a number to match, which no lock screen may hold)
    and when the whole text can be read.
    """
    approving = [choice for choice in choices if choice.style is ChoiceStyle.APPROVE]
    may_approve = len(approving) == 1 and not cut
    shown = [choice for choice in choices if may_approve or choice.style is not ChoiceStyle.APPROVE]
    return tuple(sorted(shown, key=lambda choice: _ORDER[choice.style])[: MAX_ACTIONS - 1])


def actions_of(buttons: Sequence[tuple[Choice, str]], value: str, settings: NtfySettings) -> list[Action]:
    """Return the actions for choices and their tokens; everybody who may read the topic can read them.

    The token must therefore be single-use, and no other secret of ours may be in them.
    """
    pressed = [_press(choice.label, token, value, settings) for choice, token in buttons]
    return [*pressed, {"action": "view", "label": "Open", "url": settings.public_url}]


def _press(label: str, token: str, value: str, settings: NtfySettings) -> Action:
    # Without our Content-Type the iOS app would send a form.
    if settings.actions == "hook":
        url, body = f"{settings.public_url}/hooks/ntfy/act", orjson.dumps({"token": token}).decode()
        headers = {"Content-Type": "application/json"}
    else:
        url, body = f"{settings.server}/{command_topic(value)}", PRESS_MARK + token
        headers = {"Content-Type": "text/plain"}
        if settings.command_token is not None:
            headers["Authorization"] = f"Bearer {settings.command_token}"
    shown = clean_line(label, MAX_LABEL_CHARACTERS)
    return {
        "action": "http",
        "label": shown,
        "url": url,
        "method": "POST",
        "headers": headers,
        "body": body,
        "clear": True,
    }
