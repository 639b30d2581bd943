"""Long answers on small screens: as much as one text message holds, and an id to ask for the rest."""

from datetime import datetime

from channels.gsm7 import fit, transliterate
from store.tables import Tables

# Of 160 (3GPP TS 23.038): the channel puts a reference behind every text and `(repeat) ` before one it sends again.
ROOM_SEPTETS = 145


def one_segment(text: str, number: int, tables: Tables, now: datetime) -> str:
    """Return the text if it fits into one message, else its beginning and the id that `why` goes on from.

    `number` is the message's number in the inbox, where its whole answer is kept.
    """
    plain = transliterate(text).rstrip()
    if fit(plain, limit_septets=ROOM_SEPTETS) == plain:
        return plain
    handle = tables.handles.next(now)
    more = f".. why {handle}"
    shown = fit(plain, limit_septets=ROOM_SEPTETS, cut=more)
    # What is shown is a beginning of the transliterated text, of which `why` shows the rest.
    tables.handles.give(handle, "answer", f"{number}:{len(shown) - len(more)}", now)
    return shown
