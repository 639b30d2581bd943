"""Every command there is, as one explicit tuple: menu, help, gate and documentation all read this."""

from commands.abort import ABORT
from commands.approvals import APPROVALS
from commands.audit import AUDIT
from commands.command import Command
from commands.halt import HALT
from commands.last import LAST
from commands.menu import MENU
from commands.mutation import MUTATION
from commands.no import NO
from commands.ok import OK
from commands.pause import PAUSE
from commands.resume import RESUME
from commands.run import RUN
from commands.status import STATUS
from commands.unresolved import UNRESOLVED
from commands.whoami import WHOAMI
from commands.why import WHY

CATALOGUE: tuple[Command, ...] = (
    MENU,
    STATUS,
    UNRESOLVED,
    LAST,
    MUTATION,
    WHY,
    RUN,
    ABORT,
    OK,
    NO,
    APPROVALS,
    HALT,
    PAUSE,
    RESUME,
    AUDIT,
    WHOAMI,
)
