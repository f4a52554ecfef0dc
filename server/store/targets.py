"""Messages that are changed, or answered: looked up before that is planned. What was planned `target_writes.py` writes.

Both in the transaction that appends the entry about it. Nobody else changes them meanwhile: whoever does moves the
room's head, from which this transaction moves it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final

from sqlalchemy import Connection, Row, select, tuple_

from server.protocol.limits import LARGEST_INTEGER
from server.store.amending import Mark, Messages, Place, Reaction, Target, read_tally
from server.store.changes import MessageChange, MessageGone, NewText, Pinning, Reacting
from server.store.in_lists import portions
from server.store.log_messages import Append, NewMember, NewMessage
from server.store.mentioning import read_people
from server.store.pin_queries import pinned_in
from server.store.tables import entries, members, reactions, thread_marks, users
from server.store.thread_messages import ThreadSeen

_columns: Final = (
    entries.c.room_id, entries.c.seq, entries.c.user_id, entries.c.text, entries.c.digest, entries.c.by,
    entries.c.edited_seq, entries.c.edited_at, entries.c.reactions, entries.c.mentions,
    entries.c.thread, entries.c.replies, entries.c.last_reply,
)  # fmt: skip
REACTION: Final = (reactions.c.room_id, reactions.c.target, reactions.c.user_id, reactions.c.emoji)
"""What tells one reaction from another."""


def look_up(connection: Connection, appends: Iterable[Append], known: Messages) -> None:
    """Learn of the messages that these appends would change or answer, and of the members whom they mention; nothing is
    asked where there is none."""
    changes: list[tuple[str, MessageChange]] = []
    places: set[Place] = set()
    names: set[tuple[str, str]] = set()
    coming: set[tuple[str, str]] = set()
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
        elif isinstance(draft, NewMember):
            coming.add((room, draft.user))
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
        known.coming = _coming(connection, coming, names)


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


def _coming(
    connection: Connection, coming: Set[tuple[str, str]], names: Set[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Those of whom somebody speaks in the commit with which they come. Whether they came first, the plan knows."""
    called: dict[str, str] = {}
    for some in portions(list({user for _, user in coming})):
        rows = connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(some)))
        called |= {row.id: row.name for row in rows}
    return {(room, called[user]): user for room, user in coming if (room, called.get(user)) in names}


def _reacted(connection: Connection, changes: Sequence[tuple[str, MessageChange]]) -> set[Reaction]:
    keys = list({(room, c.target, c.by, c.emoji) for room, c in changes if isinstance(c, Reacting)})
    found: set[Reaction] = set()
    for some in portions(keys):
        rows = connection.execute(select(*REACTION).where(tuple_(*REACTION).in_(some)))
        found |= {(room, target, user, emoji) for room, target, user, emoji in rows}
    return found
