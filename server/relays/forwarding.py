"""The part of a relay that looks to what its sessions say: to the owner with it, and back with the answer.

Pure. The rules:
- What cannot go to an owner waits for one, for a while, and so do the posts behind it (`errands.py`).
- The answer to a post stands before its own entry; who comes or goes is answered in its place in the log.
- An owner that stopped in order has not seen what it did not answer: that is sent again, to the next. What became of
  commands otherwise nobody knows: they are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors import Address
from server.protocol.attention_commands import Typing
from server.protocol.commands import is_answered
from server.protocol.errors import unavailable
from server.protocol.room_commands import Join, Leave
from server.relays.effects import Effects, ToOwner
from server.relays.errands import Errands
from server.relays.following import Following
from server.relays.messages import Answered, Forwarded
from server.relays.owner import Owner
from server.rooms.effects import InTurn, Reply
from server.rooms.messages import Request
from server.rooms.state import refused


class Forwarding(Following):
    """See the top of this file."""

    __slots__ = ("_askers", "_errands_open", "_gone", "_owner")

    def __init__(self, room: str, itself: Address, incarnation: int, refs: Iterator[int]) -> None:
        super().__init__(room, itself, incarnation, refs)
        self._owner: Owner | None = None
        self._errands_open: Errands | None = None  # there is one only while something is open
        self._askers: dict[object, int] | None = None  # the sessions that have sent commands
        self._gone = False

    @property
    def _subscription(self) -> Owner | None:
        """The owner, if this relay is subscribed to it."""
        owner = self._owner
        return None if owner is None or owner.number is None else owner

    @property
    def _errands(self) -> Errands:
        if self._errands_open is None:
            self._errands_open = Errands()
        return self._errands_open

    def request(self, request: Request, now: float) -> Effects:
        command = request.command
        if self._gone:
            return []
        if not self.is_of_this_life(request):
            return [refused(request, unavailable())]
        if isinstance(command, Typing) and not is_answered(command):
            return self._forward(0, request)
        if not self._errands.admits(request, now):
            return [self._errands.refuse(request, unavailable(), now)]
        return self._run(request, now)

    def _run(self, request: Request, now: float) -> Effects:
        """Send it to the owner, or let it wait for one."""
        errands = self._errands
        if errands.is_full:
            return [errands.refuse(request, unavailable(), now)]
        if self._subscription is None:
            errands.wait(request, now)
            return []
        ref = next(self._refs)
        errands.sent(ref, request, now)
        return self._forward(ref, request)

    def _forward(self, ref: int, request: Request) -> Effects:
        """`ref` 0: nobody waits for an answer, and where it cannot go, it is dropped."""
        owner = self._subscription
        if owner is None or owner.number is None:
            return []
        asker = None if request.attachment is None else self._asker(request.reply_to)
        owner.told += 1
        forwarded = Forwarded(owner.number, ref, asker, request.user, request.command, owner.told, request.hides)
        return [ToOwner(owner.address, forwarded)]

    def _asker(self, session: object) -> int:
        if self._askers is None:
            self._askers = {}
        asker = self._askers.get(session)
        if asker is None:
            asker = self._askers[session] = next(self._refs)
        return asker

    def go_on(self, now: float) -> Effects:
        """Send the first of what waits for an owner; nothing, if there is none, or nothing waits.

        One by one: where the link does not take a post, those behind it are not sent.
        """
        if self._subscription is None or self._errands_open is None:
            return []
        request = self._errands_open.take_first()
        if request is None:
            return []
        if not self._errands_open.admits(request, now):
            return [self._errands_open.refuse(request, unavailable(), now)]
        return self._run(request, now)

    def _forget(self, session: Address) -> None:
        if self._errands_open is not None:
            self._errands_open.forget(session)
        if self._askers is not None:
            self._askers.pop(session, None)

    def _is_joining(self, user: str) -> bool:
        return self._errands_open is not None and self._errands_open.is_joining(user)

    # --- answers ----------------------------------------------------------------------------------------------

    def _sent(self, ref: int) -> Request | None:
        """The command that was forwarded with this reference, if it is not answered."""
        return None if self._errands_open is None else self._errands_open.find(ref)

    def answered(self, told: Answered, now: float) -> Effects:
        """The answer to a post stands before its own entry; who comes or goes is answered in its place."""
        request = self._sent(told.ref)
        if request is None:
            return []
        if isinstance(request.command, Join | Leave):
            return [*self._reach(told.behind, now), *self._take(told, now)]
        self._errands.take(told.ref)
        return [Reply(request.reply_to, self._errands.answer(request, told.reply, now))]

    def _moved(self, told: Answered, now: float) -> Effects:
        """The answer to a `join` or a `leave`."""
        request = self._errands.take(told.ref)
        if request is None:
            return []
        return [InTurn(self._errands.answer(request, told.reply, now), request.reply_to)]

    # --- no answer --------------------------------------------------------------------------------------------

    def _not_forwarded(self, ref: int, now: float) -> Effects:
        """The link took no command."""
        if self._owner is not None:
            self._owner.told -= 1
        request = self._errands.take(ref)
        return [] if request is None else [self._errands.refuse(request, unavailable(), now)]

    def _not_answered(self, now: float, *, clean: bool) -> Effects:
        """The owner is lost. What it has answered, and is not passed on yet, is not clean."""
        answered = {told.ref for told in self._stream.take_put_off() if isinstance(told, Answered)}
        errands = self._errands_open
        effects: Effects = []
        for ref, request in ({} if errands is None else errands.take_sent()).items():
            if clean and ref not in answered:
                self._errands.wait(request, now)
            else:
                effects.append(self._errands.refuse(request, unavailable(), now))
        return effects

    def _expire(self, now: float) -> Effects:
        """Give up what has waited too long."""
        errands = self._errands_open
        if errands is None:
            return []
        effects: Effects = [*errands.expire(now)]
        if not errands:
            self._errands_open = None
        return effects
