"""Messages that are changed, or answered: looked up before that is planned, and written as it was planned.

Both in the transaction that appends the entry about it. Nobody else changes them meanwhile: whoever does moves the
room's head, from which this transaction moves it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, null, select, tuple_, update

from server.protocol.limits import LARGEST_INTEGER
from server.store.amending import Amendments, Mark, Messages, Place, Reaction, Target, read_tally, written
from server.store.bulk import Bulk, Together
from server.store.changes import MessageChange, MessageGone, NewText, Pinning, Reacting
from server.store.in_lists import portions
from server.store.mentioning import read_people, written_people
from server.store.messages import Append, NewMessage
from server.store.pin_queries import pinned_in
from server.store.tables import entries, members, mentions, pins, reactions, thread_marks
from server.store.thread_messages import ThreadSeen

_columns: Final = (
    entries.c.room_id, entries.c.seq, entries.c.user_id, entries.c.text, entries.c.digest, entries.c.by,
    entries.c.edited_seq, entries.c.edited_at, entries.c.reactions, entries.c.mentions,
    entries.c.thread, entries.c.replies, entries.c.last_reply,
)  # fmt: skip
_reaction: Final = (reactions.c.room_id, reactions.c.target, reactions.c.user_id, reactions.c.emoji)

_CHANGED: Final = (
    "text", "digest", "by", "edited_seq", "edited_at", "reactions", "mentions", "replies", "last_reply"
)  # fmt: skip

_amend: Final = Bulk(
    {name: entries.c[name].type for name in (*_CHANGED, "room_id", "seq")},
    lambda given: (
        update(entries)
        .where(entries.c.room_id == given["room_id"], entries.c.seq == given["seq"])
        .values({name: given[name] for name in _CHANGED})
    ),
)
_empty: Final = Bulk(
    {name: entries.c[name].type for name in ("room_id", "seq")},
    lambda given: (
        update(entries)
        .where(entries.c.room_id == given["room_id"], entries.c.seq == given["seq"])
        .values(text=null(), mentions=null())
    ),
)
_react: Final = Bulk({column.name: column.type for column in _reaction}, lambda given: given.inserted_into(reactions))
_unreact: Final = Bulk(
    {column.name: column.type for column in _reaction},
    lambda given: delete(reactions).where(*(column == given[column.name] for column in _reaction)),
)
_lay_bare: Final = Bulk(
    {column.name: column.type for column in _reaction[:2]},
    lambda given: delete(reactions).where(*(column == given[column.name] for column in _reaction[:2])),
)

MENTION: Final = Bulk(
    {column.name: column.type for column in mentions.columns}, lambda given: given.inserted_into(mentions)
)
_unmention: Final = Bulk(
    {name: mentions.c[name].type for name in ("room_id", "user_id", "seq")},
    lambda given: delete(mentions).where(
        mentions.c.room_id == given["room_id"], mentions.c.user_id == given["user_id"], mentions.c.seq == given["seq"]
    ),
)

_mark: Final = Bulk(
    {column.name: column.type for column in thread_marks.columns}, lambda given: given.inserted_into(thread_marks)
)
_move_mark: Final = Bulk(
    {column.name: column.type for column in thread_marks.columns},
    lambda given: (
        update(thread_marks)
        .where(
            thread_marks.c.room_id == given["room_id"],
            thread_marks.c.target == given["target"],
            thread_marks.c.user_id == given["user_id"],
        )
        .values(read=given["read"])
    ),
)

_pin: Final = Bulk({column.name: column.type for column in pins.columns}, lambda given: given.inserted_into(pins))
_unpin: Final = Bulk(
    {name: pins.c[name].type for name in ("room_id", "target")},
    lambda given: delete(pins).where(pins.c.room_id == given["room_id"], pins.c.target == given["target"]),
)


def look_up(connection: Connection, appends: Iterable[Append], known: Messages) -> None:
    """Learn of the messages that these appends would change or answer, and of the members whom they mention; nothing is
    asked where there is none."""
    changes: list[tuple[str, MessageChange]] = []
    places: set[Place] = set()
    names: set[tuple[str, str]] = set()
    marks: set[Mark] = set()
    for append in appends:
        room, draft = append.room, append.draft
        if type(draft) is NewMessage:
            if draft.reply_to is not None:
                places.add((room, draft.reply_to))
            if draft.thread is not None:
                places.add((room, draft.thread))
            if draft.mentioned is not None:
                names.update((room, name) for name in draft.mentioned.names)
        elif isinstance(draft, ThreadSeen):
            places.add((room, draft.target))
            marks.add((room, draft.target, draft.by))
        elif isinstance(draft, MessageChange):
            changes.append((room, draft))
            places.add((room, draft.target))
            if isinstance(draft, NewText) and draft.mentioned is not None:
                names.update((room, name) for name in draft.mentioned.names)
    if places:
        known.targets = _targets(connection, list(places))
    if changes:
        known.reacted = _reacted(connection, changes)
        known.targets |= _targets(connection, _roots(changes, known.targets))
    if pinning := {room for room, change in changes if isinstance(change, Pinning)}:
        known.pinned = pinned_in(connection, pinning)
    if marks:
        known.marks = _marks(connection, list(marks))
    if names:
        known.members = _members(connection, list(names))


def write(statements: Together, amended: Amendments, known: Messages) -> None:
    """What a plan has made of messages. Behind its entries, of which one may be emptied at once."""
    statements.execute(_amend, [_row(place, target) for place, target in amended.targets.items()])
    _write_mentions(statements, amended, known)
    statements.execute(_unpin, list(amended.pins), each=False)
    statements.execute(_pin, [(*place, *pin) for place, pin in amended.pins.items() if pin is not None])
    statements.execute(_mark, [(*mark, read) for mark, read in amended.marks.items() if mark not in known.marks])
    statements.execute(_move_mark, [(*mark, read) for mark, read in amended.marks.items() if mark in known.marks])
    statements.execute(_empty, list(amended.emptied))
    new = [
        key for key, on in amended.reacted.items() if on and key not in known.reacted and key[:2] not in amended.bare
    ]
    old = [key for key, on in amended.reacted.items() if not on and key in known.reacted]
    statements.execute(_react, new)
    statements.execute(_unreact, old)
    statements.execute(_lay_bare, list(amended.bare), each=False)


def _write_mentions(statements: Together, amended: Amendments, known: Messages) -> None:
    mentioned: list[tuple[object, ...]] = []
    not_any_more: list[tuple[object, ...]] = []
    for (room, seq), target in amended.targets.items():
        before, now = known.targets[room, seq].mentions, target.mentions
        if before != now:
            mentioned += [(room, user, seq, target.author) for user in now if user not in before]
            not_any_more += [(room, user, seq) for user in before if user not in now]
    statements.execute(MENTION, mentioned)
    statements.execute(_unmention, not_any_more)


def _row(place: Place, target: Target) -> tuple[object, ...]:
    return (
        target.text, target.digest, target.by, target.edited_seq, target.edited_at, written(target.reactions),
        written_people(target.mentions), target.replies, target.last_reply, *place,
    )  # fmt: skip


def _targets(connection: Connection, places: Sequence[Place]) -> dict[Place, Target]:
    found: dict[Place, Target] = {}
    for some in portions([place for place in places if place[1] <= LARGEST_INTEGER]):
        rows = connection.execute(select(*_columns).where(tuple_(*_columns[:2]).in_(some), entries.c.kind == "message"))
        found |= {(row.room_id, row.seq): _target(row) for row in rows}
    return found


def _target(row: Row[*tuple[Any, ...]]) -> Target:
    return Target(
        row.user_id, row.text, row.digest, row.by, row.edited_seq, row.edited_at, read_tally(row.reactions),
        read_people(row.mentions), row.thread, row.replies, row.last_reply,
    )  # fmt: skip


def _roots(changes: Iterable[tuple[str, MessageChange]], known: Mapping[Place, Target]) -> list[Place]:
    """What begins the threads in which something is to be deleted, as far as that is not known."""
    gone = (((room, change.target), change) for room, change in changes if isinstance(change, MessageGone))
    threads = {(place[0], known[place].thread) for place, _ in gone if place in known}
    return [(room, thread) for room, thread in threads if thread is not None and (room, thread) not in known]


def _marks(connection: Connection, marks: Sequence[Mark]) -> dict[Mark, int]:
    columns = thread_marks.c.room_id, thread_marks.c.target, thread_marks.c.user_id
    found: dict[Mark, int] = {}
    for some in portions(marks):
        rows = connection.execute(select(*columns, thread_marks.c.read).where(tuple_(*columns).in_(some)))
        found |= {(room, root, user): read for room, root, user, read in rows}
    return found


def _members(connection: Connection, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    columns = members.c.room_id, members.c.name
    found: dict[tuple[str, str], str] = {}
    for some in portions(names):
        rows = connection.execute(select(*columns, members.c.user_id).where(tuple_(*columns).in_(some)))
        found |= {(room, name): user for room, name, user in rows}
    return found


def _reacted(connection: Connection, changes: Sequence[tuple[str, MessageChange]]) -> set[Reaction]:
    keys = list({(room, c.target, c.by, c.emoji) for room, c in changes if isinstance(c, Reacting)})
    found: set[Reaction] = set()
    for some in portions(keys):
        rows = connection.execute(select(*_reaction).where(tuple_(*_reaction).in_(some)))
        found |= {(room, target, user, emoji) for room, target, user, emoji in rows}
    return found
