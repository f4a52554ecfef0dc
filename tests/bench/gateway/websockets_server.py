"""A peer: the asyncio server of `websockets`, which tells everyone what anyone says. It prints its port.

As its documentation has it: `broadcast()` over the open connections. Its pings are as they are by default;
compression is off, as it is in Hubbub.
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

    async with serve(attend, "127.0.0.1", 0, compression=None, backlog=1_024) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
