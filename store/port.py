"""The port to durable state: plain synchronous functions over tables, run inside one transaction."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from store.tables import Tables

T = TypeVar("T")


class StoreUnwritable(Exception):  # noqa: N818 - it states a condition the caller must answer, not a fault
    """Nothing can be written now (disk full, read-only, time out); reads may still answer."""


class Store(Protocol):
    """Durable state. `fn` may run more than once for one call and must not touch anything but its tables."""

    async def transact(self, fn: Callable[[Tables], T]) -> T:
        """Run `fn` in a write transaction; when this returns, what it wrote survives a crash.

        Raises:
            StoreUnwritable: nothing was written.
            Exception: whatever `fn` raised; nothing of it was written.
        """
        ...

    async def read(self, fn: Callable[[Tables], T]) -> T:
        """Run `fn` on a consistent, read-only view."""
        ...
