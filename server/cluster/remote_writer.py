"""Changes of the database that only another node can make: with SQLite one process writes, and the others ask it.

Two actors. On any other node a stand-in takes what the inbox of the writer would, and puts the question to the node
that writes in its own name; there an actor called `writer` hands it to the real inbox. The answer comes back the same
way.
Appends do not come this way: whoever appends is a room, and rooms live beside the writer.

The rules:
- Every question is answered, with `unavailable` where the other node is gone, silent for too long, or has too many of
  them. Then nobody knows whether it was done; whoever asks may ask again, as after any `unavailable`.
- While nobody is there who writes, questions wait as posts do (`relays/errands.py`): one that was not put may be put
  to the next. One that was put is not put again.
- A node that is to write when the one that does has gone has both, and goes by who owns the database at the moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import trio
from msgspec import Struct, structs

from actors import Actor, Address, Answer, Mailbox, NoAnswer, Overflow, Reply, Tell
from server.cluster.door import Door
from server.protocol.errors import unavailable
from server.store.account_messages import AccountWrite
from server.store.questions import Asker, Done, Failed
from server.store.room_messages import CreateRoom
from server.store.user_messages import AddToken, AddUser, RevokeToken, SetPassword, TouchTokens

WRITER: Final = "writer"
"""The name of the actor beside the writer."""

MAILBOX: Final = Mailbox(limit=10_000, overflow=Overflow.REFUSE)
MOST_OPEN: Final = 10_000
"""Questions of one gateway; more than can be answered before they are too old."""

WAIT_SECONDS: Final = 3.0  # a writer that is restarted is back in about one
BEAT_SECONDS: Final = 0.1

Asked = CreateRoom | AddUser | AddToken | RevokeToken | SetPassword | AccountWrite


class WayToWriter:
    """What is told in place of the writer's inbox.

    Parameters
    ----------
    writer
        The inbox of this process's own writer.
    is_mine
        Whether that is the one that writes.

    Attributes
    ----------
    stand_in
        Where to go while another node writes.
    """

    __slots__ = ("_is_mine", "_writer", "stand_in")

    def __init__(self, writer: Tell, is_mine: Callable[[], bool]) -> None:
        self.stand_in = Door()
        self._writer = writer
        self._is_mine = is_mine

    def tell(self, message: object, /) -> bool:
        return (self._writer if self._is_mine() else self.stand_in).tell(message)


class _Open(Struct, frozen=True):
    """Whose question it is."""

    asker: Asker
    ref: int


class _Waiting(Struct, frozen=True):
    """Nobody is there to be asked."""

    question: Asked
    since: float


class _Beat(Struct, frozen=True):
    """To itself, while something waits."""


_BEAT: Final = _Beat()


class RemoteWriter(Actor):
    """The stand-in.

    Parameters
    ----------
    door
        Is to lead here.
    owner
        The actor beside the writer, on whichever node that is now; None: nobody is known to have it.
    seconds
        How long an answer may take.
    """

    __slots__ = ("_door", "_open", "_owner", "_seconds", "_waiting")

    def __init__(self, door: Door, owner: Callable[[], Address | None], seconds: float) -> None:
        self._door = door
        self._owner = owner
        self._seconds = seconds
        self._open = 0
        self._waiting: deque[_Waiting] = deque()

    def started(self) -> None:
        self._door.lead_to(self.address)

    def receive(self, message: object) -> None:
        match message:
            case _Beat():
                self._look_again()
            case TouchTokens():
                owner = self._owner()
                if owner is not None:
                    owner.tell(message)
            case Answer(label=_Open() as question, value=Done() | Failed() as answer):
                self._open -= 1
                question.asker.answer(structs.replace(answer, ref=question.ref))
            case NoAnswer(label=_Open() as question):
                self._open -= 1
                question.asker.answer(Failed(question.ref, unavailable()))
            case _ if isinstance(message, Asked):
                self._take(message)
            case _:
                raise TypeError(f"nobody but a room asks the writer for {type(message).__name__}")

    def _take(self, question: Asked) -> None:
        if self._open + len(self._waiting) >= MOST_OPEN:
            _refuse(question)
        elif not self._waiting and (owner := self._owner_there()) is not None:
            self._put(owner, question, self._seconds)
        else:
            if not self._waiting:
                self.send_after(BEAT_SECONDS, _BEAT)
            self._waiting.append(_Waiting(question, trio.current_time()))

    def _owner_there(self) -> Address | None:
        """Who can be asked now: what is told to somebody out of reach has come to nothing at once."""
        owner = self._owner()
        return owner if owner is not None and owner.alive else None

    def _look_again(self) -> None:
        owner, now, waiting = self._owner_there(), trio.current_time(), self._waiting
        while waiting and (owner is not None or now - waiting[0].since >= WAIT_SECONDS):
            one = waiting.popleft()
            if owner is None:
                _refuse(one.question)
            else:
                self._put(owner, one.question, self._seconds - (now - one.since))
        if waiting:
            self.send_after(BEAT_SECONDS, _BEAT)

    def _put(self, owner: Address, question: Asked, seconds: float) -> None:
        self._open += 1
        self.send_request(
            owner,
            lambda reply: _asked_by(reply, question),
            seconds=seconds,
            label=_Open(question.reply_to, question.ref),
        )


class WriterForOthers(Actor):
    """Beside the writer: takes the changes that other nodes ask for.

    Parameters
    ----------
    writer, is_mine
        As above.
    """

    __slots__ = ("_is_mine", "_writer")

    def __init__(self, writer: Tell, is_mine: Callable[[], bool]) -> None:
        self._writer = writer
        self._is_mine = is_mine

    def receive(self, message: object) -> None:
        match message:
            case TouchTokens():
                if self._is_mine():
                    self._writer.tell(message)
            case _ if isinstance(message, Asked):
                if not (self._is_mine() and self._writer.tell(message)):
                    _refuse(message)
            case _:
                raise TypeError(f"other nodes do not ask the writer for {type(message).__name__}")


def _asked_by(reply: Reply[object], question: Asked) -> Asked:
    return structs.replace(question, reply_to=reply)


def _refuse(question: Asked) -> None:
    question.reply_to.answer(Failed(question.ref, unavailable()))
