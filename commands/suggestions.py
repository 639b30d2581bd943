"""What somebody may have meant: at most three commands they may use, offered as text and never acted on."""

from collections.abc import Iterable, Sequence

from commands.command import Command
from domain.people import Scope

MAX_SUGGESTIONS = 3
MIN_SIMILARITY = 0.6  # of 1; below this, suggestions read like noise

# Words that carriers act on, so that no verb may be one of them or one key away.
CARRIER_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
    | {"start", "unstop", "yes", "help", "info", "arret", "remove", "td"}
)


def usable(catalogue: Sequence[Command], scopes: Iterable[Scope]) -> list[Command]:
    """Return the commands whose scope the person has, in the catalogue's order."""
    held = frozenset(scopes)
    return [command for command in catalogue if command.scope in held]


def suggest(verb: str, catalogue: Sequence[Command], scopes: Iterable[Scope]) -> tuple[str, ...]:
    """Return up to three verbs close to what was typed. A carrier word such as yes suggests nothing."""
    if not verb or verb in CARRIER_WORDS:
        return ()
    from rapidfuzz import process  # noqa: PLC0415 - only a typo needs it, and it costs memory
    from rapidfuzz.distance import DamerauLevenshtein  # noqa: PLC0415 - two letters swapped are one slip of the thumb

    verbs = [command.verb for command in usable(catalogue, scopes)]
    scorer = DamerauLevenshtein.normalized_similarity
    found = process.extract(verb, verbs, scorer=scorer, limit=MAX_SUGGESTIONS, score_cutoff=MIN_SIMILARITY)
    return tuple(name for name, _score, _index in found)
