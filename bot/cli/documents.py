"""Writing a command's result: to standard output, or whole to the file the person named."""

import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

from domain.errors import UserError


def write_result(chunks: Iterable[bytes], output: Path | None) -> None:
    """Write to `output`, or to standard output where it is None.

    Raises:
        UserError: the file cannot be written; what stood there before is untouched.
    """
    if output is None:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    try:
        _write_whole(chunks, output)
    except OSError as error:
        raise UserError(f"{output}: cannot be written ({error.strerror}); name a file in a folder of yours") from error


def _write_whole(chunks: Iterable[bytes], output: Path) -> None:
    # A temporary file is private, which suits an audit log; whoever wants to share it decides that.
    with NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as file:
        fresh = Path(file.name)
        try:
            file.writelines(chunks)
            file.flush()
            fresh.replace(output)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


def read_input(path: Path, limit_bytes: int) -> bytes:
    """Read a file the person named.

    Raises:
        UserError: it is not there, cannot be read or is larger than `limit_bytes`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a file that is there") from error
    if len(content) > limit_bytes:
        raise UserError(f"{path}: has more than {limit_bytes} bytes; name the right file")
    return content
