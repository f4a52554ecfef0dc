"""A relay with its owner and sessions played, and how to read its effects: for the tests of what it decides."""

from __future__ import annotations

from itertools import count
from typing import TypeVar, cast

from actors import Address
from server.protocol.commands import RoomCommand
from server.protocol.entries import Entry, Joined, Left, MessageEntry
from server.protocol.message_commands import Post
from server.protocol.replies import Ok
from server.protocol.room_commands import Join
from server.relays.effects import Effects, ToOwner
from server.relays.messages import (
    Admission,
    Admit,
    Admitted,
    Delivered,
    Subscribe,
    Subscribed,
)
from server.relays.relay import RETRY_SECONDS, Relay
from server.rooms.effects import Consult, FanOut, InTurn, Reply
from server.rooms.messages import Answer, Attach, Attached, Delivery, Detached, Request, Terms
from server.store.history_messages import LogPage, ReadLog
from server.store.questions import Done
from tests.rooms.scene import ROOM, key, user

OWNER, NEXT_OWNER = key("owner"), key("next owner")
EPOCH = 3
E = TypeVar("E")


def of(kind: type[E], effects: Effects) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]


def to_owner(kind: type[E], effects: Effects) -> list[E]:
    return [effect.message for effect in of(ToOwner, effects) if isinstance(effect.message, kind)]


def delivered_to(session: Address, effects: Effects) -> list[int]:
    """The `seq` of what this session gets, in order; of its end by a removal, -1."""
    seqs: list[int] = []
    for effect in effects:
        match effect:
            case FanOut(message=Delivery() as delivery, to=to) if session in to:
                seqs += [cast("Entry", entry).seq or 0 for entry in delivery.events]
            case InTurn(message=Detached(), to=to) if to is session:
                seqs.append(-1)
            case _:
                pass
    return seqs


def answers(effects: Effects) -> list[str]:
    """`ok`, or the code of the refusal, of all commands that are answered."""
    told = [effect.message for effect in effects if isinstance(effect, Reply | InTurn)]
    replies = [message.reply for message in told if isinstance(message, Answer)]
    return ["ok" if isinstance(reply, Ok) else reply.code for reply in replies]


def entry(seq: int, author: str = "zoe") -> MessageEntry:
    return MessageEntry(seq=seq, room=ROOM, from_=user(author), text="hello", at="t", nonce=f"n{seq}", reactions=())


def left(seq: int, name: str) -> Left:
    return Left(room=ROOM, seq=seq, user=f"u_{name}", at="t")


def joined(seq: int, name: str) -> Joined:
    return Joined(room=ROOM, seq=seq, user=user(name), at="t")


class Booth:
    """A relay, subscribed to its owner, with a session attached for each of these people."""

    def __init__(self, *names: str, last_seq: int = 0, subscribed: bool = True) -> None:
        self.now = 100.0
        self.relay = Relay(ROOM, key("relay"), 1, count(1))
        self.refs = count(1_000)
        self.sessions: dict[str, Address] = {}
        self.attachments: dict[str, int] = {}
        self.passive: dict[str, Terms] = {}
        self.last_seq = last_seq
        self.number = 0
        self.seeking = self.relay.started(self.now)
        if subscribed:
            self.subscribe()
        for name in names:
            self.attach(name)
        self.relay.settled(self.now)

    def finds(self, owner: Address = OWNER) -> Effects:
        """What it says to an owner that is found."""
        self.relay.found(owner)
        return self.relay.settled(self.now)

    def subscribe(self, owner: Address = OWNER, epoch: int = EPOCH, gone: tuple[str, ...] = ()) -> Effects:
        """An owner is found and takes it in; what is sent to it by that."""
        [asked] = to_owner(Subscribe, self.finds(owner))
        self.number += 1
        admitted = None if not asked.admit else self.admitted(asked.ref, *asked.admit)
        told = Subscribed(asked.ref, self.number, epoch, "l_LOG", "group", self.last_seq, gone, admitted)
        effects = self.relay.subscribed(told, self.now)
        while waiting := self.relay.go_on(self.now):
            effects += waiting
        return effects

    def wants(self, name: str) -> None:
        """A session of this person asks to be attached."""
        session = self.sessions.setdefault(name, key(f"session of {name}"))
        self.relay.attach(Attach(next(self.refs), session, f"u_{name}", self.passive.get(name)), self.now)

    def asks(self) -> list[Admit]:
        """Of whom the owner is asked when all that was told at once is handled."""
        return to_owner(Admit, self.relay.settled(self.now))

    def admitted(self, ref: int, *users: str) -> Admitted:
        """What the owner answers, of members and of people who are called eve."""
        admissions = tuple(None if user.startswith("u_eve") else Admission("member", 0) for user in users)
        return Admitted(ref, 5, self.last_seq, admissions)

    def attach(self, *names: str) -> Effects:
        for name in names:
            self.wants(name)
        [admit] = self.asks()
        return self.admits(admit)

    def admits(self, admit: Admit) -> Effects:
        effects = self.relay.admitted(self.admitted(admit.ref, *admit.users), self.now)
        for reply in of(Reply, effects):
            if isinstance(reply.message, Attached):
                [name] = [name for name, session in self.sessions.items() if session is reply.to]
                self.attachments[name] = reply.message.attachment
        return effects

    def request(self, name: str, command: RoomCommand | Join) -> Request:
        session = self.sessions.setdefault(name, key(f"session of {name}"))
        return Request(next(self.refs), session, user(name), command, self.attachments.get(name), session)

    def says(self, name: str, command: RoomCommand | Join) -> Effects:
        return self.relay.request(self.request(name, command), self.now)

    def posts(self, name: str, nonce: str) -> Effects:
        return self.says(name, Post(id=nonce, room=ROOM, nonce=nonce, text="hello"))

    def delivers(self, *entries: Entry, epoch: int = EPOCH) -> Effects:
        self.last_seq = max(self.last_seq, entries[-1].seq or 0)
        return self.relay.delivered(Delivered(epoch, entries), self.now)

    def reads(self, effects: Effects, *entries: Entry) -> Effects:
        """The store answers what is asked by these effects."""
        [question] = [consult.question for consult in of(Consult, effects)]
        assert isinstance(question, ReadLog)
        return self.relay.done(Done(question.ref, LogPage(ROOM, question.after, entries, more=False)), self.now)

    def beat(self, seconds: float = RETRY_SECONDS) -> Effects:
        self.now += seconds
        return self.relay.beat(self.now)
