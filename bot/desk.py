"""What adapters may ask of our own records while they work: buttons, cards, codes, stream positions, expected commits."""

from datetime import timedelta

from commands.confirming import code_hash
from domain.clock import Clock
from domain.ids import Entropy, fingerprint, secret
from domain.notices import Notice
from store.port import Store
from store.tables import Tables
from store.tables.buttons import Button

BUTTONS_LIVE = timedelta(hours=24)  # later nobody remembers what the message was about
CODE_LIVES = timedelta(minutes=10)  # NIST SP 800-63B-4, 3.1.3
CODE_DIGITS = 6


class StoreDesk:
    """The `Desk` of channels/port.py over the store, and what a forge notes down. Tokens and codes are kept as hashes only."""

    def __init__(self, store: Store, clock: Clock, entropy: Entropy) -> None:
        """Use this store."""
        self._store = store
        self._clock = clock
        self._entropy = entropy

    async def mint(self, to: str, notice: Notice) -> tuple[str, ...]:
        """Make one single-use token for each of the notice's choices, in their order."""
        now = self._clock.now()
        tokens = tuple(secret(self._entropy) for _choice in notice.choices)
        until = notice.choices_until or now + BUTTONS_LIVE

        def keep(tables: Tables) -> None:
            for token, choice in zip(tokens, notice.choices, strict=True):
                tables.buttons.add(
                    Button(
                        hash=fingerprint(token),
                        to=to,
                        person=notice.choices_for,
                        subject=notice.subject,
                        command=choice.command,
                        digest=notice.digest,
                        message_id=None,
                        made_at=now,
                        expires_at=until,
                    )
                )

        if tokens:
            await self._store.transact(keep)
        return tokens

    async def card(self, to: str, subject: str) -> str | None:
        """Return the provider's id of the message that shows this subject at `to`, if one does."""
        return await self._store.read(lambda tables: tables.cards.get(to, subject))

    async def code(self, confirmation: str) -> str | None:
        """Make a new six-digit code; None when the confirmation is over or the person uses an authenticator."""
        code = f"{int.from_bytes(self._entropy.token(8), 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"
        now = self._clock.now()

        def keep(tables: Tables) -> bool:
            waiting = tables.confirmations.get(confirmation)
            if waiting is None or tables.authenticators.secret_of(waiting.person) is not None:
                return False
            return tables.confirmations.set_code(confirmation, code_hash(confirmation, code), now, now + CODE_LIVES)

        return code if await self._store.transact(keep) else None

    async def expect(self, run_id: str, head_sha: str) -> None:
        """Keep the commit that a run is about to be dispatched for: what it then runs at is compared with it."""
        await self._store.transact(lambda tables: tables.runs.expect(run_id, head_sha))


class StoreCursors:
    """The `Cursors` of channels/port.py over the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Use this store."""
        self._store = store
        self._clock = clock

    async def read(self, name: str) -> str | None:
        """Return the last kept position of a stream, or None."""
        return await self._store.read(lambda tables: tables.cursors.read(name))

    async def keep(self, name: str, position: str) -> None:
        """Keep a position."""
        await self._store.transact(lambda tables: tables.cursors.keep(name, position, self._clock.now()))
