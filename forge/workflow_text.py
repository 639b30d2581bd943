"""Reading a workflow file's texts and where they stand: the YAML that people write, and a refusal for everything else.

It serves a safety check, so it never guesses: what it does not read surely (tabs, tags on keys, several documents, odd
escapes) is an error, and anchors, aliases and `{…}` are handed on as what they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_CHARACTERS = 512 * 1024  # GitHub's own bound for a workflow file
MAX_DEPTH = 40
MAX_QUOTED_LINES = 200
ITEM = "-"
_LINE_END = re.compile(r"\r\n|\r|\n")
_OTHER_LINE_END = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_BLOCK_SCALAR = re.compile(r"[|>][+-]?[1-9]?[+-]?\s*(#.*)?")
_PROPERTY = re.compile(r"(?:&[^\s,\[\]{}]+|!\S*)(?:\s+|$)")
# YAML lets keys have 1,024 characters; bounds keep a hostile line from taking minutes.
_PLAIN_KEY = re.compile(
    r"(?P<key>[^\s\"'#&*!|>%@`?{}\[\],:-][^\"'#{}\[\]]{0,1000}?|<<|[-?:][^\s\"'{}\[\]]{1,1000}?)\s{0,20}:(?=\s|$)"
)
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'((?:[^']|'')*)'", re.DOTALL),
}
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/", " ": " ", "\n": ""}
_COMMENT = re.compile(r"(?:^|\s)#.*")


class UnreadableWorkflow(Exception):  # noqa: N818 - what the file is
    """A file that is not read surely; `line` counts from 1."""

    def __init__(self, line: int, why: str) -> None:
        """Say where and why."""
        super().__init__(f"line {line}: {why}")


@dataclass(frozen=True, slots=True)
class Text:
    """One scalar: the keys that lead to it (`-` for an item of a list), and the line it begins on, counted from 1.

    `opaque` is what stands there without being a plain text: an alias, or a whole `{…}` or `[…]`.
    """

    path: tuple[str, ...]
    text: str
    line: int
    opaque: bool = False


def read_texts(content: str) -> tuple[Text, ...]:
    """Return every text of a workflow file, in its order; a key without a value has an empty one.

    Raises:
        UnreadableWorkflow: the file is not YAML, or YAML that is not read here.
    """
    if len(content) > MAX_CHARACTERS:
        raise UnreadableWorkflow(1, f"the file has more than {MAX_CHARACTERS} characters")
    if found := _OTHER_LINE_END.search(content):
        line = content.count("\n", 0, found.start()) + 1
        raise UnreadableWorkflow(line, "there is a line end that not every reader takes for one")
    reader = _Reader(_LINE_END.split(content.removeprefix("\ufeff")))
    return tuple(reader.document())


class _Reader:
    """Walks down the lines; `_at` is the next one."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0

    def document(self) -> Iterator[Text]:
        if self._peek() is not None and self._lines[self._at].rstrip() == "---":
            self._at += 1
        yield from self._node(0, ())
        if self._peek() is not None:
            raise self._unreadable("this does not fit in here")

    def _unreadable(self, why: str) -> UnreadableWorkflow:
        return UnreadableWorkflow(self._at + 1, why)

    def _peek(self) -> int | None:
        """Skip empty lines and comments, and return the indentation of the next line, None at the end."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            bare = line.lstrip(" ")
            if bare.startswith("\t"):
                raise self._unreadable("a tab indents it")
            if bare and not bare.startswith("#"):
                return len(line) - len(bare)
            self._at += 1
        return None

    def _rest(self) -> str:
        return self._lines[self._at].strip(" ")

    def _node(self, least: int, path: tuple[str, ...]) -> Iterator[Text]:
        indent = self._peek()
        if indent is None or indent < least:
            return
        if len(path) > MAX_DEPTH:
            raise self._unreadable("it is nested too deeply")
        if _is_item(self._rest()):
            yield from self._sequence(indent, path)
        elif self._key() is not None:
            yield from self._mapping(indent, path)
        else:
            yield from self._value(self._rest(), least - 1, path)

    def _sequence(self, indent: int, path: tuple[str, ...]) -> Iterator[Text]:
        here = (*path, ITEM)
        while self._peek() == indent and _is_item(self._rest()):
            after = self._rest()[1:]
            inner = indent + 1 + len(after) - len(after.lstrip(" "))
            self._lines[self._at] = " " * inner + after.lstrip(" ")
            rest = self._rest()
            if not rest or rest.startswith("#"):
                self._at += 1
                yield from self._below(indent + 1, here)
            elif _is_item(rest) or self._key() is not None:
                yield from self._node(inner, here)
            else:
                yield from self._value(rest, indent, here)

    def _mapping(self, indent: int, path: tuple[str, ...]) -> Iterator[Text]:
        while self._peek() == indent:
            if _is_item(self._rest()):
                return
            found = self._key()
            if found is None:
                raise self._unreadable("there is no key here")
            key, rest = found
            yield from self._value(rest, indent, (*path, key), after_key=True)

    def _key(self) -> tuple[str, str] | None:
        """Return the key that the line begins with and what follows it, None where it begins with none."""
        rest = self._rest()
        if rest[0] in _QUOTED:
            quoted = _QUOTED[rest[0]].match(rest)
            after = rest[quoted.end() :].lstrip(" ") if quoted else ""
            if quoted is None or not re.match(r":(\s|$)", after):
                return None
            return self._unquoted(rest[0], quoted[1]), after[1:].strip(" ")
        plain = _PLAIN_KEY.match(rest)
        return (plain["key"], rest[plain.end() :].strip(" ")) if plain else None

    def _below(self, least: int, path: tuple[str, ...]) -> Iterator[Text]:
        """Read what is indented below, or nothing where nothing is."""
        line, indent = self._at, self._peek()
        if indent is None or indent < least:
            yield Text(path, "", line)
        else:
            yield from self._node(least, path)

    def _value(self, rest: str, indent: int, path: tuple[str, ...], *, after_key: bool = False) -> Iterator[Text]:
        line = self._at + 1
        while match := _PROPERTY.match(rest):
            rest = rest[match.end() :]
        if not rest or rest.startswith("#"):
            self._at += 1
            same_level = after_key and self._peek() == indent and _is_item(self._rest())
            yield from self._below(indent if same_level else indent + 1, path)
        elif rest[0] in "|>":
            yield Text(path, self._block(rest, indent), line)
        elif rest[0] in _QUOTED:
            yield Text(path, self._quoted(rest, indent), line)
        elif rest[0] in "[{*":
            yield Text(path, self._plain(rest, indent, comments=False), line, opaque=True)
        elif rest[0] in "@`%?,]}":
            raise self._unreadable(f"a value cannot begin with {rest[0]}")
        else:
            yield Text(path, self._plain(rest, indent, comments=True), line)

    def _block(self, header: str, indent: int) -> str:
        if not _BLOCK_SCALAR.fullmatch(header):
            raise self._unreadable("a text block cannot begin like this")
        self._at += 1
        return "\n".join(self._indented(indent))

    def _indented(self, indent: int) -> Iterator[str]:
        """Take the lines that are indented more than `indent`, and empty ones between them."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
                return
            self._at += 1
            yield line

    def _quoted(self, rest: str, indent: int) -> str:
        mark, whole, last = rest[0], rest, min(len(self._lines), self._at + MAX_QUOTED_LINES) - 1
        while (match := _QUOTED[mark].match(whole)) is None:
            if self._at >= last:
                raise self._unreadable("a quotation has no end near")
            self._at += 1
            whole += "\n" + self._lines[self._at].strip()
        if _COMMENT.sub("", whole[match.end() :]).strip():
            raise self._unreadable("something follows a quotation")
        text = self._unquoted(mark, match[1])
        self._at += 1
        self._refuse_more(indent)
        return text

    def _unquoted(self, mark: str, inner: str) -> str:
        if mark == "'":
            return inner.replace("''", "'")

        def unescape(match: re.Match[str]) -> str:
            if match[1] not in _ESCAPES:
                raise self._unreadable(f"the escape \\{match[1]} could hide what it stands for")
            return _ESCAPES[match[1]]

        return re.sub(r"\\(.)", unescape, inner, flags=re.DOTALL)

    def _plain(self, rest: str, indent: int, *, comments: bool) -> str:
        """Take a text without quotes and its further lines; a `{…}` keeps its comments, for it is not looked into."""
        self._at += 1
        more = list(self._indented(indent))
        if not comments:
            return "\n".join([rest, *more])
        lines = [_COMMENT.sub("", line).strip() for line in (rest, *more)]
        if any(not line and whole.strip() for line, whole in zip(lines[1:], more, strict=True)):
            raise self._unreadable("a comment stands within a text that goes over several lines")
        text = "\n".join(lines).strip()
        if re.search(r":(\s|$)", text):  # no YAML, or a key in a form that is not read here
            raise self._unreadable("a text without quotes holds a colon and a space")
        return text

    def _refuse_more(self, indent: int) -> None:
        following = self._peek()
        if following is not None and following > indent:
            raise self._unreadable("this does not fit in here")


def _is_item(rest: str) -> bool:
    return rest == ITEM or rest.startswith("- ")
