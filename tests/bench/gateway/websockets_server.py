"""A peer: the asyncio server of `websockets`, which tells everyone what anyone says. It prints its port.

As its documentation has it: `broadcast()` over the open connections. It pings as often as it does by default, but never
gives up a client that is slow to answer because 18,000 others are; compression is off, as it is in Hubbub.
"""

from __future__ import annotations

import asyncio
import contextlib

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError


async def main() -> None:
    everyone: set[ServerConnection] = set()

    async def attend(connection: ServerConnection) -> None:
        everyone.add(connection)
        with contextlib.suppress(ConnectionClosedError):
            async for message in connection:
                broadcast(everyone, message)
        everyone.discard(connection)

    async with serve(
        attend, "127.0.0.1", 0, compression=None, backlog=1_024, open_timeout=60, ping_timeout=None
    ) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
