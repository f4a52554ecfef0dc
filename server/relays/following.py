"""The half of a relay that looks to the log of its room: where it stands in it, what is missing, who may have what.

Pure. The rules:
- Entries are passed on in order, each once. What is missing is read from the store, page by page, and what the owner
  says meanwhile and has its place behind that waits (`stream.py`).
- From the entry on by which somebody left, the sessions of that one get nothing.
- While nobody listens, nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors import Address
from server.protocol.entries import Entry, Joined, Left, MessageEntry
from server.relays.effects import Effects, RelayEffect
from server.relays.messages import Delivered
from server.relays.stream import PAGE_ENTRIES, Ordered, Stream
from server.rooms.attachments import Attachments
from server.rooms.effects import Consult, FanOut, TellUser
from server.rooms.entries import portions
from server.rooms.messages import Added, Delivery
from server.rooms.pulsing import tally_failed, tally_read, tell_passive
from server.store.history_messages import LogPage, ReadLog
from server.store.questions import Done, Failed


class Following(Attachments):
    """See the top of this file. `Forwarding` adds the owner, and what sessions ask of it."""

    __slots__ = ("_itself", "_refs", "_room", "_stream")

    def __init__(self, room: str, itself: Address, incarnation: int, refs: Iterator[int]) -> None:
        super().__init__(incarnation)
        self._room = room
        self._itself = itself
        self._refs = refs
        self._stream = Stream()

    def _take(self, told: Ordered, now: float) -> Effects:
        """Pass it on, unless something is missing that has its place before it."""
        raise NotImplementedError

    def _forget(self, session: Address) -> None:
        """It is not attached any more."""
        raise NotImplementedError

    def _is_joining(self, user: str) -> bool:
        """Whether this user has asked here to join."""
        raise NotImplementedError

    def _remove(self, user: str, left: Left) -> Effects:
        """The user is no member any more."""
        for session in self.audience.sessions_of((user,)):
            self._forget(session)
        return [*self.detach_all_of(user, left)]

    def _next(self, told: Delivered, entries: Sequence[Entry], now: float) -> Effects:
        head = self._stream.head
        assert head is not None
        first, last = entries[0].seq or 0, entries[-1].seq or 0
        if last <= head:
            return []
        if first > head + 1:
            return [*self._reach(first - 1, now), *self._take(told, now)]
        return self._pass_on(entries[head + 1 - first :])

    def _reach(self, seq: int, now: float) -> Effects:
        """The log is known to reach `seq`. While nobody listens, that is enough."""
        stream = self._stream
        assert stream.head is not None
        if seq <= max(stream.head, stream.known, stream.ahead):
            return []
        if not self.audience:
            stream.head = seq
            return []
        was_behind = stream.is_behind
        stream.reaches(seq)
        return [] if was_behind else [self._read(now)]

    def _read(self, now: float) -> RelayEffect:
        stream, ref = self._stream, next(self._refs)
        assert stream.head is not None
        stream.asks(ref, now)
        return Consult(
            ReadLog(
                reply_to=self._itself, ref=ref, room=self._room, after=stream.head, upto=stream.known,
                limit=PAGE_ENTRIES,
            )
        )  # fmt: skip

    def done(self, done: Done, now: float) -> Effects:
        """A page of what is missing."""
        stream = self._stream
        if not stream.takes_answer(done.ref):
            return [*tally_read(self.audience, done)]
        if stream.head is None:
            return []
        page = done.value
        assert isinstance(page, LogPage)
        if not page.entries or page.entries[0].seq != stream.head + 1:
            stream.failed(now)
            return []
        effects = self._pass_on(page.entries)
        if stream.is_behind and not self.audience:
            stream.head = stream.known
        if stream.is_behind:
            return [*effects, self._read(now)]
        for told in stream.take_put_off():
            effects += self._take(told, now)
        return effects

    def failed(self, failed: Failed, now: float) -> None:
        """The store cannot be asked."""
        if self._stream.takes_answer(failed.ref):
            self._stream.failed(now)
        else:
            tally_failed(self.audience, failed)

    def _tell_passive(self, now: float) -> Effects:
        """Those who do not look."""
        return [*tell_passive(self.audience, self._room, self._itself, self._refs.__next__, now)]

    def _pass_on(self, entries: Sequence[Entry]) -> Effects:
        """To all sessions; nothing from the entry on by which somebody left to the sessions of that one.

        Who came is told of the room, but for those who asked to come by this relay: they are attached in a moment.
        """
        self._stream.head = entries[-1].seq
        if all(type(entry) is MessageEntry for entry in entries):
            return self._deliver(entries)
        effects: Effects = []
        gathered: list[Entry] = []
        for entry in entries:
            if isinstance(entry, Left):
                effects += self._deliver(gathered)
                effects += self._remove(entry.user, entry)
                gathered = []
            gathered.append(entry)
            if isinstance(entry, Joined) and not self._is_joining(entry.user.user):
                effects += self._deliver(gathered)
                effects.append(TellUser(entry.user.user, Added(self._room, entry.seq)))
                gathered = []
        return [*effects, *self._deliver(gathered)]

    def _deliver(self, entries: Sequence[Entry]) -> Effects:
        audience = self.audience
        self.stir(entries)
        to = audience.everyone
        return [FanOut(Delivery(self._room, portion), to) for portion in portions(entries)] if to else []
