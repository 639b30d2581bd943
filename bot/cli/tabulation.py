"""Columns of text that line up on a terminal and stay plain in a pipe."""

from collections.abc import Sequence

GAP = "  "


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line per row, every cell but the last padded to its column's widest."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        GAP.join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]
