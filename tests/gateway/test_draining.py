"""An orderly stop: everybody is told, nobody waits for ever."""

from __future__ import annotations

import trio
import trio.lowlevel

from server.gateway.limits import GatewayLimits
from server.protocol.closing import CloseCode
from server.protocol.events import Pong
from server.protocol.outgoing import Outgoing
from server.sessions.messages import Congested
from tests.gateway.doorway import Client, open_door, until


async def close_code_into(client: Client, codes: list[int]) -> None:
    codes.append(await client.close_code())


async def test_every_connection_hears_that_the_server_is_draining() -> None:
    codes: list[int] = []
    async with trio.open_nursery() as nursery, open_door(GatewayLimits(stop_seconds=60.0)) as door:
        for _ in range(20):
            nursery.start_soon(close_code_into, await door.welcomed(), codes)
        nursery.start_soon(close_code_into, await door.websocket(), codes)
        connections = door.connections
        door.system._root.stop()
        await until(lambda: len(codes) == 21)
    assert set(codes) == {CloseCode.DRAINING}
    assert not any(connection.alive for connection in connections)


async def test_who_does_not_answer_is_not_waited_for() -> None:
    limits = GatewayLimits(stop_seconds=0.3, close_seconds=60.0, outbound_bytes=32 * 1024)
    with trio.fail_after(10):
        async with open_door(limits) as door:
            await door.welcomed()
            await door.welcomed(receive_buffer=4 * 1024)
            deaf = door.connections[1]
            for _ in range(100):
                if door.noted(Congested):
                    break
                deaf.tell(Outgoing([Pong(id="x" * 10_000)]))
                await trio.sleep(0.001)
            assert door.noted(Congested)
            reactor = door.gateway.reactor
    assert reactor.registered == 0
