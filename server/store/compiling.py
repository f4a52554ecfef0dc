"""Statements are compiled once for all workers: by their parent, before it forks.

To compile those that a crowd needs when it comes takes a worker 20 ms and 3 MiB of its own, in the moment when it has
the least time. The parent has them compiled by asking a database in memory, which has all tables and nobody in them,
and is gone before the first fork: so nothing but the statements crosses it.

Left out: PostgreSQL, for which a parent would need a connection to the server.
"""

from __future__ import annotations

from typing import Final

from server.store.account_messages import ReadBlocks
from server.store.answering import answer_all
from server.store.choices import ReadChoices
from server.store.direct import NOBODY
from server.store.history_messages import ReadAuthors, ReadHistory, ReadLog
from server.store.lately import Span
from server.store.messages import Read
from server.store.room_messages import ListRooms, LoadRoom, ReadMembers, ReadMemberships
from server.store.sqlite import passing_engine
from server.store.tables import metadata
from server.store.user_messages import FindCredentials, FindIdentity, ReadRevocations

_LATELY: Final = (Span(0, 1),)
_OF_A_CROWD: Final[tuple[Read, ...]] = (
    FindCredentials(reply_to=NOBODY, name="ann"),
    FindIdentity(reply_to=NOBODY, token_hash=b""),
    ListRooms(reply_to=NOBODY, user="u_1"),
    LoadRoom(reply_to=NOBODY, room="r_1"),
    ReadLog(reply_to=NOBODY, room="r_1", after=0, upto=10, limit=10),
    ReadHistory(reply_to=NOBODY, room="r_1", reader="u_1", upto=10, limit=10),
    ReadAuthors(reply_to=NOBODY, room="r_1", after=0, upto=10),
    ReadMembers(reply_to=NOBODY, room="r_1", limit=10, next=None),
    ReadMemberships(reply_to=NOBODY, spans=_LATELY),
    ReadRevocations(reply_to=NOBODY, spans=_LATELY),
    ReadBlocks(reply_to=NOBODY, spans=_LATELY),
    ReadChoices(reply_to=NOBODY, spans=_LATELY),
)
"""What is asked when people come, look around, and are looked after."""


def compile_ahead() -> None:
    """Before the first fork of a process whose children have a database of SQLite."""
    engine = passing_engine()
    metadata.create_all(engine)
    answer_all(engine, _OF_A_CROWD, 0, 0)
    engine.dispose()
