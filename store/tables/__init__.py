"""All tables over one connection: what a transaction function is handed."""

from store.rows import Rows
from store.tables.approvals import ApprovalsTable
from store.tables.audit import AuditTable
from store.tables.authenticators import AuthenticatorsTable
from store.tables.buttons import ButtonsTable
from store.tables.cards import CardsTable
from store.tables.confirmations import ConfirmationsTable
from store.tables.cursors import CursorsTable
from store.tables.deliveries import DeliveriesTable
from store.tables.handles import HandlesTable
from store.tables.heads import HeadsTable
from store.tables.held import HeldTable
from store.tables.inbox import InboxTable
from store.tables.mode import ModeTable
from store.tables.nonces import NoncesTable
from store.tables.outbox import OutboxTable
from store.tables.policies import PoliciesTable
from store.tables.preferences import PreferencesTable
from store.tables.rates import RatesTable
from store.tables.reachability import ReachabilityTable
from store.tables.receipts import ReceiptsTable
from store.tables.runs import RunsTable
from store.tables.seals import SealsTable
from store.tables.sessions import SessionsTable
from store.tables.snapshots import SnapshotsTable
from store.tables.thread import ThreadTable


class Tables:
    """One attribute per table; made once per connection and valid inside its transactions."""

    def __init__(self, rows: Rows) -> None:
        """Bind every table to the connection."""
        self.approvals = ApprovalsTable(rows)
        self.audit = AuditTable(rows)
        self.authenticators = AuthenticatorsTable(rows)
        self.buttons = ButtonsTable(rows)
        self.cards = CardsTable(rows)
        self.confirmations = ConfirmationsTable(rows)
        self.cursors = CursorsTable(rows)
        self.deliveries = DeliveriesTable(rows)
        self.handles = HandlesTable(rows)
        self.heads = HeadsTable(rows)
        self.held = HeldTable(rows)
        self.inbox = InboxTable(rows)
        self.mode = ModeTable(rows)
        self.nonces = NoncesTable(rows)
        self.outbox = OutboxTable(rows)
        self.policies = PoliciesTable(rows)
        self.preferences = PreferencesTable(rows)
        self.rates = RatesTable(rows)
        self.reachability = ReachabilityTable(rows)
        self.receipts = ReceiptsTable(rows)
        self.runs = RunsTable(rows)
        self.seals = SealsTable(rows)
        self.sessions = SessionsTable(rows)
        self.snapshots = SnapshotsTable(rows)
        self.thread = ThreadTable(rows)

    def forget(self) -> None:
        """Forget what tables remember within a transaction; called when one begins and when a part of it is undone."""
        self.audit.forget()
        self.seals.forget()
        self.mode.forget()
