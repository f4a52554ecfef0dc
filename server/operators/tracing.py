"""One actor's messages, redacted, as they come: a response of JSON lines that ends by itself.

Whoever looks slows nobody down: what it does not read in time is dropped, and the last line says how much. When the
reader leaves, the trace ends.
"""

from __future__ import annotations

from typing import Final

import msgspec
import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from actors import Address, Inbox, Received, trace
from server.operators.redaction import redacted

_MOST_WAITING: Final = 1_000
_LINES_AT_ONCE: Final = 100


class TraceResponse(Response):
    """The trace, which begins here.

    Parameters
    ----------
    seconds, most
        When it ends: after this time, or after so many messages.

    Raises
    ------
    Lifeless, AlreadyTraced
        As `actors.trace` does.
    """

    media_type = "application/x-ndjson"

    def __init__(self, address: Address, seconds: float, most: int) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._inbox = Inbox(_MOST_WAITING)
        self._begin = trio.current_time()
        self._seconds = seconds
        self._trace = trace(address, self._inbox, seconds=seconds, most=most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"", "more_body": True})  # so that the head leaves now
            async with trio.open_nursery() as nursery:
                nursery.start_soon(until_gone, receive, nursery.cancel_scope)
                await self._send_lines(send)
                nursery.cancel_scope.cancel()
        finally:
            self._trace.stop()

    async def _send_lines(self, send: Send) -> None:
        while self._trace.pending or self._inbox.statistics().waiting:
            received: list[object] = []
            with trio.move_on_at(self._begin + self._seconds):
                received = await self._inbox.take(_LINES_AT_ONCE)
            received = received or self._inbox.take_nowait(_LINES_AT_ONCE)
            lines = b"".join(self._line(each) for each in received if isinstance(each, Received))
            await send({"type": "http.response.body", "body": lines, "more_body": True})
            await trio.lowlevel.checkpoint()
        last = msgspec.json.encode({"told": self._trace.told, "dropped": self._trace.dropped})
        await send({"type": "http.response.body", "body": last + b"\n"})

    def _line(self, received: Received) -> bytes:
        seen = {
            "seconds": round(received.time - self._begin, 6),
            "incarnation": received.incarnation,
            **redacted(received.message),
        }
        return msgspec.json.encode(seen) + b"\n"


async def until_gone(receive: Receive, reading: trio.CancelScope) -> None:
    """Cancel `reading` when whoever asked leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    reading.cancel()
