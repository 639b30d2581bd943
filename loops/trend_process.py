"""Having a trend drawn by a process of its own: 60 MB and a second of work that never touch the bot."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import structlog

from domain.untrusted import clean_line
from loops.trend_document import Trend

DEADLINE_SECONDS = 20.0  # the very first drawing on a machine also builds matplotlib's list of fonts
MAX_PICTURE_BYTES = 2 * 1024 * 1024
MAX_COMPLAINT_BYTES = 300  # the last line of a traceback
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
ROOT = Path(__file__).resolve().parents[1]
PROGRAM = (sys.executable, "-m", "loops.trend")
# Nothing else of our environment: it holds the providers' secrets.
_NEEDED = frozenset({"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "MPLCONFIGDIR", "SYSTEMROOT"})
log = structlog.get_logger("trend")


async def draw(
    trend: Trend, program: Sequence[str] = PROGRAM, deadline_seconds: float = DEADLINE_SECONDS
) -> bytes | None:
    """Return the picture as PNG, or None where it cannot be drawn; why is in the log. A picture is never essential."""
    process = await asyncio.create_subprocess_exec(
        *program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name in _NEEDED},
    )
    try:
        async with asyncio.timeout(deadline_seconds):
            picture, complaint = await process.communicate(orjson.dumps(trend, option=orjson.OPT_UTC_Z))
    except TimeoutError:
        log.warning("trend_not_drawn", problem=f"not done after {deadline_seconds:g} s")
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not picture.startswith(PNG_SIGNATURE) or len(picture) > MAX_PICTURE_BYTES:
        problem = clean_line(complaint[-MAX_COMPLAINT_BYTES:].decode(errors="replace"), MAX_COMPLAINT_BYTES)
        log.warning("trend_not_drawn", problem=problem, exit_code=process.returncode, picture_bytes=len(picture))
        return None
    return picture
