"""The two lines that open our comments: which comment it is (D11), and what it was last written from."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from domain.clock import from_text, to_text
from domain.errors import UserError
from domain.git_names import COMMIT
from forge.comments import Target
from loops.report import LoopName

MAX_WRITES_KEPT = 100  # no policy allows more than 60 an hour; a hundred times have 2,500 characters
MAX_NUMBER = 10**19  # ids have 64 bits at most
HASH_CHARACTERS = 12  # of a SHA-256 in hex: enough to see that a body has changed
_NONE = "none"
_SHA = re.compile(r"[0-9A-Za-z]{1,64}")  # as the forge or an artifact writes it; compared, never interpreted
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
_TARGET = rf"(?:pr|issue):[1-9][0-9]{{0,9}}|commit:{COMMIT}"
_FIRST = re.compile(
    rf"<!-- reins:(?P<loop>{'|'.join(LoopName)})(?P<escalation>:escalation)? v=1 target=(?P<target>{_TARGET}) -->"
)
_SECOND = re.compile(
    rf"<!-- reins:run id=(?P<id>{_NONE}|[1-9][0-9]{{0,18}}) attempt=(?P<attempt>[1-9][0-9]{{0,3}})"
    rf" started=(?P<started>{_TIME}) sha=(?P<sha>[0-9A-Za-z]{{1,64}})"
    rf" body=(?P<body>[0-9a-f]{{{HASH_CHARACTERS}}}) writes=(?P<writes>{_TIME}(?:,{_TIME}){{0,{MAX_WRITES_KEPT - 1}}}) -->"
)


@dataclass(frozen=True, slots=True)
class SourceStamp:
    """The run a text rests on: its id, attempt, commit, and when that attempt began; id and commit None if not known.

    Raises:
        UserError: a field that no forge has.
    """

    run_id: int | None
    attempt: int
    started_at: datetime
    sha: str | None

    def __post_init__(self) -> None:
        """Refuse what the marker could not hold."""
        if self.run_id is not None and not 0 < self.run_id < MAX_NUMBER:
            raise UserError("source.run_id: must be a number above 0, or null")
        if not 0 < self.attempt < 10_000:  # noqa: PLR2004 - GitHub stops after 50
            raise UserError("source.attempt: must be a number from 1 to 9999")
        if self.sha is not None and (not _SHA.fullmatch(self.sha) or self.sha == _NONE):
            raise UserError("source.sha: must be a commit id of letters and digits, or null")

    @property
    def order(self) -> tuple[str, int, int]:
        """Return what newer runs have more of; times to the millisecond, as the marker keeps them."""
        return to_text(self.started_at), self.run_id or 0, self.attempt


@dataclass(frozen=True, slots=True)
class Marker:
    """Both lines: `target` as `pr:7`; `body` is the text's hash, `writes` when we wrote in the last hour."""

    loop: LoopName
    escalation: bool
    target: str
    source: SourceStamp
    body: str
    writes: tuple[datetime, ...]

    def text(self) -> str:
        """Return the two lines, each ended."""
        source = self.source
        kept = ",".join(to_text(at) for at in self.writes[-MAX_WRITES_KEPT:])
        kind = ":escalation" if self.escalation else ""
        return (
            f"<!-- reins:{self.loop}{kind} v=1 target={self.target} -->\n"
            f"<!-- reins:run id={source.run_id or _NONE} attempt={source.attempt} started={to_text(source.started_at)}"
            f" sha={source.sha or _NONE} body={self.body} writes={kept} -->\n"
        )


def target_word(target: Target) -> str:
    """Name a target within its repository: `pr:7`, `issue:12`, `commit:<sha>`."""
    return f"{target.kind}:{target.id}"


def body_hash(body: str) -> str:
    """Return what tells one text from another."""
    return hashlib.sha256(body.encode("utf-8")).hexdigest()[:HASH_CHARACTERS]


def read_comment(text: str) -> tuple[Marker, str] | None:
    """Return the marker and the text below it, or None for a comment that does not begin with exactly our two lines."""
    first, _, rest = text.replace("\r\n", "\n").partition("\n")  # GitHub's own editor writes CRLF
    second, _, body = rest.partition("\n")
    which, what = _FIRST.fullmatch(first), _SECOND.fullmatch(second)
    if which is None or what is None:
        return None
    try:
        writes = tuple(from_text(at) for at in what["writes"].split(","))
        started = from_text(what["started"])
    except ValueError:  # of the right shape, but no such day
        return None
    run_id = None if what["id"] == _NONE else int(what["id"])
    sha = None if what["sha"] == _NONE else what["sha"]
    source = SourceStamp(run_id, int(what["attempt"]), started, sha)
    return Marker(
        LoopName(which["loop"]), which["escalation"] is not None, which["target"], source, what["body"], writes
    ), body
