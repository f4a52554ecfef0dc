"""The tables, once: queries, migrations and the check that both agree read them from here.

The rules: times are integers of milliseconds, ids are texts, and everything here exists in SQLite and PostgreSQL
alike. `entries` is the log: rows are only ever added, and of an old one nothing changes but what a message has become
(its text, which must be gone once it is edited or deleted, and its reactions). `rooms.last_seq`, `rooms.members` and
the counts of reactions are moved in the same transaction as what they count, so they never need counting.

Columns of kinds that do not exist yet are left out: a nullable column can be added later without rewriting a row.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

WORDS: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""In the order of their bytes everywhere, as SQLite has them: lists come in the same order, indexes are quicker, and
none is broken by a new version of the machine's locales."""

_ROOM_TO_CHANGE: Final = {"fillfactor": 80}
"""Per cent of a page that new rows fill: a row that is changed often then finds a place beside itself, and no index
has to be told (postgresql.org/docs/current/storage-hot.html)."""

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

users: Final = Table(
    "users",
    metadata,
    Column("id", WORDS, primary_key=True),
    Column("name", WORDS, nullable=True, unique=True),  # NULL: the person was deleted
    Column("display_name", WORDS),
    Column("password_hash", WORDS, nullable=False),
    Column("administrator", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen", BigInteger),  # coarse, written behind
    Column("disabled_at", BigInteger),  # an operator keeps them out since then
    Column("hides_receipts", Boolean),  # NULL: as most, no
    Column("status", WORDS),  # busy or invisible; NULL: as they are
    Column("status_text", WORDS),
    Column("status_emoji", WORDS),
    Column("chosen_at", BigInteger),  # when they changed any of the four above last
    sqlite_with_rowid=False,
)
Index(
    "ix_users_chosen_at",
    users.c.chosen_at,
    sqlite_where=users.c.chosen_at.is_not(None),
    postgresql_where=users.c.chosen_at.is_not(None),
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", WORDS, primary_key=True),  # the session's public id
    Column("hash", LargeBinary, nullable=False, unique=True),  # SHA-256 of the token
    Column("user_id", WORDS, ForeignKey("users.id"), nullable=False, index=True),
    Column("device", WORDS),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used", BigInteger, nullable=False),  # coarse, written behind
    Column("ended_at", BigInteger, index=True),  # revoked then
    sqlite_with_rowid=False,
)

blocks: Final = Table(
    "blocks",
    metadata,
    Column("user_id", WORDS, ForeignKey("users.id"), primary_key=True),
    Column("blocked_id", WORDS, ForeignKey("users.id"), primary_key=True),
    Column("holds", Boolean, nullable=False),  # not: it was lifted
    Column("changed_at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""Whom `user_id` has blocked, and of late has blocked no more: `blocking.py`."""

departures: Final = Table(
    "departures",
    metadata,
    Column("user_id", WORDS, ForeignKey("users.id"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Users that were deleted, and whose rooms have not all been left yet: by whoever finds them here."""

retired_names: Final = Table(
    "retired_names",
    metadata,
    Column("name", WORDS, primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""User names of deleted people, which nobody else can have until then."""

rooms: Final = Table(
    "rooms",
    metadata,
    Column("id", WORDS, primary_key=True),
    Column("log", WORDS, nullable=False),  # new after a restore: cursors of another log are refused
    Column("kind", WORDS, nullable=False),
    Column("name", WORDS),
    Column("topic", WORDS),
    Column("last_seq", BigInteger, nullable=False),
    Column("members", Integer, nullable=False),
    Column("creator", WORDS, ForeignKey("users.id"), nullable=False),
    Column("nonce", WORDS, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of what the nonce was used for
    Column("created_at", BigInteger, nullable=False),
    Column("first_peer", WORDS, ForeignKey("users.id")),  # of a dm: the smaller id of the two
    Column("second_peer", WORDS, ForeignKey("users.id")),
    Column("quiet_until", BigInteger),  # until then nobody but moderators and owners may post
    Column("icon", WORDS),  # an emoji
    Column("deleted_at", BigInteger),  # NULL: it is there
    Column("rights", WORDS),  # who may do what, in JSON; NULL: as in every room of its kind
    UniqueConstraint("creator", "nonce"),
    UniqueConstraint("first_peer", "second_peer"),
    postgresql_with=_ROOM_TO_CHANGE,
    sqlite_with_rowid=False,
)

Index(
    "uq_rooms_channel_name",
    rooms.c.name,
    unique=True,
    sqlite_where=rooms.c.kind == "channel",
    postgresql_where=rooms.c.kind == "channel",
)

members: Final = Table(
    "members",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", WORDS, ForeignKey("users.id"), primary_key=True),
    Column("name", WORDS, nullable=False),  # the user's, so that long lists can be paged by it
    Column("role", WORDS, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("seen", BigInteger),  # how far they have read for themselves; NULL: as far as `read`
    Column("level", WORDS),  # what of the room the member wants to be called for; NULL: all
    Index(None, "user_id"),
    Index(None, "room_id", "name"),
    Index(None, "joined_at"),
    postgresql_with=_ROOM_TO_CHANGE,
    sqlite_with_rowid=False,
)

entries: Final = Table(
    "entries",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kind", WORDS, nullable=False),  # message, edited, deleted, (un)reacted, (un)pinned, joined, left, room
    Column("at", BigInteger, nullable=False),
    Column("user_id", WORDS, ForeignKey("users.id"), nullable=False),  # the author; or who did it, who joined or left
    Column("nonce", WORDS),
    Column("digest", LargeBinary),  # of what the nonce was used for
    Column("text", WORDS),  # a message's as it is now, NULL: it was deleted; of an edit, NULL: there is a newer one
    Column("reply_to", BigInteger),
    Column("by", WORDS),  # who added or removed, if not the user
    Column("reason", WORDS),
    Column("target", BigInteger),  # the message that this entry concerns
    Column("edited_seq", BigInteger),  # of a message: its newest edit
    Column("edited_at", BigInteger),
    Column("reactions", WORDS),  # of a message: `[[emoji, people], …]` in JSON, in the order of their first use
    Column("news", WORDS),  # of a change of the room: what is so since, in JSON
    Column("mentions", WORDS),  # of a message, and of its newest edit: users' ids in JSON, or `["*"]`: all
    Column("thread", BigInteger),  # of a message, deleted or not: the one that begins the thread it is in
    Column("replies", Integer),  # of one that begins a thread: how many there are in it
    Column("last_reply", BigInteger),  # and the newest that ever was
    sqlite_with_rowid=False,
)
Index(
    "uq_entries_nonce",
    entries.c.room_id,
    entries.c.user_id,
    entries.c.nonce,
    unique=True,
    sqlite_where=entries.c.nonce.is_not(None),
    postgresql_where=entries.c.nonce.is_not(None),
)

Index(
    "ix_entries_room_id_thread_seq",
    entries.c.room_id,
    entries.c.thread,
    entries.c.seq,
    sqlite_where=entries.c.thread.is_not(None),
    postgresql_where=entries.c.thread.is_not(None),
)
Index(
    "ix_entries_room_id_last_reply",
    entries.c.room_id,
    entries.c.last_reply,
    sqlite_where=entries.c.last_reply.is_not(None),
    postgresql_where=entries.c.last_reply.is_not(None),
)

thread_marks: Final = Table(
    "thread_marks",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("target", BigInteger, primary_key=True),  # what begins the thread
    Column("user_id", WORDS, ForeignKey("users.id"), primary_key=True),
    Column("read", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How far people have read threads that they said they have read."""

reactions: Final = Table(
    "reactions",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("target", BigInteger, primary_key=True),
    Column("user_id", WORDS, ForeignKey("users.id"), primary_key=True),
    Column("emoji", WORDS, primary_key=True),
    sqlite_with_rowid=False,
)
"""Who has reacted to which message, and still does. How many there are of each stands in the message's own row."""

mentions: Final = Table(
    "mentions",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", WORDS, primary_key=True),  # `*`: all members, so this refers to nobody
    Column("seq", BigInteger, primary_key=True),
    Column("author", WORDS, ForeignKey("users.id"), nullable=False),
    sqlite_with_rowid=False,
)
"""Who is mentioned by which message that is there. Nobody is by their own, but `*` says so of its author, too."""

audit: Final = Table(
    "audit",
    metadata,
    Column("room_id", WORDS, primary_key=True),  # no reference, because it outlives the room; of an account: its id
    Column("number", BigInteger, primary_key=True),  # 1, 2, 3 … of the room
    Column("at", BigInteger, nullable=False, index=True),
    Column("act", WORDS, nullable=False),  # the op
    Column("by", WORDS, ForeignKey("users.id")),  # NULL: an operator
    Column("user_id", WORDS, ForeignKey("users.id")),  # whom it concerns
    Column("reason", WORDS),
    Column("target", BigInteger),  # the message that was deleted
    Column("news", WORDS),  # what is so since, in JSON, as in the room's log
    sqlite_with_rowid=False,
)
"""What people did by rights that not everybody has: `auditing.py`."""

erasures: Final = Table(
    "erasures",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    sqlite_with_rowid=False,
)
"""Deleted rooms whose log is not gone yet: `erasing.py`."""

endings: Final = Table(
    "endings",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("reason", WORDS),
    sqlite_with_rowid=False,
)
"""Rooms that an operator wants deleted, until they are: `endings.py`."""

expiring: Final = Table(
    "expiring",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""Messages that disappear, and when. One that was deleted before stays in here until then."""
pins: Final = Table(
    "pins",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("target", BigInteger, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # of the entry that says so
    Column("by", WORDS, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Which messages that are there are pinned, by whom, and when."""

bans: Final = Table(
    "bans",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", WORDS, ForeignKey("users.id"), primary_key=True),
    Column("by", WORDS, nullable=False),
    Column("reason", WORDS),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Who may not come into which room again."""

mutes: Final = Table(
    "mutes",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", WORDS, ForeignKey("users.id"), primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Who may not post where, member or not: nobody gets rid of it by leaving and coming again."""

channel_terms: Final = Table(
    "channel_terms",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True),
    Column("term", WORDS, primary_key=True),
    Index(None, "term", "room_id"),
    sqlite_with_rowid=False,
)
"""By which texts channels are found: `channel_terms.py`."""

invites: Final = Table(
    "invites",
    metadata,
    Column("id", WORDS, primary_key=True),  # the part of its code that is no signature
    Column("room_id", WORDS, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("by", WORDS, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("uses", Integer),  # how many may come; NULL: any number
    Column("used", Integer, nullable=False),
    Column("expires_at", BigInteger),  # or when it was revoked
    sqlite_with_rowid=False,
)
"""By which people come into rooms that they were not brought into by name."""

documents: Final = Table(
    "documents",
    metadata,
    Column("doc", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("room_id", WORDS, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
)
"""Messages that are in the index of what was said. Beside it each engine has its own, which refers to this one, and is
made by its migration: `document_words` (`full_text.py`)."""

indexed: Final = Table(
    "indexed",
    metadata,
    Column("room_id", WORDS, primary_key=True),
    Column("upto", BigInteger, nullable=False),
    postgresql_with=_ROOM_TO_CHANGE,
    sqlite_with_rowid=False,
)
"""How far the log of a room is in there; without a row, not at all. Neither table refers to `rooms`: of a room that is
deleted, `erasing.py` has `search_index.py` take what is there."""

join_requests: Final = Table(
    "join_requests",
    metadata,
    Column("room_id", WORDS, ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", WORDS, ForeignKey("users.id"), primary_key=True, index=True),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Who asks to come into a room, and waits for an answer."""

settings: Final = Table(
    "settings",
    metadata,
    Column("name", WORDS, primary_key=True),
    Column("value", WORDS, nullable=False),
    sqlite_with_rowid=False,
)
"""What an administrator changed while the server runs: `registration` is `open` or `closed`. And what the nodes that
share this database call themselves: `cluster`. And what invites are signed with: `invite_key`."""

nodes: Final = Table(
    "nodes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("weight", Integer, nullable=False),
    Column("linked", Boolean, nullable=False),
    Column("expires_at", BigInteger, nullable=False),  # on the database's clock
    Column("started_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The processes that may own shards. A node that has not renewed its row until it expires is dead to the others."""

shards: Final = Table(
    "shards",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("owner", Text),  # NULL: to be taken; no reference, because the row outlives the node's
    Column("epoch", BigInteger, nullable=False),  # raised by every change of `owner`
    sqlite_with_rowid=False,
)
"""Who may append to the rooms of a shard: `leases.py`, `fencing.py`. There are as many rows as shards, always."""
