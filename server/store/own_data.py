"""What the store has of one person, for that person: read in pages, each within a snapshot of its own.

Messages come in the order of their nonces. It says nothing, and it is the one index that knows who said what, which
every post keeps anyhow; so a page is as quick to find in a room of a million messages of others as in one of ten.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from server.protocol.times import rfc3339
from server.store.account_messages import FindAccount, OwnAccount, OwnMessage, OwnMessages, ReadOwnMessages
from server.store.tables import entries, users

_account: Final = select(
    users.c.id,
    users.c.name,
    users.c.display_name,
    users.c.administrator,
    users.c.created_at,
    users.c.last_seen,
    users.c.hides_receipts,
    users.c.status,
    users.c.status_text,
    users.c.status_emoji,
).where(users.c.id == bindparam("user"))
_own_messages: Final = (
    select(
        entries.c.nonce,
        entries.c.seq,
        entries.c.at,
        entries.c.text,
        entries.c.reply_to,
        entries.c.edited_at,
    )
    .where(
        entries.c.room_id == bindparam("room"),
        entries.c.user_id == bindparam("user"),
        entries.c.nonce.is_not(None),
        entries.c.nonce > bindparam("after"),
    )
    .order_by(entries.c.nonce)
    .limit(bindparam("most"))
)


def find_account(connection: Connection, question: FindAccount) -> OwnAccount | None:
    row = connection.execute(_account, {"user": question.user}).one_or_none()
    if row is None or row.name is None:
        return None
    return OwnAccount(
        user=row.id,
        name=row.name,
        display_name=row.display_name,
        administrator=row.administrator,
        created_at=rfc3339(row.created_at),
        last_seen=None if row.last_seen is None else rfc3339(row.last_seen),
        hides_receipts=bool(row.hides_receipts),
        status=row.status,
        status_text=row.status_text,
        status_emoji=row.status_emoji,
    )


def read_own_messages(connection: Connection, question: ReadOwnMessages) -> OwnMessages:
    """Those that were deleted are counted as read, and not given."""
    asked = {"room": question.room, "user": question.user, "after": question.after, "most": question.limit}
    rows = connection.execute(_own_messages, asked).all()
    messages = tuple(
        OwnMessage(seq, rfc3339(at), text, reply_to, None if edited_at is None else rfc3339(edited_at))
        for _, seq, at, text, reply_to, edited_at in rows
        if text is not None
    )
    return OwnMessages(messages, rows[-1].nonce if len(rows) == question.limit else None)
