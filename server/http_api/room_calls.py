"""Rooms over HTTP, so that a script needs only curl: the list, history, and posting.

The calls go straight to the room's actor, as a session's commands do, but from nobody who is attached: the same
rules decide, in the room, and the same refusals come back.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from actors import AskFailed, Quarantined, Reply, StartFailed, StartRefused, ask
from server.accounts.asking import answer_to
from server.http_api.authentication import bearer_token
from server.http_api.bodies import json_response, read_body, read_query
from server.http_api.environment import HttpEnvironment
from server.protocol.commands import History, Limit, Post, Seq
from server.protocol.errors import Refusal, no_such_room, unavailable
from server.protocol.events import Error, Ok
from server.protocol.objects import Message, Room, User
from server.protocol.rules import looks_like_room
from server.rooms.messages import Answer
from server.rooms.messages import Request as RoomRequest
from server.store.messages import ListRooms, RoomList


class NewPost(Struct, frozen=True):
    nonce: str
    text: str
    reply_to: Seq | None = None


class HistoryQuery(Struct, frozen=True):
    before: Seq | None = None
    after: Seq | None = None
    limit: Limit = 50


class Rooms(Struct, frozen=True):
    rooms: tuple[Room, ...]


class Messages(Struct, frozen=True):
    """Ascending by `seq`; `more`: there are further ones in the direction that was asked for."""

    messages: list[Message]
    more: bool


class Posted(Struct, frozen=True):
    room: str
    seq: int
    at: str
    duplicate: bool


class RoomCalls:
    """The calls on behalf of a user."""

    def __init__(self, environment: HttpEnvironment) -> None:
        self._environment = environment

    async def list_rooms(self, request: Request) -> Response:
        user = await self._caller(request)
        found = await answer_to(
            self._environment.reader,
            lambda to: ListRooms(reply_to=to, user=user.user),
            RoomList,
            self._environment.seconds,
        )
        return json_response(Rooms(found.rooms))

    async def messages(self, request: Request) -> Response:
        return await (self.post(request) if request.method == "POST" else self.history(request))

    async def history(self, request: Request) -> Response:
        user = await self._caller(request)
        query = read_query(request, HistoryQuery)
        room = request.path_params["room"]
        done = await self._told(user, History(room=room, before=query.before, after=query.after, limit=query.limit))
        return json_response(Messages(done.messages or [], bool(done.more)))

    async def post(self, request: Request) -> Response:
        user = await self._caller(request)
        new = await read_body(request, NewPost, self._environment.body_bytes)
        room = request.path_params["room"]
        done = await self._told(user, Post(room=room, nonce=new.nonce, text=new.text, reply_to=new.reply_to))
        assert done.seq is not None
        assert done.at is not None
        posted = Posted(room, done.seq, done.at, bool(done.duplicate))
        return json_response(posted, HTTPStatus.OK if posted.duplicate else HTTPStatus.CREATED)

    async def _caller(self, request: Request) -> User:
        return (await self._environment.accounts.identify(bearer_token(request))).user

    async def _told(self, user: User, command: Post | History) -> Ok:
        """What the room answers. Raises `Refusal`."""
        if not looks_like_room(command.room):
            raise no_such_room()

        def question(to: Reply[Any]) -> RoomRequest:
            return RoomRequest(ref=0, reply_to=to, user=user, command=command)

        try:
            room = self._environment.rooms.find_or_start(command.room, command.room)
            answer: Answer = await ask(room, question, self._environment.seconds)
        except Quarantined as quarantined:
            raise unavailable(round(quarantined.retry_after * 1000)) from None
        except (AskFailed, StartRefused, StartFailed) as failure:
            raise unavailable() from failure
        match answer.reply:
            case Ok() as done:
                return done
            case Error(code=code, message=message, retry_after=retry_after):
                raise Refusal(code, message, retry_after)
