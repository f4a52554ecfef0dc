"""What operators are told of a server, whether it is one process or several."""

from __future__ import annotations

from typing import Protocol

from starlette.responses import Response

from server.metrics.exposition import Family
from server.operators.oneself import By, Ranked, Tracing


class Whole(Protocol):
    """`Oneself` where there is one process, `Colleagues` where there are several."""

    async def check(self) -> None:
        """Raises `Refusal` while no traffic is wanted, or not everywhere."""
        ...

    async def families(self) -> list[Family]:
        """All metrics."""
        ...

    async def tree(self, most: int) -> str:
        """The supervision tree, a line a child, with at most so many children of each dynamic supervisor."""
        ...

    async def top(self, by: By, most: int) -> list[Ranked]:
        """Who has most, the first of them first."""
        ...

    async def trace(self, tracing: Tracing) -> Response:
        """What one actor is told, as it is told it. Raises `Refusal`."""
        ...

    async def has(self, path: str) -> bool:
        """Whether there is an actor of this path."""
        ...
