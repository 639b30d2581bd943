"""halt: mode off, at once, by anybody enrolled; nothing new starts."""

from commands.command import Command
from commands.modes import about_mode, set_mode
from domain.modes import Mode
from domain.people import Scope

HALT = Command(
    verb="halt",
    usage="halt",
    summary="nothing new starts (mode off)",
    examples=("halt",),
    scope=Scope.READ,
    about=about_mode("halt", Mode.OFF),
    run=set_mode(Mode.OFF),
)
