"""A second process for the tests: commits notices and audit rows as fast as it can and says each number once it is safe."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from commands.ledger import event
from store.sqlite import SqliteStore
from store.tables import Tables
from tests.fakes.virtual_time import START

WRITERS = 8


async def main(path: Path, begin: int) -> None:
    store = SqliteStore(path)
    await store.open()
    numbers = count(begin)

    def write(tables: Tables, key: str) -> None:
        tables.thread.add("owner", key, b"x", START)
        tables.audit.append(event(START, "note", key, "done", {}))

    async def keep_writing() -> None:
        for number in numbers:
            key = str(number)
            await store.transact(lambda tables, one=key: write(tables, one))  # type: ignore[misc]
            sys.stdout.write(f"{key}\n")
            sys.stdout.flush()

    await asyncio.gather(*(keep_writing() for _ in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
