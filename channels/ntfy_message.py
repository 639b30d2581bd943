"""One notice as the JSON document that ntfy publishes, with text and buttons that fit into a push together."""

from dataclasses import dataclass

import orjson

from channels.ntfy_actions import Action, actions_of, offered
from channels.ntfy_settings import NtfySettings
from channels.ntfy_text import MAX_PUSHED_BYTES, fit, tags_of, title_of
from domain.notices import Choice, ChoiceStyle, Notice, NoticeKind, Urgency
from domain.untrusted import clean_line

PRIORITIES = {Urgency.LOW: 2, Urgency.NORMAL: 3, Urgency.HIGH: 5}
MAX_RECEIPT_CHARACTERS = 80
_QUIET = frozenset({NoticeKind.CARD, NoticeKind.TOAST})


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice for one topic: the message it replaces, the tokens of its choices, and how its text begins and ends."""

    value: str
    notice: Notice
    sequence: str | None
    tokens: tuple[str, ...]
    mark: str
    ending: str


@dataclass(frozen=True, slots=True)
class Composed:
    """What is published, and the tokens that are in it."""

    document: dict[str, object]
    tokens: tuple[str, ...]


def compose(draft: Draft, settings: NtfySettings) -> Composed:
    """Return what to publish; a text that had to be cut offers no approval and says where to decide."""
    notice, title = draft.notice, title_of(draft.notice)
    text, ending, buttons = draft.mark + notice.text, _receipt(notice) + draft.ending, _buttons(draft, cut=False)
    actions = _actions(draft, buttons, settings)
    room = MAX_PUSHED_BYTES - len(title.encode()) - len(orjson.dumps(actions))
    fitted = fit(text, room, ending)
    if fitted.cut and any(choice.style is ChoiceStyle.APPROVE for choice in notice.choices):
        buttons = _buttons(draft, cut=True)
        actions = _actions(draft, buttons, settings)
        fitted = fit(text, room, f"\nThis text is cut. Decide at {settings.public_url}{ending}")
    document: dict[str, object] = {
        "topic": draft.value,
        "title": title,
        "message": fitted.text,
        "priority": _priority(notice),
        "tags": tags_of(notice),
        "click": settings.public_url,
        "actions": actions,
    }
    if settings.public_url.startswith("https://"):
        document["icon"] = f"{settings.public_url}/icon.svg"
    if draft.sequence is not None:
        document["sequence_id"] = draft.sequence
    return Composed(document, tuple(token for _, token in buttons))


def _receipt(notice: Notice) -> str:
    """Return the line that shows the head of the audit trail: every phone that has it is a witness."""
    return "" if notice.receipt is None else f"\n{clean_line(notice.receipt, MAX_RECEIPT_CHARACTERS)}"


def _priority(notice: Notice) -> int:
    if notice.kind in _QUIET:
        return PRIORITIES[Urgency.LOW]
    if notice.kind is NoticeKind.REPLY:  # urgent in our outbox; whoever asked holds the phone in their hand
        return PRIORITIES[Urgency.NORMAL]
    return PRIORITIES[notice.urgency]


def needs_tokens(notice: Notice, settings: NtfySettings) -> bool:
    """Tell whether a notice would carry buttons that press something; a card that is brought up to date has none."""
    may = notice.kind is not NoticeKind.CARD and settings.actions != "none"
    return may and bool(offered(notice.choices, cut=False))


def _buttons(draft: Draft, *, cut: bool) -> list[tuple[Choice, str]]:
    if not draft.tokens:
        return []
    shown = offered(draft.notice.choices, cut=cut)
    return [pair for pair in zip(draft.notice.choices, draft.tokens, strict=True) if pair[0] in shown]


def _actions(draft: Draft, buttons: list[tuple[Choice, str]], settings: NtfySettings) -> list[Action]:
    if not draft.notice.choices or draft.notice.kind is NoticeKind.CARD:
        return []
    return actions_of(buttons, draft.value, settings)
