"""pause: mode read-only; reads and report-only actions go on."""

from commands.command import Command
from commands.modes import about_mode, set_mode
from domain.modes import Mode
from domain.people import Scope

PAUSE = Command(
    verb="pause",
    usage="pause",
    summary="report-only (mode read-only)",
    examples=("pause",),
    scope=Scope.READ,
    about=about_mode("pause", Mode.READ_ONLY),
    run=set_mode(Mode.READ_ONLY),
)
