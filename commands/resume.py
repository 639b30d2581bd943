"""resume: mode operate, after the soak window and with the strongest proof."""

from commands.command import Command
from commands.modes import about_mode, set_mode
from domain.modes import Mode
from domain.people import Scope

RESUME = Command(
    verb="resume",
    usage="resume",
    summary="full operation (mode operate)",
    examples=("resume",),
    scope=Scope.APPROVE,
    about=about_mode("resume", Mode.OPERATE),
    run=set_mode(Mode.OPERATE),
)
