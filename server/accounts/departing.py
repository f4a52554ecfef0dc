"""What is left to do when an account was deleted: its rooms are left, one by one, by commands as the person's own.

The deletion itself is done by then, in one transaction that has left a row behind for this (`server/store/leaving.py`).
So nothing is lost when this process dies in the middle: every node that may own rooms looks for such rows, at its start
and now and then, and goes on; others only when somebody was deleted there. Two that do so at once do no harm, because
to leave a room that was left changes nothing.

The rules:
- A room keeps an owner: its last one makes somebody else one before. Nobody is asked, because nobody could answer:
  moderators come before members, members before guests, and whoever has been there longest first.
- What a room refuses for now is tried again with the next look, and so is what nobody answered.
"""

from __future__ import annotations

from math import inf
from types import NoneType
from typing import Final

import structlog
import trio

from actors import TaskContext, Tell
from server.accounts.asking import Asking, answer_to
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.governing_commands import SetRole
from server.protocol.objects import User
from server.protocol.room_commands import Leave
from server.rhythm import seconds_to_next
from server.rooms.calling import told_by_room
from server.rooms.finding import Rooms
from server.store.account_messages import Departure, EndDeparture, FindHeir, ForgetMember, ReadDepartures

log: Final = structlog.get_logger(__name__)

EVERY: Final = 30.0  # seconds; what another process has deleted, or this one before it died, is found by then
AT_ONCE: Final = 200
"""Rooms in one look; the next follows at once."""

_NOT_THERE: Final = frozenset({ErrorCode.NO_SUCH_ROOM, ErrorCode.NOT_A_MEMBER})


class Departing:
    """Leaves rooms for people who were deleted.

    Parameters
    ----------
    writer, reader
        The inboxes of the store's tasks, or the ways to them.
    seconds
        How long any one question may take.
    """

    __slots__ = ("_bell", "_reader", "_seconds", "_writer")

    def __init__(self, writer: Tell, reader: Tell, seconds: float) -> None:
        self._writer = writer
        self._reader = reader
        self._seconds = seconds
        self._bell = trio.Event()

    def ring(self) -> None:
        """Somebody was deleted just now."""
        self._bell.set()

    async def run(self, context: TaskContext, rooms: Rooms, *, unasked: bool, every: float = EVERY) -> None:
        """Look for what is left to do whenever somebody was deleted, until cancelled.

        Parameters
        ----------
        unasked
            Whether to look without that, too: now, and every `every` seconds.
        """
        context.started()
        if unasked:
            self.ring()
        while True:
            with trio.move_on_after(seconds_to_next(every) if unasked else inf):
                await self._bell.wait()
            self._bell = trio.Event()
            try:
                while await self._look(rooms):
                    pass
            except Refusal as refusal:
                log.warning("rooms of deleted people are not looked for now", trouble=refusal.message)

    async def _look(self, rooms: Rooms) -> bool:
        """Do what can be done of some of it; whether any was, so that there may be more. Raises `Refusal`."""
        found: tuple[Departure, ...] = await answer_to(
            self._reader, lambda to: ReadDepartures(reply_to=to, limit=AT_ONCE), tuple, self._seconds
        )
        return any([await self._is_done(rooms, departure) for departure in found])

    async def _is_done(self, rooms: Rooms, departure: Departure) -> bool:
        try:
            return await self._depart(rooms, departure)
        except Refusal as refusal:
            log.warning("a deleted user is still in a room", room=departure.room, trouble=refusal.message)
            return False

    async def _depart(self, rooms: Rooms, departure: Departure) -> bool:
        """Whether less is left to do then. Raises `Refusal` if it is not possible now."""
        user, room = departure.user, departure.room
        if room is None:
            return await self._write(lambda to: EndDeparture(reply_to=to, user=user))
        if departure.kind == "dm":
            return await self._write(lambda to: ForgetMember(reply_to=to, user=user, room=room))
        return await self._leave(rooms, User(user=user, name=None, deleted=True), room)

    async def _write(self, question: Asking) -> bool:
        return await answer_to(self._writer, question, bool, self._seconds)

    async def _leave(self, rooms: Rooms, user: User, room: str) -> bool:
        """Whether it was left now, and not before by somebody who does the same."""
        try:
            await told_by_room(rooms, user, Leave(room=room), self._seconds)
        except Refusal as refusal:
            if refusal.code in _NOT_THERE:
                return False
            if refusal.code is not ErrorCode.FORBIDDEN:
                raise
            await self._hand_over(rooms, user, room)
            await told_by_room(rooms, user, Leave(room=room), self._seconds)
        return True

    async def _hand_over(self, rooms: Rooms, user: User, room: str) -> None:
        heir = await answer_to(
            self._reader,
            lambda to: FindHeir(reply_to=to, room=room, but=user.user),
            (str, NoneType),
            self._seconds,
        )
        if heir is not None:
            await told_by_room(rooms, user, SetRole(room=room, user=heir, role="owner"), self._seconds)
