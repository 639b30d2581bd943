"""What a message was answered with: shown to the sender, and kept with the message so that a repeat gets the same."""

from dataclasses import dataclass, replace

import orjson

from domain.decisions import Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply and where it stands in the record. `text` is None where silence is the answer.

    `repeated` tells that the message had been answered before and nothing new happened; `problem` is the log id of a
    fault of ours. `recorded` is false where nothing about the message could be kept: its provider must not be told
    that it was taken in.
    """

    text: str | None
    keys: tuple[str, ...] = ()
    verdict: Verdict | None = None
    rule: str | None = None
    receipt: str | None = None
    repeated: bool = False
    problem: str | None = None
    recorded: bool = True

    def to_json(self) -> bytes:
        """Return the answer as it is kept in the inbox."""
        verdict = self.verdict.value if self.verdict else None
        return orjson.dumps([self.text, self.keys, verdict, self.rule, self.receipt])

    @classmethod
    def from_json(cls, body: bytes) -> "Answer":
        """Read an answer back from the inbox."""
        text, keys, verdict, rule, receipt = orjson.loads(body)
        return cls(text, tuple(keys), Verdict(verdict) if verdict else None, rule, receipt)

    def again(self) -> "Answer":
        """Return the same answer, marked as a repeat."""
        return replace(self, repeated=True)
