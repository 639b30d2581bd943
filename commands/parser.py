"""One line of text into one command with typed arguments; pure, total over any text, and never a guess."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from commands.command import Arguments, ArgumentType, Command, Parameter
from domain.ids import read_handle
from domain.messages import MAX_TEXT_CHARACTERS
from domain.untrusted import clean_line

HANDLE = re.compile(r"[0-9A-HJKMNP-TV-Z]{2,3}")
OPTION_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
MAX_WORD_CHARACTERS = 200  # the longest ref GitHub lets a person type sensibly
MAX_NOTE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command and its arguments, ready for the gate."""

    command: Command
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Why a text is no command. `verb` is what stood in the verb's place, for suggestions; it is never acted on."""

    problem: str
    verb: str = ""
    command: Command | None = None


def index_by_verb(catalogue: Sequence[Command]) -> dict[str, Command]:
    """Return the one dictionary that verbs are looked up in."""
    verbs = {command.verb: command for command in catalogue}
    verbs.update({command.short: command for command in catalogue if command.short})
    return verbs


def parse(text: str, verbs: dict[str, Command]) -> Parsed | NotUnderstood:
    """Read one message. Case, stray spaces, a leading slash and a trailing full stop are forgiven, nothing else is."""
    if len(text) > MAX_TEXT_CHARACTERS:
        return NotUnderstood(f"a command has at most {MAX_TEXT_CHARACTERS} characters")
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        return NotUnderstood("send one command on one line" if lines else "the message is empty")
    words = _words(lines[0])
    if not words:
        return NotUnderstood("the message is empty")
    verb = words[0].removeprefix("/").lower()
    command = verbs.get(verb)
    if command is None:
        return NotUnderstood(f"there is no command {clean_line(verb, 20)}", verb[:20])
    return _bind(command, words[1:])


def _words(line: str) -> list[str]:
    # NFKC folds what phone keyboards produce (full width letters, ligatures) into what was meant.
    folded = clean_line(unicodedata.normalize("NFKC", line), MAX_TEXT_CHARACTERS)
    words = folded.split()
    if words:
        words[-1] = words[-1].rstrip(".") if words[-1].strip(".") else words[-1]
    return words


def _bind(command: Command, words: list[str]) -> Parsed | NotUnderstood:
    values: dict[str, str] = {}
    options: dict[str, str] = {}
    wanted = list(command.parameters)
    while words:
        if wanted and wanted[0].type is ArgumentType.NOTE:
            values[wanted.pop(0).name] = clean_line(" ".join(words), MAX_NOTE_CHARACTERS)
            break
        word = words.pop(0)
        name, is_option, value = word.partition("=")
        if command.options and is_option:
            problem = _option_problem(name, value, options)
            options[name] = value
        elif wanted:
            parameter = wanted.pop(0)
            values[parameter.name], problem = _read_argument(parameter, word)
        else:
            problem = f"{command.verb} takes nothing more: {clean_line(word, 20)}"
        if problem:
            return NotUnderstood(f"{problem}. Usage: {command.usage}", command.verb, command)
    missing = next((parameter.name for parameter in wanted if parameter.required), None)
    if missing:
        return NotUnderstood(f"{command.verb} needs its {missing}. Usage: {command.usage}", command.verb, command)
    return Parsed(command, Arguments(values, options))


def _option_problem(name: str, value: str, known: dict[str, str]) -> str | None:
    if not OPTION_NAME.fullmatch(name):
        return f"{clean_line(name, 20)} is no name for an option"
    if name in known:
        return f"{name} stands twice"
    return None if value else f"{name} has no value"


def _read_argument(parameter: Parameter, word: str) -> tuple[str, str | None]:
    match parameter.type:
        case ArgumentType.COUNT:
            fits = word.isascii() and word.isdigit() and len(word) <= 4 and 1 <= int(word) <= parameter.highest  # noqa: PLR2004 - keeps int() short
            return word, None if fits else f"{parameter.name} must be a number from 1 to {parameter.highest}"
        case ArgumentType.HANDLE:
            handle = read_handle(word)
            fits = (
                word.isascii() and HANDLE.fullmatch(handle) is not None
            )  # upper case of ß would be two letters nobody typed
            return handle, None if fits else f"{clean_line(word, 20)} is no id of two or three characters"
        case _:
            if word.startswith("-"):
                return word, f"options are written name=value, not {clean_line(word, 20)}"
            return word, None if len(word) <= MAX_WORD_CHARACTERS else f"{parameter.name} is too long"
