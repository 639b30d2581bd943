"""Starts the bot again and again without importing it each time: forks itself, and each child is `reins serve`.

Reads a line from standard input for each start, answers with the child's process id, and, when that has ended, with its
wait status. The child writes its log to the file named as the only argument.
"""

import os
import sys
from pathlib import Path

import bot.serve  # noqa: F401 - what the child would import first, which takes ten times as long as everything else
from bot.cli.application import main


def run_child(log: Path) -> None:
    with log.open("ab", buffering=0) as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os._exit(main(["serve", "--no-link"]))


for _order in sys.stdin:
    child = os.fork()
    if child == 0:
        run_child(Path(sys.argv[1]))
    sys.stdout.write(f"{child}\n")
    sys.stdout.flush()
    sys.stdout.write(f"{os.waitpid(child, 0)[1]}\n")
    sys.stdout.flush()
