"""Drawing a trend for a phone's width: known values as a line or bars, unknown ones as marked gaps."""

import io
import math
from datetime import UTC, timedelta

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from domain.runs import RunState
from domain.untrusted import clean_line
from loops.trend_document import RunPoint, RunTrend, ScorePoint, ScoreTrend, Trend

INCHES = (4.2, 3.0)  # a phone shows a picture about 2.6 inches wide: 10 points here are 6 there, the least one can read
DOTS_PER_INCH = 240
MOST_SCORES = 60
MOST_RUNS = 12  # handles stay legible below that many bars
MAX_TITLE_CHARACTERS = 44
INK, GREY, HATCH, PALE = "#1f2933", "#616e7c", "#cbd2d9", "#e4e7eb"
GREEN, RED, BLUE = "#1b7f4d", "#c62828", "#1565c0"
UNKNOWN = "?"
# A sign beside each colour: one man in twelve cannot tell green from red.
_LOOKS = {
    RunState.SUCCEEDED: (GREEN, "✓", "succeeded"),
    RunState.FAILED: (RED, "✗", "failed"),
    RunState.REFUSED: (RED, "⊘", "refused"),
    RunState.CANCELLED: (GREY, "■", "cancelled"),
    RunState.UNKNOWN: (GREY, UNKNOWN, "unknown"),
}
_STILL_OPEN = (BLUE, "…", "not over")
SIGNS_A_LINE = 3
DAYS_ONLY_FROM = timedelta(days=3)


def draw_png(trend: Trend) -> bytes:
    """Return the picture as PNG."""
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    _furnish(axes, trend.title)
    if isinstance(trend, ScoreTrend):
        _draw_scores(axes, trend)
    else:
        _draw_runs(axes, trend)
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


def _furnish(axes: Axes, title: str) -> None:
    # Parsing `$` as mathematics would fail on a name that holds one.
    axes.set_title(
        clean_line(title, MAX_TITLE_CHARACTERS), loc="left", fontsize=11, color=INK, weight="bold", parse_math=False
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=GREY, labelsize=9, length=0)


def _draw_scores(axes: Axes, trend: ScoreTrend) -> None:
    points = trend.points[-MOST_SCORES:]
    known = [point for point in points if point.score_basis_points is not None]
    if not known:
        _say(axes, "No score is known.")
        return
    moments = [point.at.astimezone(UTC) for point in points]
    # NaN breaks the line: nothing is drawn from one known score to the next across an unknown one.
    axes.plot(moments, [_percent(point) for point in points], color=BLUE, linewidth=1.8)  # type: ignore[arg-type]  # dates are plotted as they are
    for point, moment in zip(points, moments, strict=True):
        if point.score_basis_points is not None:
            face = "white" if point.provisional else BLUE
            axes.plot([moment], [_percent(point)], "o", color=BLUE, markerfacecolor=face, markersize=4.5)  # type: ignore[arg-type]  # as above
    low, high = _limits(known, trend.threshold_basis_points)
    axes.set_ylim(low, high)
    for point, moment in zip(points, moments, strict=True):
        if point.score_basis_points is None:
            axes.axvline(moment, color=PALE, linewidth=7, zorder=0)  # type: ignore[arg-type]  # as above
            axes.text(moment, low, UNKNOWN, ha="center", va="bottom", fontsize=10, color=GREY)  # type: ignore[arg-type]  # as above
    if trend.threshold_basis_points is not None:
        wanted = trend.threshold_basis_points / 100
        axes.axhline(wanted, color=RED, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(
            0,
            wanted,
            f"threshold {wanted:g} %",
            transform=axes.get_yaxis_transform(),
            va="bottom",
            fontsize=9,
            color=RED,
        )
    axes.set_xlabel(_legend(points), fontsize=9, color=GREY, loc="left")
    days_only = moments[-1] - moments[0] >= DAYS_ONLY_FROM
    locator = AutoDateLocator(tz=UTC, minticks=2, maxticks=4 if days_only else 3)  # type: ignore[no-untyped-call]  # the library left it untyped
    axes.xaxis.set_major_locator(locator)
    shown = DateFormatter("%d %b" if days_only else "%d %b %H:%M", tz=UTC)  # type: ignore[no-untyped-call]  # as above
    axes.xaxis.set_major_formatter(shown)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _position: f"{value:g} %")


def _percent(point: ScorePoint) -> float:
    return math.nan if point.score_basis_points is None else point.score_basis_points / 100


def _limits(known: list[ScorePoint], threshold: int | None) -> tuple[float, float]:
    """Return the range of the axis in percent: all values with some room, at least ten wide."""
    values = [_percent(point) for point in known] + ([] if threshold is None else [threshold / 100])
    low, high = max(0.0, min(values) - 4), min(101.0, max(values) + 4)
    return (low, high) if high - low >= 10 else (max(0.0, high - 10), high)  # noqa: PLR2004 - the ten of the docstring


def _legend(points: tuple[ScorePoint, ...]) -> str:
    """Return the words below: the newest score, and what the signs mean that are there to be seen."""
    newest = points[-1]
    last = "newest unknown" if newest.score_basis_points is None else f"newest {newest.score_basis_points / 100:g} %"
    unknown = sum(point.score_basis_points is None for point in points)
    parts = [last]
    if any(point.provisional for point in points):
        parts.append("○ provisional")
    if unknown:
        parts.append(f"{UNKNOWN} unknown ({unknown} of {len(points)})")
    return "   ".join(parts)


def _draw_runs(axes: Axes, trend: RunTrend) -> None:
    points = trend.points[-MOST_RUNS:]
    if not points:
        _say(axes, "There were no runs.")
        return
    minutes = [point.seconds / 60 for point in points if point.seconds is not None]
    top = max(minutes, default=0.0) or 1.0
    for place, point in enumerate(points):
        _draw_run(axes, place, point, top)
    axes.set_xlim(-0.7, len(points) - 0.3)
    axes.set_ylim(0, top * 1.2)
    axes.set_xticks(range(len(points)), [clean_line(point.handle, 5) for point in points])
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(lambda value, _position: f"{value:g} min")
    axes.set_xlabel(_signs(points), fontsize=9, color=GREY, loc="left")


def _draw_run(axes: Axes, place: int, point: RunPoint, top: float) -> None:
    colour, sign, _ = _LOOKS.get(point.state, _STILL_OPEN)
    if point.seconds is None:
        # As high as the tallest, so that nobody reads a short run in it.
        axes.bar(place, top, width=0.7, facecolor="none", edgecolor=HATCH, hatch="///", linewidth=0.8)
    else:
        axes.bar(place, point.seconds / 60, width=0.7, color=colour)
    height = top if point.seconds is None else point.seconds / 60
    axes.text(place, height + top * 0.03, sign, ha="center", va="bottom", fontsize=11, color=colour, weight="bold")


def _signs(points: tuple[RunPoint, ...]) -> str:
    """Return the words below: what the signs mean that are there to be seen."""
    looks = dict.fromkeys(_LOOKS.get(point.state, _STILL_OPEN) for point in points)
    signs = [f"{sign} {meaning}" for _, sign, meaning in looks]
    lines = ["   ".join(signs[at : at + SIGNS_A_LINE]) for at in range(0, len(signs), SIGNS_A_LINE)]
    if any(point.seconds is None for point in points):
        lines.append("hatched: how long it takes is not known")
    return "\n".join(lines)


def _say(axes: Axes, sentence: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, sentence, transform=axes.transAxes, ha="center", va="center", fontsize=11, color=GREY)
