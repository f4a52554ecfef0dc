"""The commands that the sessions of a relay have sent to the room, and that are not answered: pure, the time passed in.

The rules:
- While there is no owner, commands wait, for so long that a room may move meanwhile, and no longer. What was sent to
  the owner is given up in time for its sender to hear of it.
- All of it together is bounded.
- Posts behind a refused one are refused, too, until that is sent again (`rooms/holds.py`): the owner may never have
  seen the one, and must not take the others for the first.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct

from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok, error_from
from server.protocol.room_commands import Join
from server.rooms.effects import Reply
from server.rooms.holds import Holds
from server.rooms.messages import Answer, Request
from server.store.questions import Asker

WAIT_SECONDS: Final = 3.0  # a room that is handed over is found again within one
ANSWER_SECONDS: Final = 8.0  # docs/protocol.md: a command is answered within 10 s
ERRANDS_LIMIT: Final = 10_000  # as many as a room's mailbox holds


class _Open(Struct, frozen=True):
    request: Request
    since: float


class Errands:
    """What is not answered: what waits, and what was sent to the owner, by its reference."""

    __slots__ = ("_holds", "_sent", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[_Open] = deque()
        self._sent: dict[int, _Open] = {}
        self._holds: Holds[Asker] = Holds()

    def __bool__(self) -> bool:
        return bool(self._waiting or self._sent or self._holds)

    @property
    def is_full(self) -> bool:
        return len(self._waiting) + len(self._sent) >= ERRANDS_LIMIT

    @property
    def may_be_done(self) -> bool:
        """Whether the owner may have done something that nobody here was told of, or something was refused that must
        come again before what followed it."""
        return self._holds.waits or bool(self._sent)

    def admits(self, request: Request, now: float) -> bool:
        """Whether this is no post, or none that must not overtake a refused one."""
        command = request.command
        if not isinstance(command, Post) or request.attachment is None:
            return True
        return self._holds.admits(request.reply_to, command.nonce, now)

    def forget(self, session: Asker) -> None:
        """The session has ended, or is attached no more."""
        self._holds.forget(session)

    # --- on their way -----------------------------------------------------------------------------------------

    def wait(self, request: Request, now: float) -> None:
        self._waiting.append(_Open(request, now))

    def take_first(self) -> Request | None:
        """Of those that wait."""
        return self._waiting.popleft().request if self._waiting else None

    def take_waiting(self) -> list[Request]:
        waiting, self._waiting = self._waiting, deque()
        return [one.request for one in waiting]

    def sent(self, ref: int, request: Request, now: float) -> None:
        self._sent[ref] = _Open(request, now)

    def find(self, ref: int) -> Request | None:
        """What was sent with this reference, if it is not answered."""
        one = self._sent.get(ref)
        return None if one is None else one.request

    def take(self, ref: int) -> Request | None:
        """The same, and it is answered now."""
        one = self._sent.pop(ref, None)
        return None if one is None else one.request

    def take_sent(self) -> dict[int, Request]:
        """All that was sent, in the order in which it was."""
        sent, self._sent = self._sent, {}
        return {ref: one.request for ref, one in sent.items()}

    def is_joining(self, user: str) -> bool:
        """Whether a `join` of this user was sent."""
        return any(
            isinstance(one.request.command, Join) and one.request.user.user == user for one in self._sent.values()
        )

    # --- answers ----------------------------------------------------------------------------------------------

    def answer(self, request: Request, reply: Ok | Error, now: float) -> Answer:
        command = request.command
        if isinstance(command, Post) and request.attachment is not None:
            if isinstance(reply, Error) and reply.code is ErrorCode.UNAVAILABLE:
                self._holds.refused(request.reply_to, command.nonce, now)
            else:
                self._holds.settled(request.reply_to, command.nonce)
        return Answer(request.ref, reply)

    def refuse(self, request: Request, refusal: Refusal, now: float) -> Reply:
        return Reply(request.reply_to, self.answer(request, error_from(refusal, request.command.id), now))

    def expire(self, now: float) -> list[Reply]:
        """Refuse what has waited too long, and forget refused posts that nobody sends again.

        When the oldest of those that wait is refused, all are: no post may go where one before it did not.
        """
        is_late = bool(self._waiting) and now - self._waiting[0].since >= WAIT_SECONDS
        late = self.take_waiting() if is_late else []
        refs = [ref for ref, one in self._sent.items() if now - one.since >= ANSWER_SECONDS]
        late += [self._sent.pop(ref).request for ref in refs]
        self._holds.sweep(now)
        return [self.refuse(request, unavailable(), now) for request in late]
