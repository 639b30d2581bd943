"""Taking fields out of parsed JSON: each reader checks the shape and, when it is wrong, says file and field."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import from_text
from domain.untrusted import clean_line
from loops.artifacts import UPLOAD_AGAIN, ArtifactError, ArtifactFile, read_json

MAX_COUNT = 1_000_000_000  # no tool makes more of anything; keeps every sum far below 2**63
CLOCK_SKEW = timedelta(minutes=5)  # two machines that both use NTP never differ by more
SHOWN_CHARACTERS = 40  # enough of a wrong value to recognise it


def read_record(file: ArtifactFile) -> "Record":
    """Read one file that must hold a JSON object.

    Raises:
        ArtifactError: as `read_json`, or it holds something else.
    """
    return as_record(read_json(file), file.name, "")


def as_record(value: object, file: str, place: str) -> "Record":
    """Take a JSON value as an object, or say which place holds none; the document itself has the empty place."""
    if not isinstance(value, dict):
        raise ArtifactError(file, place or None, f"must be an object, not {_shape(value)}")
    return Record(file, place, value)


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object with the place it was found at, so that every complaint can name it.

    Readers for one field each: the plain ones need the field, the `optional_` ones give None for null or absent.
    All raise ArtifactError for a wrong shape.
    """

    file: str
    place: str
    values: dict[str, object]

    def wrong(self, field: str, problem: str, mend: str = UPLOAD_AGAIN) -> ArtifactError:
        """Make the complaint about one field."""
        return ArtifactError(self.file, self._below(field), problem, mend)

    def _below(self, field: str) -> str:
        return f"{self.place}.{field}" if self.place else field

    def optional_text(self, field: str) -> str | None:
        """Read a string of any length."""
        value = self.values.get(field)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(field, f"must be text, not {_shape(value)}")

    def text(self, field: str) -> str:
        """Read a string that must be there."""
        value = self.optional_text(field)
        if value is None:
            raise self.wrong(field, "is missing")
        return value

    def optional_truth(self, field: str) -> bool | None:
        """Read a truth value."""
        value = self.values.get(field)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(field, f"must be true or false, not {_shape(value)}")

    def optional_count(self, field: str, most: int = MAX_COUNT) -> int | None:
        """Read a whole number from 0 to `most`."""
        value = self.values.get(field)
        if value is None:
            return None
        # bool is a subclass of int, and `true` is no count.
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise self.wrong(field, f"must be a whole number from 0 to {most}, not {_shape(value)}")
        return value

    def count(self, field: str) -> int:
        """Read a whole number that must be there."""
        value = self.optional_count(field)
        if value is None:
            raise self.wrong(field, "is missing")
        return value

    def optional_record(self, field: str) -> "Record | None":
        """Read an object inside this one."""
        value = self.values.get(field)
        return None if value is None else as_record(value, self.file, self._below(field))

    def record(self, field: str) -> "Record":
        """Read an object that must be there."""
        inner = self.optional_record(field)
        if inner is None:
            raise self.wrong(field, "is missing")
        return inner

    def records(self, field: str) -> list["Record"]:
        """Read a list of objects that must be there."""
        value = self.values.get(field)
        if not isinstance(value, list):
            raise self.wrong(field, f"must be a list, not {_shape(value)}")
        place = self._below(field)
        return [as_record(item, self.file, f"{place}[{index}]") for index, item in enumerate(value)]

    def optional_time(self, field: str, now: datetime) -> datetime | None:
        """Read a past moment with its zone, in UTC; up to five minutes ahead of `now` is clock skew (D36)."""
        text = self.optional_text(field)
        if text is None:
            return None
        try:
            moment = from_text(text)
        except (ValueError, OverflowError) as error:
            mend = "write it with its zone, like 2026-11-22T14:02:00Z"
            raise self.wrong(field, f"is no time with a zone ({clean_line(text, SHOWN_CHARACTERS)})", mend) from error
        if moment > now + CLOCK_SKEW:
            raise self.wrong(
                field, f"lies in the future ({clean_line(text, SHOWN_CHARACTERS)})", "check the clock of that machine"
            )
        return moment


def _shape(value: object) -> str:
    """Name a JSON value's kind without repeating what may be in it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return f"the number {value}"[:SHOWN_CHARACTERS]
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"
