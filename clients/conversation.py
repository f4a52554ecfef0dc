"""The conversation core: frames in, happenings out; commands in, frames out. No I/O, no clock, no chance.

One object holds everything a client knows: how far each room was read (`reading`), which commands wait for an
answer, which posts are unsent (`outbox`), whether the peer is alive (`pulse`). It outlives connections: `opened`
and `lost` say when one comes and goes. A command once given is sent until it is answered or given up: every
command is idempotent, or carries a nonce that makes it so. Posts keep their order in a room, other commands may
overtake them.

A shell moves bytes and time: it calls `receive` with each frame, sends what `to_send` returns after every call,
and calls `tick` at `next_wake`. It must not call into a conversation from two threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from clients.happenings import Answered, Happening, Refused, UnknownEntry
from clients.incoming import UnreadableAnswer, read
from clients.outbox import Outbox
from clients.pulse import Pulse
from clients.reading import Reading
from server.protocol.attention_commands import Focus, Typing
from server.protocol.bases import CommandId
from server.protocol.codec import encode_command
from server.protocol.commands import AnyCommand
from server.protocol.entries import Deleted, Edited, Joined, Left, MessageEntry, Pinned, Reacted, RoomChanged
from server.protocol.errors import ErrorCode
from server.protocol.events import Activity, Attention, Heartbeat
from server.protocol.hello_commands import Cursor, Hello, Ping
from server.protocol.limits import HELLO_BYTES, HELLO_BYTES_UNTRUSTED, TEXT_CODE_POINTS
from server.protocol.message_commands import Post
from server.protocol.objects import Room, User
from server.protocol.page_commands import Log
from server.protocol.replies import Error, Limits, Ok, Pong, Resumed, Welcome
from server.protocol.room_commands import Leave, Rooms

ANSWER_DEADLINE: Final = 30.0  # seconds; the server promises 10, the rest is for the way
WELCOME_DEADLINE: Final = 15.0  # seconds from the open socket to `welcome`
ASK_AGAIN: Final = 1.0  # seconds, where the server is busy and names no time
HELLO_MARGIN: Final = 512  # bytes of a hello that are not its `resume`
UNTIL_WELCOME: Final = Limits(frame=HELLO_BYTES, text=TEXT_CODE_POINTS, unanswered=16)
FOR_NOW: Final = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED})
"""Refusals that say nothing about the command: a post is tried again by itself."""
HELLO_NUMBER: Final = 0


class Conversation:
    """One user's talk with one server.

    Parameters
    ----------
    token
        Goes into `hello`; None where the upgrade request carries it (then more rooms fit into `resume`).
    cursors
        Where an earlier conversation stopped, by room.
    width
        Posts of one room that may be under way at once; see `outbox`.
    passive
        Of large rooms only the entries of the one that `Focus` names are wanted, and `Activity` of the others.
    """

    def __init__(
        self,
        token: str | None = None,
        cursors: Mapping[str, Cursor] | None = None,
        width: int = 1,
        *,
        passive: bool = False,
    ) -> None:
        self.limits = UNTIL_WELCOME
        self.ready = False
        self._token = token
        self._passive = passive
        self._focus: str | None = None
        self._reading = Reading(cursors or {})
        self._outbox = Outbox(width)
        self._pulse: Pulse | None = None
        self._last_id = HELLO_NUMBER
        self._unanswered: dict[int, AnyCommand] = {}  # in the order given
        self._waiting: deque[int] = deque()  # of these, what is to be sent, posts excepted
        self._asked: dict[int, AnyCommand] = {}  # by the conversation itself; these die with their connection
        self._sent_at: dict[int, float] = {}  # commands under way, oldest first
        self._outgoing: list[AnyCommand] = []

    @property
    def me(self) -> User | None:
        return self._reading.me

    @property
    def rooms(self) -> Mapping[str, Room]:
        """The rooms this user is in, by id; their counters are as old as the last answer that carried them."""
        return self._reading.rooms

    @property
    def unsent(self) -> list[Post]:
        """Posts without an answer, those of a room in order."""
        return [post for _, post in self._outbox]

    def cursors(self) -> dict[str, Cursor]:
        """How far each room was read: what a later conversation may begin with."""
        return self._reading.cursors()

    # --- what a client wants -------------------------------------------------------------------------------

    def command(self, command: AnyCommand) -> int:
        """Give a command; its `Answered` or `Refused` will carry the number returned.

        `typing` is neither numbered nor kept: it is sent if a connection is open, and never answered (0).
        """
        if isinstance(command, Typing):
            if self.ready:
                self._outgoing.append(command)
            return 0
        number = self._next_id()
        numbered = replace(command, id=number)
        self._unanswered[number] = numbered
        if isinstance(numbered, Post):
            self._outbox.add(number, numbered)
        else:
            self._waiting.append(number)
        return number

    def give_up(self, number: int) -> None:
        """Nobody waits for this answer any more: never send the command again.

        What was sent already may still be done; with the same nonce that can be asked later.
        """
        self._forget(number)

    # --- connections come and go ---------------------------------------------------------------------------

    def opened(self, now: float) -> None:
        """A websocket is open: say hello, and name what was read."""
        self._pulse = Pulse(now)
        named = self._reading.resume((HELLO_BYTES_UNTRUSTED if self._token else HELLO_BYTES) - HELLO_MARGIN)
        hello = Hello(token=self._token, resume=named or None, passive=self._passive, focus=self._focus)
        self._send(HELLO_NUMBER, hello, now)

    def lost(self) -> None:
        """The connection is gone: everything unanswered goes out again on the next one."""
        self.ready = False
        self._pulse = None
        self._sent_at.clear()
        self._asked.clear()
        self._outgoing.clear()
        self._reading.lost()
        self._outbox.begin_again()
        self._waiting = deque(n for n, command in self._unanswered.items() if not isinstance(command, Post))

    def to_send(self, now: float) -> list[bytes]:
        """The frames to send now, in order."""
        if self.ready:
            for question in self._reading.to_ask(now):
                self._ask(question, now)
            self._send_waiting(now)
        frames = [encode_command(command) for command in self._outgoing]
        self._outgoing.clear()
        return frames

    def _send_waiting(self, now: float) -> None:
        room_left = self.limits.unanswered - len(self._sent_at)
        while self._waiting and room_left > 0:
            number = self._waiting.popleft()
            self._send(number, self._unanswered[number], now)
            room_left -= 1
        for number, post in self._outbox.due(now, max(0, room_left)):
            self._send(number, post, now)

    def _send(self, number: int, command: AnyCommand, now: float) -> None:
        self._sent_at[number] = now
        self._outgoing.append(command)

    # --- time ----------------------------------------------------------------------------------------------

    def heard(self, now: float) -> None:
        """Something came in (a websocket ping, a part of a frame): the peer lives."""
        if self._pulse is not None:
            self._pulse.heard(now)

    def tick(self, now: float) -> str | None:
        """What time demands. A reason means: drop this connection, it is dead."""
        if self._pulse is None:
            return None
        if self._pulse.stopped(now):
            return "nothing heard"
        if now >= self._answer_due():
            return "no answer" if self.ready else "no welcome"
        if self.ready and self._pulse.owes_ping(now):
            self._ask(Ping(), now)
        return None

    def next_wake(self) -> float | None:
        """When to call `tick` and `to_send` again though nothing happened; None without a connection."""
        if self._pulse is None:
            return None
        times = [self._pulse.next_wake(), self._answer_due()]
        if self.ready:
            others = (self._reading.next_wake(), self._outbox.next_wake())
            times += [time for time in others if time is not None]
        return min(times)

    def _answer_due(self) -> float:
        oldest = next(iter(self._sent_at.values()), float("inf"))
        return oldest + (ANSWER_DEADLINE if self.ready else WELCOME_DEADLINE)

    # --- what the server says ------------------------------------------------------------------------------

    def receive(self, frame: str | bytes, now: float) -> list[Happening]:
        """What follows from a frame.

        Raises
        ------
        clients.incoming.BrokenServer
            The frame is no JSON object.
        """
        self.heard(now)
        event = read(frame)
        match event:
            case Ok() | Pong():
                return list(self._answered(event))
            case Error():
                return list(self._refused(event, now))
            case UnreadableAnswer():
                return list(self._unreadable(event, now))
            case Welcome():
                return list(self._welcomed(event))
            case Resumed():
                return list(self._reading.resumed(event))
            case (
                MessageEntry() | Edited() | Deleted() | Reacted() | Pinned() | Joined() | RoomChanged() | UnknownEntry()
            ):
                return list(self._reading.entry(event, event.seq))
            case Left():
                return list(self._reading.left(event))
            case Activity():
                return list(self._reading.activity(event))
            case Attention():
                return list(self._reading.attends(event))
            case Heartbeat():
                self._beat(event.every)
                return [event]
            case None:
                return []
            case _:
                return [event]

    def _welcomed(self, welcome: Welcome) -> Iterator[Happening]:
        self._sent_at.pop(HELLO_NUMBER, None)
        self.ready = True
        self.limits = welcome.limits
        self._beat(welcome.heartbeat)
        yield from self._reading.welcomed(welcome)

    def _beat(self, milliseconds: int) -> None:
        if self._pulse is not None:
            self._pulse.interval = milliseconds / 1000

    def _answered(self, answer: Ok | Pong) -> Iterator[Happening]:
        ok = answer if isinstance(answer, Ok) else Ok(id=answer.id)
        number, asked, command = self._finish(ok.id)
        match asked:
            case Log():
                yield from self._reading.missing_came(asked, ok)
            case Rooms():
                self._reading.learn_all(ok.rooms or [])
        if ok.info is not None:
            self._reading.learn(ok.info)
        if isinstance(command, Leave):
            self._reading.leave(command.room)
        if isinstance(command, Focus) and self._passive:
            self._focus = command.room
            if command.room is not None and ok.last_seq is not None:
                yield from self._reading.looks(command.room, ok.last_seq)
        if command is not None:
            yield Answered(number, command, ok)

    def _refused(self, error: Error, now: float) -> Iterator[Happening]:
        if self._refused_for_now(error, now):
            return
        number, asked, command = self._finish(error.id)
        match asked:
            case Log() if error.code in FOR_NOW:
                self._reading.ask_later(asked, now + (_seconds(error.retry_after) or ASK_AGAIN))
            case Log():
                yield from self._reading.missing_for_good(asked, error.message)
        if command is not None:
            yield Refused(number, command, error)
        elif error.id is None:
            yield error

    def _refused_for_now(self, error: Error, now: float) -> bool:
        """Whether it was a post that only has to wait, and will be sent again."""
        if error.code not in FOR_NOW or not isinstance(error.id, int):
            return False
        post = self._unanswered.get(error.id)
        if not isinstance(post, Post):
            return False
        self._sent_at.pop(error.id, None)
        self._outbox.refused_for_now(error.id, post, now, _seconds(error.retry_after))
        return True

    def _unreadable(self, answer: UnreadableAnswer, now: float) -> Iterator[Happening]:
        message = "this version cannot read the server's answer"
        yield from self._refused(Error(id=answer.id, code=ErrorCode.BAD_REQUEST, message=message), now)

    # --- numbers -------------------------------------------------------------------------------------------

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _ask(self, command: AnyCommand, now: float) -> None:
        number = self._next_id()
        self._asked[number] = replace(command, id=number)
        self._send(number, self._asked[number], now)

    def _finish(self, answered: CommandId | None) -> tuple[int, AnyCommand | None, AnyCommand | None]:
        """The command that was answered: one the conversation asked itself, or one it was given."""
        number = answered if isinstance(answered, int) else HELLO_NUMBER
        self._sent_at.pop(number, None)
        return number, self._asked.pop(number, None), self._forget(number)

    def _forget(self, number: int) -> AnyCommand | None:
        command = self._unanswered.pop(number, None)
        if isinstance(command, Post):
            self._outbox.done(number, command)
        elif command is not None and number in self._waiting:
            self._waiting.remove(number)
        return command


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
