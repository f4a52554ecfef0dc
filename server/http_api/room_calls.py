"""Rooms over HTTP, so that a script needs only curl: the list, history, and posting.

The calls go straight to the room's actor, as a session's commands do, but from nobody who is attached: the same
rules decide, in the room, and the same refusals come back.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType, field, structs
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.asking import answer_to
from server.contracts.call import Call
from server.http_api.authentication import caller
from server.http_api.bodies import json_response, read_body, read_query
from server.http_api.environment import HttpEnvironment
from server.protocol.bases import Seq
from server.protocol.errors import ErrorCode
from server.protocol.fields import EntrySeq, Moment, Nonce, Query, RoomId, Text, Time
from server.protocol.fields import SearchQuery as Words
from server.protocol.message_commands import Post
from server.protocol.objects import Channel, Hit, Message, Room, User
from server.protocol.page_commands import History, HistorySize, Search, SearchSize
from server.protocol.replies import Ok
from server.protocol.room_commands import ChannelsSize
from server.rooms.calling import told_by_room
from server.rooms.searching import question_of
from server.store.finding_messages import ChannelsPage, ReadChannels
from server.store.room_messages import ListRooms, RoomList
from server.store.search_messages import Hits


class OfRoom(Struct, frozen=True):
    """Which room a call is about."""

    room: RoomId


class NewPost(Struct, frozen=True):
    """A message to be."""

    nonce: Nonce
    text: Text
    reply_to: Seq | None = None
    thread: Annotated[
        Seq | None, Meta(description="The `seq` of the message that begins the thread which it is to be in.")
    ] = None


class HistoryQuery(Struct, frozen=True):
    """Which part of a room's history: `before` and `after` exclude each other; with neither, the newest."""

    before: Seq | UnsetType = UNSET  # None would let `?before=null` pass for a number
    after: Seq | UnsetType = UNSET
    limit: HistorySize = 50


class Rooms(Struct, frozen=True):
    """Those the caller is a member of."""

    rooms: tuple[Room, ...]


class ChannelsQuery(Struct, frozen=True):
    """Which channels: those that a `query` finds, or all; the page behind `next`."""

    query: Query | UnsetType = UNSET
    limit: ChannelsSize = 50
    next: Annotated[str, Meta(description="As the page before gave it.")] | UnsetType = UNSET


class Channels(Struct, frozen=True):
    """By name, or the best first. `next`: to ask for the next page with; null on the last."""

    channels: tuple[Channel, ...]
    next: str | None


class SearchQuery(Struct, frozen=True):
    """What is searched for, and where; as the websocket's `search`."""

    query: Words
    room: RoomId | UnsetType = UNSET
    from_: Annotated[str, Meta(description="Only what they wrote: by name or id.")] | UnsetType = field(
        default=UNSET, name="from"
    )
    after: Moment | UnsetType = UNSET
    before: Moment | UnsetType = UNSET
    limit: SearchSize = 20
    next: Annotated[str, Meta(description="As the page before gave it.")] | UnsetType = UNSET


class Found(Struct, frozen=True):
    """The newest first. `next`: to ask for the next page with; null on the last."""

    hits: list[Hit]
    next: str | None


class Messages(Struct, frozen=True):
    """Ascending by `seq`; `more`: there are further ones in the direction that was asked for."""

    messages: list[Message]
    more: bool


class Posted(Struct, frozen=True):
    """It is on disk, as this entry of the room's log."""

    room: RoomId
    seq: EntrySeq
    at: Time
    duplicate: Annotated[bool, Meta(description="Whether it was posted before, with the same nonce.")]


class RoomCalls:
    """The calls on behalf of a user."""

    def __init__(self, environment: HttpEnvironment) -> None:
        self._environment = environment

    async def list_rooms(self, request: Request) -> Response:
        """The rooms the caller is a member of."""
        user = (await caller(request, self._environment)).user
        found = await answer_to(
            self._environment.reader,
            lambda to: ListRooms(reply_to=to, user=user.user),
            RoomList,
            self._environment.seconds,
        )
        return json_response(Rooms(found.rooms))

    async def channels(self, request: Request) -> Response:
        """Channels that one may join: by name, or those that a `query` finds in names and topics."""
        user = (await caller(request, self._environment)).user
        wanted = read_query(request, ChannelsQuery)
        query = None if wanted.query is UNSET else wanted.query
        cursor = None if wanted.next is UNSET else wanted.next
        found = await answer_to(
            self._environment.reader,
            lambda to: ReadChannels(reply_to=to, reader=user.user, query=query, limit=wanted.limit, next=cursor),
            ChannelsPage,
            self._environment.seconds,
        )
        return json_response(Channels(found.channels, found.next))

    async def search(self, request: Request) -> Response:
        """Messages that have all words of `query`, in the caller's rooms or in one of them."""
        user = (await caller(request, self._environment)).user
        wanted = read_query(request, SearchQuery)
        command = Search(**{name: value for name, value in structs.asdict(wanted).items() if value is not UNSET})
        if command.room is not None:
            done = await self._told(user, command)
            return json_response(Found(done.hits or [], done.next))
        found = await answer_to(
            self._environment.reader, partial(question_of, command, user.user), Hits, self._environment.seconds
        )
        return json_response(Found(list(found.hits), found.next))

    async def history(self, request: Request) -> Response:
        """Messages of a room in their present state, ascending by `seq`: `before` one, `after` one, or the newest."""
        user = (await caller(request, self._environment)).user
        query = read_query(request, HistoryQuery)
        room = request.path_params["room"]
        before = None if query.before is UNSET else query.before
        after = None if query.after is UNSET else query.after
        done = await self._told(user, History(room=room, before=before, after=after, limit=query.limit))
        return json_response(Messages(done.messages or [], bool(done.more)))

    async def post(self, request: Request) -> Response:
        """Says something in a room.

        The answer means that it is on disk. A retry with the same `nonce` and the same content is answered with 200 and
        `duplicate: true` in place of 201.
        """
        user = (await caller(request, self._environment)).user
        new = await read_body(request, NewPost, self._environment.body_bytes)
        room = request.path_params["room"]
        post = Post(room=room, nonce=new.nonce, text=new.text, reply_to=new.reply_to, thread=new.thread)
        done = await self._told(user, post)
        assert done.seq is not None
        assert done.at is not None
        posted = Posted(room, done.seq, done.at, bool(done.duplicate))
        return json_response(posted, HTTPStatus.OK if posted.duplicate else HTTPStatus.CREATED)

    async def _told(self, user: User, command: Post | History | Search) -> Ok:
        """What the room answers. Raises `Refusal`."""
        return await told_by_room(self._environment.rooms, user, command, self._environment.seconds)


ROOM_CALLS: Final[tuple[Call[RoomCalls], ...]] = (
    Call(
        method="GET",
        path="/v1/rooms",
        handler=RoomCalls.list_rooms,
        tag="rooms",
        needs_token=True,
        answers={HTTPStatus.OK: Rooms},
        refuses=(ErrorCode.RATE_LIMITED,),
    ),
    Call(
        method="GET",
        path="/v1/channels",
        handler=RoomCalls.channels,
        tag="rooms",
        needs_token=True,
        query=ChannelsQuery,
        answers={HTTPStatus.OK: Channels},
        refuses=(ErrorCode.RATE_LIMITED,),
    ),
    Call(
        method="GET",
        path="/v1/search",
        handler=RoomCalls.search,
        tag="rooms",
        needs_token=True,
        query=SearchQuery,
        answers={HTTPStatus.OK: Found},
        refuses=(
            ErrorCode.TOO_LONG,
            ErrorCode.NO_SUCH_ROOM,
            ErrorCode.NOT_A_MEMBER,
            ErrorCode.NO_SUCH_USER,
            ErrorCode.RATE_LIMITED,
        ),
    ),
    Call(
        method="GET",
        path="/v1/rooms/{room}/messages",
        handler=RoomCalls.history,
        tag="rooms",
        needs_token=True,
        in_path=OfRoom,
        query=HistoryQuery,
        answers={HTTPStatus.OK: Messages},
        refuses=(ErrorCode.NO_SUCH_ROOM, ErrorCode.NOT_A_MEMBER, ErrorCode.RATE_LIMITED),
    ),
    Call(
        method="POST",
        path="/v1/rooms/{room}/messages",
        handler=RoomCalls.post,
        tag="rooms",
        needs_token=True,
        in_path=OfRoom,
        body=NewPost,
        answers={HTTPStatus.CREATED: Posted, HTTPStatus.OK: Posted},
        refuses=(
            ErrorCode.NO_SUCH_ROOM,
            ErrorCode.NOT_A_MEMBER,
            ErrorCode.FORBIDDEN,
            ErrorCode.NO_SUCH_MESSAGE,
            ErrorCode.CONFLICT,
            ErrorCode.RATE_LIMITED,
        ),
    ),
)
