"""Drawing trends: what is unknown is shown as unknown, and drawing never harms the bot."""

import io
import math
import subprocess
import sys
from datetime import timedelta

import numpy as np
import orjson
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from domain.runs import RunState
from loops.trend_document import RunPoint, RunTrend, ScorePoint, ScoreTrend, Trend
from loops.trend_picture import _draw_runs, _draw_scores
from loops.trend_process import PNG_SIGNATURE, PROGRAM, ROOT, draw
from tests.fakes.virtual_time import START


def scores(*basis_points: int | None, threshold: int | None = None, title: str = "Mutation score") -> ScoreTrend:
    points = (ScorePoint(START + timedelta(days=day), value) for day, value in enumerate(basis_points))
    return ScoreTrend(title, tuple(points), threshold)


def drawn_scores(trend: ScoreTrend) -> Axes:
    axes = Figure().add_subplot()
    _draw_scores(axes, trend)
    return axes


def drawn_runs(*points: RunPoint) -> Axes:
    axes = Figure().add_subplot()
    _draw_runs(axes, RunTrend("Runs", points))
    return axes


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_an_unknown_score_breaks_the_line_and_is_marked() -> None:
    axes = drawn_scores(scores(8000, None, 8200))
    line: list[float] = np.asarray(axes.lines[0].get_ydata(), dtype=float).tolist()
    assert (line[0], line[2]) == (80.0, 82.0)
    assert math.isnan(line[1])
    assert words(axes) == ["?"]
    assert axes.get_xlabel() == "newest 82 %   ? unknown (1 of 3)"


def test_a_newest_score_that_is_unknown_is_said_to_be() -> None:
    assert drawn_scores(scores(8000, None)).get_xlabel().startswith("newest unknown")


def test_without_any_known_score_the_picture_says_so() -> None:
    axes = drawn_scores(scores(None, None))
    assert words(axes) == ["No score is known."]
    assert not axes.lines


def test_a_provisional_score_is_hollow() -> None:
    axes = drawn_scores(ScoreTrend("Scores", (ScorePoint(START, 8000, provisional=True), ScorePoint(START, 8100))))
    assert [line.get_markerfacecolor() for line in axes.lines[1:3]] == ["white", "#1565c0"]
    assert "○ provisional" in axes.get_xlabel()


def test_the_threshold_is_in_sight_and_named() -> None:
    axes = drawn_scores(scores(7000, 7100, threshold=9000))
    low, high = axes.get_ylim()
    assert (low < 70, high > 90) == (True, True)
    assert words(axes) == ["threshold 90 %"]


def test_a_run_of_unknown_length_is_hatched_and_no_short_bar() -> None:
    axes = drawn_runs(RunPoint("K7M", RunState.SUCCEEDED, 120), RunPoint("P2Q", RunState.UNKNOWN, None))
    assert [bar.get_hatch() or "plain" for bar in axes.patches] == ["plain", "///"]
    assert words(axes) == ["✓", "?"]
    assert axes.get_xlabel() == "✓ succeeded   ? unknown\nhatched: how long it takes is not known"


def test_every_state_has_a_sign_besides_its_colour() -> None:
    for state in RunState:
        [sign] = words(drawn_runs(RunPoint("K7M", state, 60)))
        assert sign.strip()


def test_without_runs_the_picture_says_so() -> None:
    assert words(drawn_runs()) == ["There were no runs."]


@pytest.mark.parametrize(
    "trend",
    [
        scores(8000, None, 8200, threshold=8000, title="$broken {mathematics"),
        scores(9999),
        scores(),
        RunTrend("Runs", tuple(RunPoint(str(number), RunState.FAILED, number * 60) for number in range(40))),
    ],
)
async def test_a_trend_becomes_a_picture_for_a_phone(trend: Trend) -> None:
    picture = await draw(trend)
    assert picture is not None
    assert Image.open(io.BytesIO(picture)).size == (1008, 720)


async def test_without_matplotlib_there_is_no_picture() -> None:
    hidden = "import sys; sys.modules['matplotlib'] = None; from loops.trend import main; sys.exit(main())"
    assert await draw(scores(8000), (sys.executable, "-c", hidden)) is None


async def test_a_drawing_that_takes_too_long_is_given_up_and_ended() -> None:
    endless = (sys.executable, "-c", "import signal; signal.pause()")
    assert await draw(scores(8000), endless, deadline_seconds=0.1) is None


@pytest.mark.parametrize(
    "program", ["raise SystemExit(1)", "print('no picture')", f"print({PNG_SIGNATURE!r}); raise SystemExit(4)"]
)
async def test_what_is_no_picture_is_not_taken_for_one(program: str) -> None:
    assert await draw(scores(8000), (sys.executable, "-c", program)) is None


async def test_the_process_that_draws_is_not_told_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REINS_TELEGRAM_TOKEN", "made up")
    tells = f"import os, sys; sys.stdout.buffer.write({PNG_SIGNATURE!r} + ' '.join(os.environ).encode())"
    told = await draw(scores(8000), (sys.executable, "-c", tells))
    assert told is not None
    assert b"PATH" in told
    assert b"REINS" not in told


@pytest.mark.parametrize("document", [b"", b"[]", b'{"kind": "score"}', orjson.dumps({"kind": "pie", "title": "x"})])
def test_what_is_no_trend_is_refused(document: bytes) -> None:
    refused = subprocess.run(PROGRAM, input=document, cwd=ROOT, capture_output=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert refused.stderr.startswith(b"standard input holds no trend")
