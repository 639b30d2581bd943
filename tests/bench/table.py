"""What came out of a measurement, and how it stands against its aim, as a plain text table."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aim:
    """A limit from the design's section "Figures to hold"."""

    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `detail` holds the absolute numbers behind a ratio. Without an aim it is shown for context."""

    name: str
    value: float
    unit: str
    aim: Aim | None = None
    detail: str = ""

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        return "ok" if self.aim.met(self.value) else "below"


def render(figures: Sequence[Figure]) -> str:
    """Return the table, one line a figure."""
    rows = [("figure", "measured", "aim", "", "behind it"), *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    )


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    aim = ""
    if figure.aim is not None:
        aim = f"{'>=' if figure.aim.at_least else '<='} {_number(figure.aim.limit)}"
    return figure.name, f"{_number(figure.value)} {figure.unit}", aim, figure.verdict, figure.detail


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
