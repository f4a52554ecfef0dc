"""A far end of one HTTP call that answers what the test says."""

from __future__ import annotations

import h11
import trio
from trio.testing import memory_stream_pair

from clients.endpoint import Endpoint


def answer(status: int, body: bytes = b"", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n\r\n%s" % (status, size, body)


class FarEnd:
    """Takes one request, gives `reply` and closes; None: says nothing at all."""

    def __init__(self, nursery: trio.Nursery, reply: bytes | None) -> None:
        self._nursery = nursery
        self._reply = reply
        self.request: h11.Request | None = None
        self.body = b""

    async def connect(self, endpoint: Endpoint) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        here, there = memory_stream_pair()
        self._nursery.start_soon(self._serve, there)
        return here

    async def _serve(self, stream: trio.abc.Stream) -> None:
        parser = h11.Connection(h11.SERVER)
        async with stream:
            while type(event := parser.next_event()) is not h11.EndOfMessage:
                match event:
                    case h11.Request():
                        self.request = event
                    case h11.Data():
                        self.body += bytes(event.data)
                    case _:
                        parser.receive_data(bytes(await stream.receive_some()))
            if self._reply is None:
                await trio.sleep_forever()
            else:
                await stream.send_all(self._reply)
