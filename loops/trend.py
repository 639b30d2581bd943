"""Draws one trend: `python -m loops.trend < trend.json > trend.png`, a process of its own because drawing is heavy."""

import sys

from pydantic import TypeAdapter, ValidationError

from loops.trend_document import Trend

MAX_DOCUMENT_BYTES = 262_144
NOT_A_TREND = 2
NO_MATPLOTLIB = 3


def main() -> int:
    """Read a trend from standard input and write a PNG; return 0, 2 for no trend or 3 without matplotlib."""
    try:
        trend = TypeAdapter[Trend](Trend).validate_json(sys.stdin.buffer.read(MAX_DOCUMENT_BYTES))
    except ValidationError as error:
        sys.stderr.write(f"standard input holds no trend: {error.error_count()} problems\n")
        return NOT_A_TREND
    try:
        from loops.trend_picture import draw_png  # noqa: PLC0415 - matplotlib is an optional extra
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed\n")
        return NO_MATPLOTLIB
    sys.stdout.buffer.write(draw_png(trend))
    return 0


if __name__ == "__main__":
    sys.exit(main())
