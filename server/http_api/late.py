"""An application that is made with its first request.

A process of many may never get one, and would have the application for itself all the same: its routes alone write to
dozens of the pages that it shares with its parent (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class LateApplication:
    """See the top of this file. It may be had before that of which it is to be made."""

    __slots__ = ("_app", "_make")

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._make: Callable[[], ASGIApp] | None = None

    def open(self, make: Callable[[], ASGIApp]) -> None:
        """Before the first request; again, if the next one is to have another application."""
        self._app, self._make = None, make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            assert self._make is not None, "who listens has opened it before"
            self._app = self._make()
        await self._app(scope, receive, send)
