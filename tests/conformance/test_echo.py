"""The echo mode itself."""

from __future__ import annotations

from server.protocol.closing import CloseCode
from tests.conformance.echo import open_echo
from tests.gateway.doorway import text


async def test_it_says_back_and_is_closed_in_order_when_the_server_stops() -> None:
    async with open_echo() as door:
        client = await door.websocket()
        await client.send(text("hello"))
        assert await client.frame() == (1, b"hello")
        door.system._root.stop()
        assert await client.close_code() == CloseCode.DRAINING
