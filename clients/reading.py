"""What a client knows of its rooms, and how far it has read each.

The rule: whoever reads sees each entry of a room once, in order of `seq`, or a `Missed` that says what is
lacking. Every change of a place goes through here, and each returns the happenings that follow from it. What has
to be asked of the server for it (missing entries, a room nobody here has heard of) is collected by `to_ask`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from clients.happenings import Happening, LogEntry, Missed
from clients.places import Place, resume
from server.protocol.entries import Left, RoomChanged
from server.protocol.events import Activity, Attention
from server.protocol.hello_commands import Cursor
from server.protocol.limits import LOG_LIMIT, REPLAY_PER_ROOM, RESUME_ROOMS
from server.protocol.objects import Room, User
from server.protocol.page_commands import Log
from server.protocol.replies import Ok, Resumed, Welcome
from server.protocol.room_commands import Rooms


class Reading:
    """All rooms of one user.

    Parameters
    ----------
    cursors
        Where an earlier reading stopped, by room.
    """

    def __init__(self, cursors: Mapping[str, Cursor]) -> None:
        self.me: User | None = None
        self.rooms: dict[str, Room] = {}
        self._places = {room: Place(cursor.log, cursor.seq) for room, cursor in cursors.items()}
        self._resuming: set[str] = set()
        self._asleep: set[str] = set()  # rooms that are told by `activity`: of their entries none is missing
        self._rooms_wanted = False

    def cursors(self) -> dict[str, Cursor]:
        return {room: Cursor(place.log, place.seq) for room, place in self._places.items() if place.log}

    # --- opening -------------------------------------------------------------------------------------------

    def resume(self, size: int) -> dict[str, Cursor]:
        """What `hello` names, in `size` bytes at the most."""
        looked_at = {room: place for room, place in self._places.items() if room not in self._asleep}
        named = resume(looked_at, RESUME_ROOMS, size)
        self._resuming = set(named)
        return named

    def lost(self) -> None:
        """Nothing that was asked will be answered on this connection."""
        self._resuming.clear()
        self._rooms_wanted = False
        for place in self._places.values():
            place.asking = False

    def welcomed(self, welcome: Welcome) -> Iterator[Happening]:
        self.me = welcome.me
        self.rooms = {room.room: room for room in welcome.rooms}
        yield welcome
        for room in welcome.rooms:
            if room.room not in self._resuming and room.room not in self._asleep:
                yield from self._go_on(room)
        for lost in self._places.keys() - self.rooms.keys() - self._resuming:
            del self._places[lost]
            yield Left(room=lost, user=welcome.me.user)

    def _go_on(self, room: Room) -> Iterator[Happening]:
        """Where reading goes on in a room that `resume` did not name: the server begins behind its `last_seq`."""
        place = self._places.setdefault(room.room, Place(room.log, room.last_seq))
        if place.log in ("", room.log) and place.seq <= room.last_seq:
            place.log = room.log
            place.newest = room.last_seq
        else:
            yield from self._skip(place, room.room, room.last_seq, "another log")

    # --- rooms that are not looked at --------------------------------------------------------------------------

    def activity(self, activity: Activity) -> Iterator[Happening]:
        """How a room stands of which no entries come: that is no gap."""
        room = self.rooms.get(activity.room)
        if room is not None:
            self.rooms[activity.room] = replace(
                room, last_seq=activity.last_seq, unread=activity.unread, mentions=activity.mentions
            )
            self._asleep.add(activity.room)
        yield activity

    def attends(self, attention: Attention) -> Iterator[Happening]:
        """What the user wants to be called for, said here or on another device."""
        if (room := self.rooms.get(attention.room)) is not None:
            self.rooms[attention.room] = replace(room, level=attention.level)
        yield attention

    def looks(self, room: str, last_seq: int) -> Iterator[Happening]:
        """Live entries come from behind `last_seq` on. What came before is asked for, unless that is too much."""
        self._asleep.discard(room)
        place = self._places.get(room)
        if place is None:
            return
        if 0 <= last_seq - place.seq <= REPLAY_PER_ROOM:
            place.newest = max(place.newest, last_seq)
        else:
            yield from self._skip(place, room, last_seq, "not looked at")

    def resumed(self, resumed: Resumed) -> Iterator[Happening]:
        self._resuming.discard(resumed.room)
        place = self._places.get(resumed.room)
        if place is not None and not resumed.recovered:
            yield from self._skip(place, resumed.room, resumed.last_seq, resumed.reason or "not recovered")
        elif place is not None:
            place.newest = max(place.newest, resumed.to or 0)
        yield resumed

    def _skip(self, place: Place, room: str, through: int, reason: str) -> Iterator[Happening]:
        if room in self.rooms:
            place.log = self.rooms[room].log
        yield Missed(room, place.seq, through, reason)
        yield from self._hand_on(place.skip(through))

    # --- entries -------------------------------------------------------------------------------------------

    def entry(self, entry: LogEntry, seq: int) -> Iterator[Happening]:
        place = self._places.get(entry.room)
        if place is None:
            # Someone invited us: the first entry of a room nobody here has heard of.
            place = self._places[entry.room] = Place("", seq - 1)
            self._rooms_wanted = True
        yield from self._hand_on(place.take(entry, seq))

    def left(self, event: Left) -> Iterator[Happening]:
        if event.seq is not None:
            yield from self.entry(event, event.seq)
        else:
            self.leave(event.room)
            yield event

    def _hand_on(self, entries: list[LogEntry]) -> Iterator[Happening]:
        for entry in entries:
            if isinstance(entry, RoomChanged):
                self._change(entry)
            elif isinstance(entry, Left) and self.me is not None and entry.user == self.me.user:
                self.leave(entry.room)
            yield entry

    def _change(self, entry: RoomChanged) -> None:
        """The same bytes go to every member: what is new for one of them is ours where it names us."""
        known = self.rooms.get(entry.room)
        if known is None:
            return
        is_about_us = self.me is not None and entry.user == self.me.user
        self.rooms[entry.room] = replace(
            known, name=entry.info.name, topic=entry.info.topic, rights=entry.info.rights,
            icon=entry.info.icon,
            role=entry.role if is_about_us and entry.role is not None else known.role,
            quiet_until=entry.quiet_until or known.quiet_until,
        )  # fmt: skip

    def leave(self, room: str) -> None:
        self._places.pop(room, None)
        self.rooms.pop(room, None)
        self._resuming.discard(room)
        self._asleep.discard(room)

    # --- rooms ---------------------------------------------------------------------------------------------

    def learn(self, room: Room) -> None:
        """We are a member of `room` (again); what is delivered next follows its `last_seq`.

        A place that is there already stays: if entries are missing between, they will be asked for.
        """
        self.rooms[room.room] = room
        place = self._places.setdefault(room.room, Place(room.log, room.last_seq))
        place.log = place.log or room.log

    def learn_all(self, rooms: list[Room]) -> None:
        """A place is made by what is delivered; the list only gives it its log and its name."""
        for room in rooms:
            if room.room in self._places:
                self.learn(room)

    # --- what is missing -----------------------------------------------------------------------------------

    def to_ask(self, now: float) -> Iterator[Log | Rooms]:
        """What to ask the server now; each question comes once, until it is answered or the connection lost."""
        if self._rooms_wanted:
            self._rooms_wanted = False
            yield Rooms()
        for room, place in self._places.items():
            if self._lacks(room, place) and now >= place.ask_at:
                place.asking = True
                yield Log(room=room, after=place.seq, limit=LOG_LIMIT)

    def next_wake(self) -> float | None:
        return min((place.ask_at for room, place in self._places.items() if self._lacks(room, place)), default=None)

    def _lacks(self, room: str, place: Place) -> bool:
        return place.behind and not place.asking and room not in self._resuming

    def missing_came(self, asked: Log, ok: Ok) -> Iterator[Happening]:
        place = self._places.get(asked.room)
        if place is None:
            return
        place.asking = False
        for entry in ok.entries or ():
            if entry.seq is not None:
                yield from self._hand_on(place.take(entry, entry.seq))
        if place.seq <= asked.after:
            yield from self.missing_for_good(asked, "not in the log")

    def missing_for_good(self, asked: Log, reason: str) -> Iterator[Happening]:
        """The server will not give what is missing: go on behind it."""
        place = self._places.get(asked.room)
        if place is None:
            return
        place.asking = False
        if place.behind:
            before = place.seq
            through, ordered = place.skip_missing()
            yield Missed(asked.room, before, through, reason)
            yield from self._hand_on(ordered)

    def ask_later(self, asked: Log, at: float) -> None:
        place = self._places.get(asked.room)
        if place is not None:
            place.asking = False
            place.ask_at = at
