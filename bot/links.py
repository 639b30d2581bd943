"""One-time links that sign a person in to the web page."""

from dataclasses import replace
from datetime import timedelta

from bot.settings import Settings
from commands.ledger import event
from domain.clock import Clock, to_text
from domain.ids import Entropy, fingerprint, secret
from store.port import Store
from store.tables import Tables
from store.tables.nonces import LOGIN

LOGIN_LINK_LIFETIME = timedelta(minutes=10)  # time to fetch a phone and scan a code, too short to find a link later


async def make_login_link(
    store: Store, person_id: str, settings: Settings, clock: Clock, entropy: Entropy, actor: str = "reins"
) -> str:
    """Return a link that signs this person in once; it is audited, and only the hash of its token is kept.

    The token stands behind `#`, so no server and no proxy ever sees it in a request line. Whether the person is
    enrolled is for the caller to check.

    Raises:
        StoreUnwritable: the link could not be recorded, so there is none.
    """
    token, now = secret(entropy), clock.now()
    expires_at = now + LOGIN_LINK_LIFETIME
    made = replace(event(now, "login-link", person_id, "made", {"expires_at": to_text(expires_at)}), actor=actor)

    def keep(tables: Tables) -> None:
        tables.nonces.add(fingerprint(token), LOGIN, person_id, "", (now, expires_at))
        tables.audit.append(made)

    await store.transact(keep)
    return f"{settings.url}/#login={token}"
