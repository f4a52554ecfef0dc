"""What the sessions of a relay have asked of the room, and is not answered: pure, with the time passed in.

The rules:
- While there is no owner, commands wait, for so long that a room may move meanwhile, and no longer. What was sent to
  the owner is given up in time for its sender to hear of it.
- All of it together is bounded.
- Posts behind a refused one are refused, too, until that is sent again (`rooms/holds.py`): the owner may never have
  seen the one, and must not take the others for the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from server.protocol.commands import Join, Post
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.events import Error, Ok, error_from
from server.rooms.effects import Reply
from server.rooms.holds import Holds
from server.rooms.messages import Answer, Attach, NotAttached, Request
from server.store.messages import Asker

WAIT_SECONDS: Final = 3.0  # a room that is handed over is found again within one
ANSWER_SECONDS: Final = 8.0  # docs/protocol.md: a command is answered within 10 s
ATTACH_SECONDS: Final = 60.0
"""Nobody waits for this at a keyboard, and what was missed is caught up with. To ask again and again while the owner is
busy with a crowd would make that crowd larger."""
ERRANDS_LIMIT: Final = 10_000  # as many as a room's mailbox holds

Errand = Request | Attach


class _Open(Struct, frozen=True):
    errand: Errand
    since: float


class Errands:
    """What is not answered: what waits, and what was sent to the owner, by its reference."""

    __slots__ = ("_holds", "_parted", "_room", "_sent", "_unattached", "_waiting")

    def __init__(self, room: str) -> None:
        self._room = room
        self._waiting: deque[_Open] = deque()
        self._sent: dict[int, _Open] = {}
        self._holds: Holds[Asker] = Holds()
        self._parted: set[str] | None = None  # mostly nobody parts while something is open
        self._unattached: list[str] | None = None

    def __bool__(self) -> bool:
        return bool(self._waiting or self._sent or self._holds)

    @property
    def is_full(self) -> bool:
        return len(self._waiting) + len(self._sent) >= ERRANDS_LIMIT

    @property
    def may_be_done(self) -> bool:
        """Whether the owner may have done something that nobody here was told of, or something was refused that must
        come again before what followed it."""
        return self._holds.waits or any(isinstance(one.errand, Request) for one in self._sent.values())

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

    def wait(self, errand: Errand, now: float) -> None:
        self._waiting.append(_Open(errand, now))

    def take_first(self) -> Errand | None:
        """Of those that wait."""
        return self._waiting.popleft().errand if self._waiting else None

    def take_waiting(self) -> list[Errand]:
        waiting, self._waiting = self._waiting, deque()
        return [one.errand for one in waiting]

    def sent(self, ref: int, errand: Errand, now: float) -> None:
        self._sent[ref] = _Open(errand, now)

    def find(self, ref: int) -> Errand | None:
        """What was sent with this reference, if it is not answered."""
        one = self._sent.get(ref)
        return None if one is None else one.errand

    def take(self, ref: int) -> Errand | None:
        """The same, and it is answered now."""
        one = self._sent.pop(ref, None)
        return None if one is None else one.errand

    def take_sent(self) -> dict[int, Errand]:
        """All that was sent, in the order in which it was."""
        sent, self._sent = self._sent, {}
        return {ref: one.errand for ref, one in sent.items()}

    def is_joining(self, user: str) -> bool:
        """Whether a `join` of this user was sent."""
        return any(
            isinstance(errand := one.errand, Request) and isinstance(errand.command, Join) and errand.user.user == user
            for one in self._sent.values()
        )

    # --- who is there -----------------------------------------------------------------------------------------

    def told(self, came: Collection[str], went: Collection[str]) -> None:
        """The owner was told who is there and who is not, behind what was sent, and ahead of its answers."""
        if went:
            self._parted = self._parted or set()
            self._parted.update(went)
        if self._parted is not None:
            self._parted.difference_update(came)

    def has_parted(self, user: str) -> bool:
        """Whether the owner was told so since something has been open here."""
        return self._parted is not None and user in self._parted

    def take_unattached(self) -> list[str]:
        """Of whom `expire` has refused that they attach, after it was asked of the owner."""
        taken, self._unattached = self._unattached, None
        return taken or []

    # --- answers ----------------------------------------------------------------------------------------------

    def answer(self, request: Request, reply: Ok | Error, now: float) -> Answer:
        command = request.command
        if isinstance(command, Post) and request.attachment is not None:
            if isinstance(reply, Error) and reply.code is ErrorCode.UNAVAILABLE:
                self._holds.refused(request.reply_to, command.nonce, now)
            else:
                self._holds.settled(request.reply_to, command.nonce)
        return Answer(request.ref, reply)

    def refuse(self, errand: Errand, refusal: Refusal, now: float) -> Reply:
        if isinstance(errand, Attach):
            return Reply(errand.session, NotAttached(errand.ref, self._room, refusal))
        return Reply(errand.reply_to, self.answer(errand, error_from(refusal, errand.command.id), now))

    def expire(self, now: float) -> list[Reply]:
        """Refuse what has waited too long, and forget refused posts that nobody sends again.

        When the oldest of those that wait is refused, all are: no post may go where one before it did not.
        """
        is_late = bool(self._waiting) and now - self._waiting[0].since >= WAIT_SECONDS
        late = self.take_waiting() if is_late else []
        refs = [ref for ref, one in self._sent.items() if now - one.since >= _patience(one.errand)]
        expired = [self._sent.pop(ref).errand for ref in refs]
        self._unattached = [errand.user for errand in expired if isinstance(errand, Attach)] or None
        late += expired
        self._holds.sweep(now)
        return [self.refuse(errand, unavailable(), now) for errand in late]


def _patience(errand: Errand) -> float:
    """Seconds for an answer to what was sent."""
    return ATTACH_SECONDS if isinstance(errand, Attach) else ANSWER_SECONDS
