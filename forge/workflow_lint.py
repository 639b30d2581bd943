"""What a workflow needs so that Reins may start it: a correlation id that shows, and no input that becomes shell code.

`${{ … }}` is put into a script as text before a shell reads it, so an input could end the line and begin a command of its
own (GitHub docs, Security hardening: script injection). Inputs go through `env:` and are read as "$NAME".
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from domain.untrusted import clean_line
from forge.github_settings import CORRELATION_INPUT
from forge.workflow_text import ITEM, Text

MAX_QUOTED_CHARACTERS = 80
_EXPRESSION = re.compile(r"\$\{\{(?P<inside>.*?)(?:\}\}|\Z)", re.DOTALL)
_CODE_KEYS = frozenset({"run", "script", "shell"})  # `script` is what actions/github-script runs
_ALIASED_CODE = re.compile(r"\b(?:run|script|shell)['\"]?\s*:[^,}\n]*\*", re.IGNORECASE)  # its text stands elsewhere
_CARRIERS = frozenset({"env", "outputs", "matrix"})  # what one expression puts there another one reads
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# All that is known of the run, or of its event, or a part that is only named when it runs: the inputs are among it.
_WHOLE_EVENT = re.compile(r"\bgithub(?!\.[a-z_])|\bgithub\.event(?:\.(?![a-z_])|(?![\w.-]))")
_QUOTED_PART = re.compile(r"\['([^']*)'\]")
_CORRELATION = re.compile(rf"\binputs\s*(?:\.\s*{CORRELATION_INPUT}\b|\[\s*'{CORRELATION_INPUT}'\s*\])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Danger:
    """A place where an input becomes code."""

    line: int
    expression: str


def dangers(texts: Sequence[Text]) -> list[Danger]:
    """Return every place of a workflow where an input, or something made from one, is put into a script."""
    tainted = _tainted_names(texts)
    found = []
    for one in texts:
        into_code = bool(one.path) and one.path[-1].lower() in _CODE_KEYS
        if one.opaque and (_ALIASED_CODE.search(one.text) or (into_code and one.text.startswith("*"))):
            found.append(Danger(one.line, clean_line(one.text, MAX_QUOTED_CHARACTERS)))
        elif into_code or one.opaque:
            bad = (inside for inside in _expressions(one.text) if _holds_input(inside, tainted))
            found += [Danger(one.line, clean_line(inside, MAX_QUOTED_CHARACTERS)) for inside in bad]
    return found


def takes_correlation(texts: Iterable[Text]) -> bool:
    """Tell whether the workflow declares our input, so that GitHub accepts it."""
    wanted = ("on", "workflow_dispatch", "inputs", CORRELATION_INPUT)
    return any(one.path[: len(wanted)] == wanted for one in texts)


def shows_correlation(texts: Iterable[Text]) -> bool:
    """Tell whether the run's name holds our input in square brackets, so that a run is found again by it."""
    names = (one.text for one in texts if one.path == ("run-name",) and not one.opaque)
    return any("[" in name and any(map(_CORRELATION.search, _expressions(name))) for name in names)


def _expressions(text: str) -> Iterator[str]:
    return (match["inside"] for match in _EXPRESSION.finditer(text))


def _holds_input(inside: str, tainted: frozenset[str]) -> bool:
    """Tell whether an expression may bring an input along. GitHub's names know no case."""
    written = _QUOTED_PART.sub(r".\1", "".join(inside.lower().split()))
    words = set(_WORD.findall(written))
    if "inputs" in words or _WHOLE_EVENT.search(written):
        return True
    carriers = words & _CARRIERS
    whole = any(re.search(rf"\b{name}(?!\.[a-z_])", written) for name in carriers)
    return bool(tainted) and bool(carriers) and (whole or bool(words & tainted))


def _tainted_names(texts: Sequence[Text]) -> frozenset[str]:
    """Return the names in `env`, `outputs` and `matrix` that hold an input, also by way of another such name."""
    carried = [(name, one.text) for one in texts for name in _names_of(tuple(part.lower() for part in one.path))]
    tainted: frozenset[str] = frozenset()
    while True:
        more = {name for name, text in carried if any(_holds_input(inside, tainted) for inside in _expressions(text))}
        if more <= tainted:
            return tainted
        tainted |= more


def _names_of(path: tuple[str, ...]) -> Iterator[str]:
    """Return what an expression calls a text by: its key, its list's key, or where it is the whole carrier, that one."""
    if path[-1:] == (ITEM,) and len(path) > 1:
        yield path[-2]
    if _CARRIERS & set(path[:-1]):
        yield path[-1]
    if path[-1:] == ("include",):
        yield "matrix"
    if path and path[-1] in _CARRIERS:
        yield path[-1]
