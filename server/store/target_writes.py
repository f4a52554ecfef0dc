"""What a plan has made of messages, written: the messages, who has reacted, whom they mention, what is pinned, and how
far threads were read.

The rule: in the transaction that appends the entries about it, behind them. Looked up it was in `targets.py`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, null, update

from server.store.amending import Amendments, Messages, Place, Target, written
from server.store.bulk import Bulk, Together
from server.store.mentioning import written_people
from server.store.tables import entries, mentions, pins, reactions, thread_marks
from server.store.targets import REACTION

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
_react: Final = Bulk({column.name: column.type for column in REACTION}, lambda given: given.inserted_into(reactions))
_unreact: Final = Bulk(
    {column.name: column.type for column in REACTION},
    lambda given: delete(reactions).where(*(column == given[column.name] for column in REACTION)),
)
_lay_bare: Final = Bulk(
    {column.name: column.type for column in REACTION[:2]},
    lambda given: delete(reactions).where(*(column == given[column.name] for column in REACTION[:2])),
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
