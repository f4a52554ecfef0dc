"""Which entries go to which connection, and where each stands that cannot keep up: pure.

A session follows rooms. Of each it knows the `head`: the last entry it has heard of without a gap. A connection is
*live* in a room when it was sent everything up to the head, and *behind* when it was not; then its cursor is kept, and
it is fed from the log, page by page, until it reaches the head and is live again. There is this one mechanism for
all that leaves somebody behind: a resume, a slow socket, a room that was restarted, a mailbox that overflowed.

The rules:
- Who is behind in a room gets nothing live of it. So live entries never overtake recovery, and what is queued for a
  slow socket is bounded by one page.
- One page at a time for each connection, and the next one when the socket has taken what it was given.
- What was seen is dropped; a gap makes everybody live in that room fall behind, at the place where the gap begins.

Connections are opaque keys. Nearly all are live everywhere nearly all the time; of these nothing is kept but that they
are there (`readers.py`), and while nobody is late, a delivery simply goes to all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from actors import Address
from server.protocol.entries import Entry, Left
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Resumed
from server.rooms.entries import entry_length
from server.rooms.fitting import fitting
from server.rooms.messages import Pulse, Terms
from server.sessions.attention import Attention, Rules
from server.sessions.feed_effects import AwaitDrained, Effects, GiveUp, ReadOn, Remember, Send
from server.sessions.opening import Start
from server.sessions.places import Place, Places
from server.sessions.readers import NO_TABS, NOBODY_LATE, Behind, Reader, Tabs

PAGE_ENTRIES: Final = 100
PAGE_CODE_POINTS: Final = 20_000  # of text in a page; at most 4 bytes each
ENTRY_WEIGHT: Final = 300  # code points that an entry weighs beside its text
FULL_WEIGHT: Final = PAGE_ENTRIES * ENTRY_WEIGHT  # after so much a socket has to drain: a page, or many short ones


class Feed(Places, gc=False):
    """The rooms a session follows, which are the places with a `head`, and its connections.

    Attributes
    ----------
    tabs
        The connections; one that keeps up stands by itself. For others: only to see whether that is so.
    """

    tabs: Address | Tabs = NO_TABS

    def __len__(self) -> int:
        return len(self.connections)

    @property
    def connections(self) -> tuple[Address, ...]:
        tabs = self.tabs
        return tabs.connections if isinstance(tabs, Tabs) else (tabs,)

    @property
    def _late(self) -> Mapping[Address, Reader]:
        tabs = self.tabs
        return tabs.late if isinstance(tabs, Tabs) else NOBODY_LATE

    @property
    def rooms(self) -> list[str]:
        return [place.room for place in self.each_place() if place.head is not None]

    def follows(self, room: str) -> bool:
        place = self.place(room)
        return place is not None and place.head is not None

    def _head(self, room: str) -> int:
        """Of a room that is followed."""
        place = self.place(room)
        assert place is not None
        assert place.head is not None
        return place.head

    def cursor(self, connection: Address, room: str) -> int:
        """The last entry this connection was sent, or does not need."""
        reader = self._late.get(connection)
        behind = None if reader is None else reader.behind.get(room)
        return self._head(room) if behind is None else behind.cursor

    # --- rooms ------------------------------------------------------------------------------------------------

    def follow(self, room: str, head: int, *, asker: Address | None, others_from: int) -> Effects:
        """The session follows a room from now on. `asker` knows all of it up to `head`, other connections only up
        to `others_from`."""
        self.take_place(room).head = head
        for connection in self.connections:
            if connection is not asker and others_from < head:
                self._reader(connection).falls_behind(room, others_from)
        return self.go_on()

    def reaches(self, room: str, seq: int) -> Effects:
        """The log of the room is known to reach `seq`, which may be more than the session was told of."""
        head = self._head(room)
        if seq <= head:
            return []
        self._all_fall_behind(room, head)
        self.take_place(room).head = seq
        return self.go_on()

    def delivered(self, room: str, first: int, last: int) -> Sequence[Address]:
        """Entries `first` to `last` are there: to whom they are to be passed on. The others are behind now."""
        place = self._places  # not by `place`: this is the way of nearly everything
        if type(place) is not Place or place.room != room:
            place = self.place(room)
        if place is None or (head := place.head) is None or last <= head:
            return ()
        place.head = last
        if first != head + 1:
            self._all_fall_behind(room, head)
            return ()
        tabs = self.tabs
        return self._takers(tabs, room, head) if type(tabs) is Tabs else (tabs,)

    def _takers(self, tabs: Tabs, room: str, head: int) -> Sequence[Address]:
        """Apart from `delivered`, whose every call would pay for the closure."""
        connections: Sequence[Address] = tabs.connections
        if tabs.attention is not None:
            connections = [one for one in connections if not tabs.attention.is_asleep(one, room)]
        if not tabs.late:
            return connections
        return [connection for connection in connections if self._takes(connection, room, head)]

    def _takes(self, connection: Address, room: str, head: int) -> bool:
        """Whether this connection takes what follows `head`; if it is full, it is behind from there on."""
        reader = self._late.get(connection)
        if reader is None:
            return True
        if reader.full:
            reader.falls_behind(room, head)
        return room not in reader.behind

    def missed(self, connection: Address, room: str, first: int) -> Effects:
        """The connection did not take a delivery that began at `first`."""
        if connection not in self.connections:
            return []
        self._reader(connection).falls_behind(room, first - 1)
        return self.congested(connection)

    def left(self, room: str, left: Left) -> Effects:
        """The session follows this room no more; whoever does not have all before it hears only that it is over."""
        place = self.place(room)
        if place is None or (head := place.head) is None:
            return []
        place.head = None
        is_next = left.seq in (None, head + 1)
        effects: Effects = []
        for connection in self.connections:
            is_live = not self._is_done_with(connection, room) and is_next and not self._is_asleep(connection, room)
            news = left if is_live else Left(room=room, user=left.user, by=left.by, reason=left.reason)
            effects.append(Send(connection, [news]))
        if (attention := self.attention) is not None:
            attention.forget(room)
        return [*effects, *self.go_on()]

    def _all_fall_behind(self, room: str, head: int) -> None:
        """But those who are not looking there."""
        for connection in self.connections:
            if not self._is_asleep(connection, room):
                self._reader(connection).falls_behind(room, head)

    def _is_done_with(self, connection: Address, room: str) -> bool:
        """The room is over for this connection; whether it was behind there."""
        reader = self._late.get(connection)
        if reader is None:
            return False
        if reader.reading == room:
            reader.reading = None
        return reader.is_done_with(room)

    # --- connections ------------------------------------------------------------------------------------------

    def opened(self, connection: Address, starts: Mapping[str, Start]) -> Effects:
        """A connection was welcomed. Rooms it has no start in are live from the head on."""
        self._keep((*self.connections, connection), self._late)
        effects: Effects = []
        for room, start in starts.items():
            if (attention := self.attention) is not None and attention.is_asleep(connection, room):
                effects += [Remember(room)] if attention.is_new_to(room, start.seq) else []
            elif start.seq < self._head(room):
                self._reader(connection).falls_behind(room, start.seq)
            if start.resumed:
                self._reader(connection).resumes(room, start.seq)
        return [*effects, *self.go_on()]

    def closed(self, connection: Address) -> bool:
        """Whether there was such a connection."""
        before, late = self.connections, self._late
        if (attention := self.attention) is not None:
            attention.closed(connection)
        left = {other: reader for other, reader in late.items() if other is not connection}
        self._keep(tuple(other for other in before if other is not connection), left)
        return len(self) < len(before)

    def _keep(self, connections: tuple[Address, ...], late: Mapping[Address, Reader]) -> None:
        """These are all there are now."""
        attention = self.attention
        if attention is not None and attention.focus:
            self.tabs = Tabs(connections, dict(late), attention)
        elif not connections:
            self.tabs = NO_TABS
        elif len(connections) == 1 and not late:
            self.tabs = connections[0]
        else:
            self.tabs = Tabs(connections, dict(late))

    def _reader(self, connection: Address) -> Reader:
        """What is kept of a connection of this session while it is late; from now on, if it was not."""
        tabs = self.tabs
        if not isinstance(tabs, Tabs):
            tabs = self.tabs = Tabs((tabs,))
        return tabs.late.setdefault(connection, Reader(connection))

    def takes_passing(self) -> Sequence[Address]:
        """Who may be told what is in no log: everyone who keeps up."""
        late = self._late
        return [c for c in self.connections if c not in late or not late[c].full] if late else self.connections

    def congested(self, connection: Address) -> Effects:
        """The connection's socket does not keep up."""
        if connection not in self.connections:
            return []
        reader = self._reader(connection)
        if reader.full:
            return []
        reader.full = True
        return [AwaitDrained(connection)]

    def drained(self, connection: Address) -> Effects:
        reader = self._late.get(connection)
        if reader is None:
            return []
        reader.full = False
        reader.weight = 0
        return [*self._pay(connection), *self.go_on()]

    # --- attention --------------------------------------------------------------------------------------------

    @property
    def attention(self) -> Attention | None:
        tabs = self.tabs
        return tabs.attention if isinstance(tabs, Tabs) else None

    def _is_asleep(self, connection: Address, room: str) -> bool:
        attention = self.attention
        return attention is not None and attention.is_asleep(connection, room)

    def terms(self, room: str) -> Terms | None:
        """How to attach to this room; None: for all that it tells."""
        attention = self.attention
        return None if attention is None else attention.terms(room, self.connections)

    def attends(self, connection: Address, focus: str | None, rules: Rules) -> Attention:
        """The connection, which is about to be welcomed, does not want everything."""
        attention = self.attention or Attention(rules)
        attention.focus[connection] = focus
        self.tabs = Tabs(self.connections, dict(self._late), attention)
        return attention

    def pulse(self, pulse: Pulse, user: str) -> Iterable[tuple[Address, Outgoing]]:
        """How a room stands: what to tell to whom, of those who are asleep there. To who is full it is owed."""
        tabs = self.tabs
        if type(tabs) is not Tabs or (attention := tabs.attention) is None:
            return
        if (told := attention.counted(pulse, user)) is None:
            return
        for connection in tabs.connections:
            if not attention.is_asleep(connection, pulse.room):
                continue
            if (reader := tabs.late.get(connection)) is not None and reader.full:
                attention.owed.add((connection, pulse.room))
            else:
                yield connection, told

    def owe(self, connection: Address, room: str) -> Effects:
        """The connection did not take what it was told of this room."""
        if (attention := self.attention) is not None and connection in self.connections:
            attention.owed.add((connection, room))
        return self.congested(connection)

    def _pay(self, connection: Address) -> Effects:
        """What was owed to this connection, which has drained."""
        attention = self.attention
        if attention is None or not attention.owed:
            return []
        rooms = [room for one, room in attention.owed if one is connection and attention.is_asleep(connection, room)]
        attention.owed = {(one, room) for one, room in attention.owed if one is not connection}
        told = [attention.large[room].told for room in rooms]
        return [Send(connection, one.events) for one in told if one is not None]

    # --- catching up ------------------------------------------------------------------------------------------

    def page(self, connection: Address, room: str, entries: Sequence[Entry]) -> Effects:
        """What was asked for with `ReadOn`; of a page that nobody waits for any more, nothing is used."""
        reader = self._late.get(connection)
        if reader is None or reader.reading != room:
            return []
        reader.reading = None
        if reader.full:
            return []
        behind = reader.behind[room]
        if not entries or entries[0].seq != behind.cursor + 1:
            self.closed(connection)
            return [GiveUp(connection)]
        fitted = fitting(entries, entry_length, PAGE_CODE_POINTS)
        behind.cursor += len(fitted)
        reader.weight += sum(ENTRY_WEIGHT + entry_length(entry) for entry in fitted)
        return [Send(connection, fitted), *self._go_on_with(reader)]

    def page_failed(self, connection: Address, room: str) -> None:
        """The log could not be read; `go_on` tries again."""
        reader = self._late.get(connection)
        if reader is not None and reader.reading == room:
            reader.reading = None

    def go_on(self) -> Effects:
        """Feed whoever is behind and can take more."""
        effects: Effects = []
        for reader in list(self._late.values()):
            effects += self._go_on_with(reader)
        return effects

    def _go_on_with(self, reader: Reader) -> Effects:
        effects: Effects = []
        connection = reader.connection
        while reader.behind and reader.reading is None and not reader.full:
            room, behind = next(iter(reader.behind.items()))
            head = self._head(room)
            if behind.cursor >= head:
                reader.is_done_with(room)
                effects += _resumed(connection, room, behind)
            elif reader.weight >= FULL_WEIGHT:
                reader.full = True
                effects.append(AwaitDrained(connection))
            else:
                reader.reading = room
                effects.append(ReadOn(connection, room, behind.cursor, head))
        if not reader.is_late:
            self._keeps_up_again(connection)
        return effects

    def _keeps_up_again(self, connection: Address) -> None:
        late = {other: reader for other, reader in self._late.items() if other is not connection}
        self._keep(self.connections, late)


def _resumed(connection: Address, room: str, behind: Behind) -> Effects:
    """The end of a recovery that the client asked for."""
    if behind.since is None:
        return []
    resumed = Resumed(room=room, recovered=True, last_seq=behind.cursor, from_=behind.since + 1, to=behind.cursor)
    return [Send(connection, [resumed])]
