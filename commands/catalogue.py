"""Every command there is, as one explicit tuple: menu, help, gate and documentation all read this."""

from commands.abort import ABORT
from commands.approvals import APPROVALS
from commands.audit import AUDIT
from commands.ci import CI
from commands.command import Command
from commands.fix import FIX
from commands.halt import HALT
from commands.last import LAST
from commands.link import LINK
from commands.menu import MENU
from commands.mutation import MUTATION
from commands.mute import MUTE
from commands.no import NO
from commands.ok import OK
from commands.pause import PAUSE
from commands.resume import RESUME
from commands.run import RUN
from commands.sleep import SLEEP
from commands.status import STATUS
from commands.subscribe import SUBSCRIBE
from commands.unresolved import UNRESOLVED
from commands.whoami import WHOAMI
from commands.why import WHY

CATALOGUE: tuple[Command, ...] = (
    MENU,
    STATUS,
    UNRESOLVED,
    LAST,
    MUTATION,
    CI,
    WHY,
    RUN,
    FIX,
    ABORT,
    OK,
    NO,
    APPROVALS,
    HALT,
    PAUSE,
    RESUME,
    SUBSCRIBE,
    MUTE,
    SLEEP,
    AUDIT,
    WHOAMI,
    LINK,
)
