"""The part of a session that sees to what its connections look at: which rooms it attaches to for their entries, and
which only to hear how they stand.

The rules:
- What a room is asked for follows from `Attention`, whoever changed that; `_reconsider` attaches again where it was
  asked for something else.
- A focus is given with the answer to its command, and that goes to the room behind the attachment that it needs: so
  nothing of the room is told before the `ok`, and nothing is missing behind it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from actors import Address
from server.protocol.attention_commands import Focus
from server.protocol.events import ReadMark
from server.protocol.objects import Room
from server.protocol.replies import Error, Ok
from server.rooms.messages import Attached, Pulse, Remind
from server.sessions.attending import Attending
from server.sessions.attention import Attention
from server.sessions.commands import Open as OpenCommand
from server.sessions.purposes import Opening


class Looking(Attending):
    """See the top of this file."""

    __slots__ = ()

    def _attends(self, opening: Opening, rooms: Iterable[Room]) -> None:
        """A connection that is about to be welcomed to these rooms does not want everything."""
        attention = self._feed.attends(opening.connection, opening.focus, self._environment.attention)
        for room in rooms:
            attention.knows(room.room, room.members, room.last_seq, room.read_seq, room.mentions)

    def _attached(self, attached: Attached) -> None:
        super()._attached(attached)
        if (attention := self._feed.attention) is not None and self._feed.follows(attached.room):
            attention.knows(attached.room, attached.members, attached.last_seq, attached.read_seq)
            attention.has_read(attached.room, attached.read_seq)
            self._reconsider(attached.room)

    def _has_read(self, mark: ReadMark) -> bool:
        attention = self._feed.attention
        if attention is not None and attention.has_read(mark.room, mark.read_seq):
            self._remind(mark.room)
        return super()._has_read(mark)

    def _reconsider(self, room: str | None) -> None:
        """Attach again, if the room was asked for something else than what is wanted now."""
        attention = self._feed.attention
        if room is not None and attention is not None and attention.is_otherwise(room, self._feed.connections):
            self._attach(room)

    def _look_again(self, before: Attention | None) -> None:
        """A connection has come or gone. `before`: what there was to attend to until then."""
        attention = self._feed.attention
        for room, large in [] if before is None else list(before.large.items()):
            if attention is not None:
                self._reconsider(room)
            elif large.asked[1] and self._feed.follows(room):
                self._attach(room)

    def _remind(self, room: str) -> None:
        """What those who are asleep there were told is not so any more."""
        place, attention = self._feed.place(room), self._feed.attention
        if attention is not None and room in attention.large and place is not None and place.address is not None:
            place.address.tell(Remind(self.address))

    def _pulse(self, pulse: Pulse) -> None:
        for connection, told in self._feed.pulse(pulse, self._user_id):
            if not connection.tell(told) and connection.alive:
                self._feed_on(self._feed.owe(connection, pulse.room))

    # --- focus ------------------------------------------------------------------------------------------------

    def _wants_focus(self, connection: Address, room: str | None) -> None:
        """The command for it is about to be queued."""
        attention = self._feed.attention
        if attention is None or connection not in attention.focus:
            return
        before = attention.wanted.pop(connection, None)
        if room in attention.large and attention.focus[connection] != room:
            attention.wanted[connection] = room
        self._reconsider(before)
        self._reconsider(room)

    def _focused(self, opened: OpenCommand, focus: Focus, reply: Ok | Error) -> Ok | Error:
        """The room has answered, or there is none to look at."""
        connection, room, attention = opened.connection, focus.room, self._feed.attention
        if attention is not None and connection in attention.focus:
            before = attention.focus[connection]
            if isinstance(reply, Ok):
                place = None if before is None else self._feed.place(before)
                attention.looks_at(connection, room, None if place is None else place.head)
            else:
                attention.wanted.pop(connection, None)
            self._reconsider(before)
            self._reconsider(room)
        if isinstance(reply, Ok) and room is not None and self._feed.follows(room):
            return structs.replace(reply, last_seq=self._feed.cursor(connection, room))
        return reply
