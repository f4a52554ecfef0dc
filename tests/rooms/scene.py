"""A room without runtime: opaque addresses, a writer and a reader that answer when the test says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from sys import intern
from typing import Any, TypeVar, cast

from actors import Address
from server.protocol.commands import RoomCommand
from server.protocol.events import AnyEvent
from server.protocol.message_commands import Post
from server.protocol.objects import Role, RoomKind, User
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Join
from server.rooms.announcing import Announcing
from server.rooms.effects import Consult, Effect, FanOut, InTurn, Reply, Write
from server.rooms.messages import Answer, Attach, Attached, Delivery, Passing, Request
from server.rooms.room import Room
from server.rooms.sizes import Sizes
from server.rooms.unfinished import Unfinished
from server.store.log_messages import Anchor, Anchored, Append, Landed, Outcome, Outcomes
from server.store.questions import Done
from server.store.room_changes import Particulars
from server.store.room_messages import LoadRoom, MemberRecord, RoomRecord

ROOM = "r_SCENE"
E = TypeVar("E")


class Key:
    """An address, to a room: something to tell apart."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def key(name: str) -> Address:
    return cast("Address", Key(name))


def user(name: str) -> User:
    return User(user=f"u_{name}", name=name)


def of(kind: type[E], effects: Sequence[Effect]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]


def answers(effects: Sequence[Effect]) -> list[Ok | Error]:
    """All replies to commands, in their order."""
    told = [effect.message for effect in effects if isinstance(effect, Reply | InTurn)]
    return [message.reply for message in told if isinstance(message, Answer)]


def refusals(effects: Sequence[Effect]) -> list[str]:
    """The codes of all that was refused, in their order."""
    return [answer.code for answer in answers(effects) if isinstance(answer, Error)]


def deliveries(effects: Sequence[Effect]) -> list[list[int]]:
    """The `seq` of all entries that are delivered, a list for each delivery."""
    told = [effect.message for effect in of(FanOut, effects)]
    return [[entry.seq for entry in cast("Any", d.events)] for d in told if isinstance(d, Delivery)]


def events_of(fan_out: FanOut) -> list[AnyEvent]:
    """What sessions are told."""
    message = fan_out.message
    assert isinstance(message, Delivery | Passing)
    return list(message.events)


class Scene:
    """An open room with some members, and one session attached for each."""

    def __init__(
        self, *names: str, kind: RoomKind = "group", small_room: int = 256, most: int = 1_000, last_seq: int = 0,
        incarnation: int = 1, grace: float = 0.0, is_inherited: bool = False, roles: Mapping[str, Role] | None = None,
        particulars: Particulars | None = None, unfinished: Unfinished | None = None,
    ) -> None:  # fmt: skip
        self.now = 100.0
        self.itself = key("room")
        self.room = Room(
            ROOM, self.itself, incarnation, count(1), Sizes(small=small_room, most=most), Announcing(grace),
            unfinished,
        )  # fmt: skip
        self.names = names
        self.roles = roles or {}
        self.particulars = particulars
        self.kind: RoomKind = kind
        self.last_seq = last_seq
        self.lineage = 0
        self.sessions: dict[str, Address] = {}
        self.attachments: dict[str, int] = {}
        self.refs = count(1)
        self.answer_opening(self.room.started(self.now, is_inherited=is_inherited))
        for name in names:
            self.attach(name)
        self.begun = self.beat()

    def record(self, last_seq: int | None = None) -> RoomRecord:
        members = {intern(f"u_{name}"): MemberRecord(self.roles.get(name, "member"), 0, 0) for name in self.names}
        return RoomRecord(
            ROOM, "l_SCENE", self.kind, "Scene", None, self.last_seq if last_seq is None else last_seq, members,
            self.particulars,
        )  # fmt: skip

    def answer_opening(self, effects: Sequence[Effect], record: RoomRecord | None = None) -> list[Effect]:
        """Let the room anchor and load; the effects of being open."""
        anchor = cast("Anchor", of(Write, effects)[-1].message)
        assert isinstance(anchor, Anchor)
        self.lineage += 1
        load = of(Consult, self.room.done(Done(anchor.ref, Anchored(ROOM, self.lineage)), self.now))[0].question
        assert isinstance(load, LoadRoom)
        return self.room.done(Done(load.ref, record or self.record()), self.now)

    def attach(self, name: str) -> list[Effect]:
        self.sessions[name] = self.sessions.get(name) or key(f"session of {name}")
        effects = self.room.attach(Attach(next(self.refs), self.sessions[name], f"u_{name}"))
        for reply in of(Reply, effects):
            if isinstance(reply.message, Attached):
                self.attachments[name] = reply.message.attachment
        return effects

    def request(self, name: str, command: RoomCommand | Join) -> Request:
        session = self.sessions.get(name)
        return Request(next(self.refs), session or key(name), user(name), command, self.attachments.get(name), session)

    def says(self, name: str, command: RoomCommand | Join) -> list[Effect]:
        return self.room.request(self.request(name, command), self.now)

    def posts(self, name: str, nonce: str, text: str = "hello", reply_to: int | None = None) -> list[Effect]:
        return self.says(name, Post(id=nonce, room=ROOM, nonce=nonce, text=text, reply_to=reply_to))

    def told(self, *outcomes: Outcome, lineage: int | None = None) -> list[Effect]:
        return self.room.outcomes(Outcomes(ROOM, lineage or self.lineage, outcomes), self.now)

    def lands(self, *effects: Sequence[Effect], logged: bool = True) -> list[Effect]:
        """The appends among `effects` land, in one commit."""
        outcomes = []
        for append in self.appends(*effects):
            if logged:
                self.last_seq += 1
            outcomes.append(Landed(append.ref, self.last_seq if logged else None, 1_000))
        return self.told(*outcomes)

    def appends(self, *effects: Sequence[Effect]) -> list[Append]:
        writes = [write.message for some in effects for write in of(Write, some)]
        return [message for message in writes if isinstance(message, Append)]

    def beat(self, seconds: float = 1.0) -> list[Effect]:
        self.now += seconds
        return self.room.beat(self.now)

    def is_restless(self) -> bool:
        return self.room.restless
