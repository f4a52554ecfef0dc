"""Draining: the last to start of what carries connections, so the first to stop; it closes them while all still works.

At an orderly stop every connection gets its close frame (4001) behind what was said to it before, and a limited time to
answer it. What is left then is closed by the supervisor, without waiting.
Left out: `reconnect {after, window}` in waves, which will stand here.
"""

from __future__ import annotations

from typing import Final

import trio

from actors import TaskContext
from server.gateway.gateway import Gateway
from server.protocol.closing import CloseCode
from server.sessions.messages import Close

_LOOK_EVERY: Final = 0.02


class Draining:
    """The task that waits for the stop. Give it a shutdown time-out above `stop_seconds`."""

    __slots__ = ("_gateway",)

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def run(self, context: TaskContext) -> None:
        context.started()
        try:
            await trio.sleep_forever()
        finally:
            with context.finishing() as finishing:
                finishing.deadline = trio.current_time() + self._gateway.limits.stop_seconds
                await self._drain(context)  # noqa: ASYNC102 - `finishing` is a shield with a deadline

    async def _drain(self, context: TaskContext) -> None:
        connections = context.system.dynamic(self._gateway.connections)
        goodbye = Close(code=CloseCode.DRAINING)
        for connection in connections.children():
            connection.answer(goodbye)
        while len(connections):  # noqa: ASYNC110 - they end one by one, and nobody is told of the last
            await trio.sleep(_LOOK_EVERY)
