"""What the messages of one room have become, for somebody who reads its log: pure.

Entries change messages, and pages of history bring them in their present state; both may overlap in any way. So each
message remembers up to which entry its state is known, and an entry at or before that changes nothing. Whoever reads
all entries ends with the same messages, whether they were there, came back later, or paged through history.

What was not loaded is not kept: an entry about it is passed over, and the next page of history knows better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from clients.happenings import LogEntry
from server.protocol.entries import Deleted, Edited, MessageEntry, Pinned, Reacted
from server.protocol.objects import Message, Reaction


@dataclass(slots=True)
class _Held:
    """`known`: the entry after which the message was as it is here."""

    message: Message
    known: int


class Timeline:
    """The messages of one room, as far as they were loaded.

    Parameters
    ----------
    reader
        The id of the user whose own reactions are marked.
    """

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._held: dict[int, _Held] = {}
        self._pinned: dict[int, tuple[int, bool]] = {}  # up to which entry it is known, and what is so then
        self._listed = 0  # all others are not pinned, up to this entry

    def __iter__(self) -> Iterator[Message]:
        """Ascending by `seq`."""
        return (self._held[seq].message for seq in sorted(self._held))

    def find(self, seq: int) -> Message | None:
        held = self._held.get(seq)
        return None if held is None else held.message

    @property
    def pinned(self) -> frozenset[int]:
        """The messages that are pinned, as far as that was told."""
        return frozenset(seq for seq, (_, on) in self._pinned.items() if on)

    def take_pins(self, pinned: Iterable[int], known: int) -> None:
        """All that are pinned. `known`: the `to` of their list."""
        listed = set(pinned)
        for seq in listed | self._pinned.keys():
            self._pin(seq, known, on=seq in listed)
        self._listed = max(self._listed, known)

    def _pin(self, seq: int, known: int, *, on: bool) -> None:
        if self._pinned.get(seq, (self._listed, False))[0] < known:
            self._pinned[seq] = known, on

    def take_page(self, messages: Iterable[Message], known: int) -> None:
        """A page of history. `known`: its `to`."""
        for message in messages:
            held = self._held.get(message.seq)
            if held is None or held.known < known:
                self._held[message.seq] = _Held(message, known)

    def take(self, entry: LogEntry) -> None:
        """The next entry of the log."""
        match entry:
            case MessageEntry():
                self._held.setdefault(entry.seq, _Held(_message(entry), entry.seq))
            case Pinned(target=target, on=on):
                self._pin(target, entry.seq, on=on)
            case Edited() | Deleted() | Reacted():
                if isinstance(entry, Deleted):
                    self._pin(entry.target, entry.seq, on=False)
                held = self._held.get(entry.target)
                if held is not None and held.known < entry.seq:
                    held.message = self._changed(held.message, entry)
                    held.known = entry.seq

    def _changed(self, message: Message, entry: Edited | Deleted | Reacted) -> Message:
        match entry:
            case _ if message.deleted:
                return message
            case Edited(text=None):
                return message  # a later entry says what it is now
            case Edited(text=text, at=at, mentions=mentions):
                return replace(message, text=text, edited_at=at, mentions=mentions)
            case Deleted(by=by):
                return Message(
                    seq=message.seq, room=message.room, from_=message.from_, at=message.at, thread=message.thread,
                    deleted=True, by=by,
                )  # fmt: skip
            case Reacted():
                return replace(message, reactions=tuple(self._counted(message.reactions or (), entry)))

    def _counted(self, reactions: Iterable[Reaction], entry: Reacted) -> Iterator[Reaction]:
        is_me, change, found = entry.by == self._reader, 1 if entry.on else -1, False
        for each in reactions:
            if each.emoji != entry.emoji:
                yield each
                continue
            found = True
            if each.count + change > 0:
                yield Reaction(emoji=each.emoji, count=each.count + change, me=entry.on if is_me else each.me)
        if entry.on and not found:
            yield Reaction(emoji=entry.emoji, count=1, me=is_me)


def _message(entry: MessageEntry) -> Message:
    return Message(**{name: getattr(entry, name) for name in Message.__struct_fields__})
