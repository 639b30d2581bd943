"""What comes in from providers besides plain commands: receipts, refused requests, opt-outs, buttons pressed on ntfy."""

from collections.abc import Callable

from bot.settling import Settling
from channels.sms_status import SmsStatus
from commands.carrier import tell_opted_out
from commands.dispatcher import Dispatcher
from commands.ledger import event
from commands.surroundings import Surroundings
from domain.decisions import Verdict
from domain.ids import fingerprint
from domain.messages import Inbound, Press
from domain.notices import DeliveryState
from domain.people import Address, AddressKind, Proof
from store.port import Store
from store.tables import Tables
from web.hooks.ntfy import Acted

REFUSALS_RECORDED_PER_HOUR = 100  # each costs an audit row; beyond this they are only counted
_ACT_STATUS = {"button_unknown": 404, "button_expired": 410, "approval_decided": 409}


class Receiving:
    """Hands providers' words to the dispatcher and the store; every method returns once all is durable."""

    def __init__(
        self,
        store: Store,
        around: Surroundings,
        dispatcher: Dispatcher,
        settling: Settling,
        wake_relay: Callable[[], None],
    ) -> None:
        """Wire it."""
        self._store = store
        self._around = around
        self._dispatcher = dispatcher
        self._settling = settling
        self._wake_relay = wake_relay

    async def receive(self, message: Inbound) -> bool:
        """Take one message in; False when nothing could be recorded: its provider must send it again."""
        return (await self._dispatcher.handle(message)).recorded

    async def refused(self, channel: str, reason: str, sender: str | None) -> None:
        """Record a request that was not authentic; `sender` is masked already."""
        now = self._around.clock.now()

        def note(tables: Tables) -> None:
            if tables.rates.count(f"refused:{channel}", now) <= REFUSALS_RECORDED_PER_HOUR:
                evidence: dict[str, object] = {"reason": reason, "sender": sender}
                tables.audit.append(event(now, f"{channel}-request", channel, "refused", evidence))

        await self._store.transact(note)

    async def note_sms_status(self, status: SmsStatus) -> None:
        """Keep a receipt and settle what it settles; older news than we have changes nothing."""
        now = self._around.clock.now()
        kept = status.state.value if status.state else status.status

        def note(tables: Tables) -> bool:
            code = None if status.error_code is None else str(status.error_code)
            if not tables.receipts.note("sms", status.sid, status.rank, kept, code, now):
                return False
            if status.state is None:
                return False
            reason = f"the carrier said {status.status} {status.error_code or ''}".rstrip()
            error = reason if status.state is DeliveryState.DEAD else None
            row = tables.outbox.settle_by_receipt("sms", status.sid, status.state, now, error)
            return row is not None and self._settling.receipt(row, status.state, error, tables)

        if await self._store.transact(note):
            self._wake_relay()

    async def opted_out(self, number: str) -> None:
        """Note that a provider refuses texts to a number, and tell its owner on other channels."""
        address, now = Address(AddressKind.SMS, number), self._around.clock.now()
        person = self._around.people.find(address)

        def note(tables: Tables) -> None:
            if not tables.reachability.opt_out(address.text(), now, "the provider refuses texts to it"):
                return
            tables.audit.append(event(now, "opted-out", address.masked(), "noted", {}))
            if person is None:
                return
            everyone, state = self._around.people.all(), self._around.policy()
            for tell in tell_opted_out(address, person, everyone, state, now):
                self._around.announcer.commit(tell, tables, now)

        await self._store.transact(note)
        self._wake_relay()

    async def act(self, token: str) -> Acted:
        """Press a button by its token alone, as ntfy's actions do; it is its own message id, so a repeat is one."""
        hashed = fingerprint(token)
        button = await self._store.read(lambda tables: tables.buttons.get(hashed))
        kind, _, value = button.to.partition(":") if button else ("", "", "")
        if kind != AddressKind.NTFY:  # tokens of other channels are worth something only from the account they went to
            await self.refused("ntfy", "unknown token", None)
            return Acted(404, "This button is not known here.")
        sender, now = Address(AddressKind.NTFY, value), self._around.clock.now()
        message = Inbound("ntfy", "act", hashed, sender, "", Proof.ACCOUNT, now, reply_to=sender, press=Press(token))
        answer = await self._dispatcher.handle(message)
        if not answer.recorded:
            return Acted(503, "Nothing can be recorded right now, so nothing was done.")
        ok = answer.verdict is Verdict.ALLOW
        return Acted(
            200 if ok else _ACT_STATUS.get(answer.rule or "", 403), answer.text or "There is no answer for you here."
        )
