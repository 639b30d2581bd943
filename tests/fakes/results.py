"""What runs of the fake forge left behind, and a script of what goes wrong while it is read.

results = FakeResults(clock)
results.files = {"reins-backlog-1/backlog-medium.json": b"..."}     # of every run
results.faults.append(Unreachable("not now"))                       # the next download meets it
results.gate = asyncio.Event()                                      # downloads wait until it is set
await results.waiting(2)                                            # until so many wait there
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import NoReturn

from domain.clock import Clock
from forge.results import Lane, RunsSought, SourceRun, Wanted

COMMIT = "c0de" * 10


class FakeResults:
    """See the module's docstring. Every run is over, at `COMMIT`, of the workflow ci.yml on main."""

    def __init__(self, clock: Clock) -> None:
        self.files: Mapping[str, bytes] = {}
        self.faults: deque[Exception] = deque()
        self.gate: asyncio.Event | None = None
        self.read: list[int] = []
        self.most_at_once = 0
        self._at_once = 0
        self._came = asyncio.Event()
        self._clock = clock

    async def run(self, repository: str, run_id: int) -> SourceRun | None:
        now = self._clock.now()
        url = f"https://ci.example/{run_id}"
        return SourceRun(
            run_id, 1, "ci.yml", repository, "main", COMMIT, "workflow_dispatch", True, "success", url, now, now
        )

    async def artifacts(self, run: SourceRun, wanted: Wanted) -> Mapping[str, bytes]:
        self.read.append(run.id)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        self._came.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self._at_once -= 1
        if self.faults:
            raise self.faults.popleft()
        return {name: content for name, content in self.files.items() if wanted(name.partition("/")[0])}

    async def waiting(self, many: int) -> None:
        """Return once so many downloads wait at the gate."""
        while self._at_once < many:
            self._came.clear()
            await self._came.wait()

    async def runs(self, sought: RunsSought) -> NoReturn:
        raise NotImplementedError(sought)

    async def lanes(self, run: SourceRun) -> tuple[Lane, ...]:
        raise NotImplementedError(run)
