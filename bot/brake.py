"""The brake: the part of the kill switch that works with a file, and in memory when even that cannot be written."""

import os
from pathlib import Path

import structlog

OUR_MARK = b"pulled by reins while the audit log could not be written\n"
log = structlog.get_logger("brake")


class FileBrake:
    """A `HALT` file holds the mode at off. Whoever made it removes it; the bot removes only what this process made."""

    def __init__(self, halt_file: Path) -> None:
        """Watch this file."""
        self._file = halt_file
        self._path = str(halt_file)
        self._pulled_here = False
        self._made_here = False

    def pulled(self) -> bool:
        """Tell whether the file is there, or the brake was pulled in this process. A folder that cannot be read halts."""
        if self._pulled_here:
            return True
        try:
            os.stat(self._path)  # noqa: PTH116 - on the path of every message, and pathlib doubles its cost
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def pull(self) -> None:
        """Hold the mode at off from now on; the file makes that outlive this process where the disk allows it."""
        self._pulled_here = True
        try:
            with self._file.open("xb") as file:
                self._made_here = True
                file.write(OUR_MARK)
        except FileExistsError:
            return
        except OSError as error:
            log.warning("halt_file_unwritable", error=str(error))

    def release_ours(self) -> None:
        """Let go of our own pull: the stored mode says off by now.

        A file that people made stays, also an empty one (`touch HALT`), and so does one of an earlier process: what that
        one was told is not in the stored mode.
        """
        self._pulled_here = False
        if not self._made_here:
            return
        try:
            # A full disk may have kept our file without its content; other content is somebody's who took it over.
            if self._file.read_bytes() in (OUR_MARK, b""):
                self._file.unlink()
        except FileNotFoundError:
            log.info("halt_file_gone")
        except OSError as error:
            log.warning("halt_file_stays", error=str(error))
            return
        self._made_here = False
