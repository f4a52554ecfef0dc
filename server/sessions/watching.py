"""Telling sessions how those look for whom they have asked: one actor on each node, for all its sessions.

Who is told what is decided in `watched.py`. What is here is the way to it: once a second it looks who is on this node,
asks its like on the other nodes, and has the store say anew of whom somebody may know. It answers the same question of
the others, and keeps nothing of theirs: how somebody looks is in no store, and on no other node any longer than it is
asked for.

Each second so many people are looked at as `portion` says. Who asks for more, on all of a node together, is told later.

What sessions have asked for is not the actor's own: it outlives its crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Final

import trio
from msgspec import Struct, field

from actors import Actor, Address, Down, Mailbox, Overflow, Tell
from server.protocol.errors import Refusal
from server.protocol.events import Presence
from server.protocol.replies import Ok, error_from
from server.protocol.showing import Shown
from server.rhythm import seconds_to_next
from server.rooms.messages import Answer, Passing
from server.sessions.choices import Choices
from server.sessions.devices import appearance_of
from server.sessions.messages import AreHere, Watch, WhoIsHere
from server.sessions.watched import Check, Watched
from server.store.account_messages import ReadAcquainted
from server.store.questions import Done, Failed

WATCHING: Final = "watching"
"""The name of this actor on each node."""

MAILBOX: Final = Mailbox(limit=10_000, overflow=Overflow.DROP_NEWEST)
"""A command that is dropped is refused; of answers of other nodes some may be lost."""

BEAT_SECONDS: Final = 1.0
CHECK_SECONDS: Final = 15.0
"""So long somebody may be told of who has left all common rooms, or has blocked them."""
CHECKS: Final = 20
"""In a second: each takes a reader some milliseconds, at the most."""

PEOPLE: Final = 500
"""In a second: a few milliseconds."""
QUESTIONS: Final = 5_000
"""In a second, of all other nodes together: 150 KB."""


class Beat(Struct, frozen=True):
    """To itself: it is time to look."""


class WatchingEnvironment(Struct, frozen=True, kw_only=True):
    """What it needs.

    Attributes
    ----------
    watched
        What sessions have asked for.
    choices
        What those have chosen who are on this node.
    reader
        The inbox of the store's reader.
    others
        The actors of its kind on the other nodes, those that live now.
    node
        What this one is called.
    grace
        Seconds for which somebody has to be gone until others are told.
    refs
        Gives references that were not given before, also before a crash.
    """

    watched: Watched
    choices: Choices
    reader: Tell
    others: Callable[[], Iterable[Address]]
    node: str
    grace: float
    refs: Iterator[int] = field(default_factory=lambda: count(1))


class Watching(Actor):
    """See the top of this file."""

    __slots__ = ("_checks", "_environment", "_is_beating")

    def __init__(self, environment: WatchingEnvironment) -> None:
        self._environment = environment
        self._checks: dict[int, Address] = {}  # by question: whose it is
        self._is_beating = False

    def started(self) -> None:
        for session in self._environment.watched.sessions():
            self.watch(session)
        self._beat_later()

    def receive(self, message: object) -> None:
        match message:
            case Watch():
                self._watch(message)
            case WhoIsHere(asker=asker, users=users):
                here = [(user, shown) for user in users if (shown := self._shown_here(user)) is not None]
                if here:
                    asker.tell(AreHere(self._environment.node, tuple(here)))
            case AreHere(node=node, people=people):
                for user, shown in people:
                    self._environment.watched.answered(node, user, shown)
            case Done(ref=ref, value=frozenset() as people):
                self._may_know(self._checks.pop(ref, None), people)
            case Failed(ref=ref):
                self._checks.pop(ref, None)
            case Beat():
                self._is_beating = False
                self._beat()
            case Down(address=session):
                self._environment.watched.ended(session)
            case _:
                raise TypeError(f"who watches is not told {type(message).__name__}")

    def _watch(self, wanted: Watch) -> None:
        watched, command, session = self._environment.watched, wanted.command, wanted.session
        if not command.on:
            watched.unwatch(session, command.users)
            session.answer(Answer(wanted.ref, Ok(id=command.id)))
            return
        try:
            told = watched.watch(session, wanted.user, command.users)
        except Refusal as refusal:
            session.answer(Answer(wanted.ref, error_from(refusal, command.id)))
            return
        self.watch(session)
        session.answer(Answer(wanted.ref, Ok(id=command.id)))
        self._tell({session: told})
        self._ask(watched.check(session, trio.current_time()))
        self._beat_later()

    def _beat_later(self) -> None:
        if self._environment.watched and not self._is_beating:
            self._is_beating = True
            self.send_after(seconds_to_next(BEAT_SECONDS), Beat())

    def _beat(self) -> None:
        environment, now = self._environment, trio.current_time()
        watched, others = environment.watched, tuple(environment.others())
        people = watched.next(portion(len(others)))
        told: dict[Address, list[Presence]] = {}
        for user in people:
            if watched.looked(user, self._shown_here(user), now, environment.grace):
                for session, presence in watched.news(user):
                    told.setdefault(session, []).append(presence)
        self._tell(told)
        for other in others:
            other.tell(WhoIsHere(self.address, tuple(people)))
        for check in watched.due(now, CHECK_SECONDS, CHECKS):
            self._ask(check)
        self._beat_later()

    def _shown_here(self, user: str) -> Shown | None:
        """None: they have no session on this node."""
        if not self.system.members(user):
            return None
        return appearance_of(self.system, user, self._environment.choices.of(user))

    def _ask(self, check: Check) -> None:
        ref = next(self._environment.refs)
        question = ReadAcquainted(reply_to=self.address, ref=ref, user=check.user, people=check.people)
        if self._environment.reader.tell(question):
            self._checks[ref] = check.session

    def _may_know(self, session: Address | None, people: frozenset[str]) -> None:
        """None: it was asked before a crash."""
        if session is not None:
            self._tell({session: self._environment.watched.may_know(session, people)})

    def _tell(self, told: dict[Address, list[Presence]]) -> None:
        for session, presences in told.items():
            if presences:
                session.tell(Passing("", presences))


def portion(others: int) -> int:
    """How many people are looked at in a second, with so many other nodes to ask. Pure."""
    return max(1, min(PEOPLE, QUESTIONS // max(1, others)))
