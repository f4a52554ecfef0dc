"""A nursery that outlives a cancellation from outside, for a good-bye."""

from __future__ import annotations

import trio


class Shelter:
    """Runs as a task of its own."""

    __slots__ = ("_nursery", "_opened")

    def __init__(self) -> None:
        self._opened = trio.Event()
        self._nursery: trio.Nursery

    async def run(self) -> None:
        """Until `close`."""
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as self._nursery:
                self._opened.set()
                await trio.sleep_forever()

    async def opened(self) -> trio.Nursery:
        with trio.CancelScope(shield=True):
            await self._opened.wait()
        return self._nursery

    def close(self) -> None:
        self._nursery.cancel_scope.cancel()
