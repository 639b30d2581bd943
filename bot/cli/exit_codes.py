"""How a command ends: the exit codes scripts may rely on, and the exception that carries one."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's end means (docs/design.md)."""

    DONE = 0
    WORK_REMAINS = 1
    USAGE = 2
    NOT_MEASURED = 3
    DENIED = 4
    NOT_DELIVERED = 5
    BOUNDED_STOP = 6


class CommandFailedError(Exception):
    """Ends the command: the sentence goes to standard error, the code to the shell."""

    def __init__(self, sentence: str, exit_code: ExitCode) -> None:
        """Keep the sentence, which says what to do, and the code."""
        super().__init__(sentence)
        self.exit_code = exit_code
