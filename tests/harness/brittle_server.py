"""The real server with a room that crashes whenever somebody posts `crash`."""

from __future__ import annotations

from server.cli.main import main
from server.protocol.message_commands import Post
from server.rooms.actor import RoomActor
from server.rooms.messages import Request


class Brittle(Exception):
    """As ordered."""


receive = RoomActor.receive


def brittle(self: RoomActor, message: object) -> None:
    match message:
        case Request(command=Post(text="crash")):
            raise Brittle
    receive(self, message)


if __name__ == "__main__":
    RoomActor.receive = brittle  # type: ignore[method-assign]
    main()
