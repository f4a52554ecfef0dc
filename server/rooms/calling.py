"""Putting one command to a room from a trio task, on behalf of a user who is not attached there.

A room that rests, or moves to another node, is looked for again, as sessions do: nobody has answered, and what is put
twice is known as such, by its nonce or because it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import trio

from actors import AskFailed, Quarantined, Reply, StartFailed, StartRefused, Stopped, ask
from server.protocol.commands import RoomCommand, Unspoken
from server.protocol.errors import Refusal, no_such_room, unavailable
from server.protocol.objects import User
from server.protocol.replies import Error, Ok
from server.protocol.rules import looks_like_room
from server.rooms.finding import Rooms
from server.rooms.messages import Answer, Request

MOVING_SECONDS: Final = 3.0  # a room that is handed over is found again within one
LOOK_AGAIN_SECONDS: Final = 0.1


async def told_by_room(rooms: Rooms, user: User, command: RoomCommand | Unspoken, seconds: float) -> Ok:
    """What the room answers within `seconds`. Raises `Refusal`."""
    room = command.room or ""
    if not looks_like_room(room):
        raise no_such_room()

    def question(to: Reply[Any]) -> Request:
        return Request(ref=0, reply_to=to, user=user, command=command)

    try:
        answer = await _answer(rooms, room, question, seconds)
    except Quarantined as quarantined:
        raise unavailable(round(quarantined.retry_after * 1000)) from None
    except (AskFailed, StartRefused, StartFailed) as failure:
        raise unavailable() from failure
    match answer.reply:
        case Ok() as done:
            return done
        case Error(code=code, message=message, retry_after=retry_after):
            raise Refusal(code, message, retry_after)


async def _answer(rooms: Rooms, key: str, question: Callable[[Reply[Any]], Request], seconds: float) -> Answer:
    """Raises what `find_or_start` and `ask` raise; a room that has stopped in order only if it goes on doing so."""
    begun = trio.current_time()
    while True:
        room = rooms.find_or_start(key)
        try:
            return await ask(room, question, begun + seconds - trio.current_time())
        except Stopped:
            if trio.current_time() - begun >= MOVING_SECONDS:
                raise
        await trio.sleep(LOOK_AGAIN_SECONDS)
