"""The audit log: who moderated which room, how, whom and why.

The rules:
- An act is written in the transaction that does it, and what changes nothing is no act. Whoever moves the room's head
  in the same transaction keeps everybody else from numbering acts of that room meanwhile.
- It is kept for `AUDIT_DAYS`, also when the room is deleted, for whoever looks after the server. What is older is told
  to nobody, and taken away with the next act, of whatever room.
- No text of a message is in it.
- In a room it is told what people did there. What operators did, operators read, who read all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from server.protocol.limits import AUDIT_DAYS
from server.protocol.objects import Act
from server.protocol.times import rfc3339
from server.store.acts import ActRow
from server.store.audit_messages import AuditPage, ReadAudit
from server.store.room_changes import read_news
from server.store.tables import audit, users
from server.store.wire import AnyRow, user_from

KEPT_MS: Final = AUDIT_DAYS * 86_400_000

_columns: Final = tuple(audit.c[name] for name in ActRow._fields)
_append: Final = insert(audit).from_select(
    ["number", *ActRow._fields],
    select(
        select(func.coalesce(func.max(audit.c.number), 0) + 1)
        .where(audit.c.room_id == bindparam("room_id"))
        .scalar_subquery(),
        *(bindparam(column.name, type_=column.type) for column in _columns),
    ),
)
_forget: Final = delete(audit).where(audit.c.at < bindparam("since"))

_by: Final = users.alias("acting")
_page: Final = (
    select(
        *_columns, audit.c.number, _by.c.name.label("by_name"), _by.c.display_name.label("by_display_name"),
        users.c.name, users.c.display_name,
    )
    .join(_by, _by.c.id == audit.c.by)
    .outerjoin(users, users.c.id == audit.c.user_id)
    .where(
        audit.c.room_id == bindparam("room"), audit.c.number < bindparam("before"), audit.c.at >= bindparam("since")
    )
    .order_by(audit.c.number.desc())
    .limit(bindparam("most"))
)  # fmt: skip

_NO_NUMBER: Final = 2**62


def write_acts(connection: Connection, acts: Iterable[ActRow], at: int) -> None:
    """In their order, at `at` (ms since the epoch)."""
    for act in acts:
        connection.execute(_append, act._asdict())
    connection.execute(_forget, {"since": at - KEPT_MS})


def read_audit(connection: Connection, question: ReadAudit, now: int) -> AuditPage:
    before = _NO_NUMBER if question.before is None else question.before
    asked = {"room": question.room, "before": before, "since": now - KEPT_MS, "most": question.limit + 1}
    rows = connection.execute(_page, asked).all()
    page = rows[: question.limit]
    return AuditPage(tuple(_act(row) for row in page), page[-1].number if len(rows) > len(page) else None)


def _act(row: AnyRow) -> Act:
    news = None if row.news is None else read_news(row.news)
    return Act(
        at=rfc3339(row.at),
        act=row.act,
        by=user_from(row.by, row.by_name, row.by_display_name),
        user=None if row.user_id is None else user_from(row.user_id, row.name, row.display_name),
        reason=row.reason,
        target=row.target,
        role=None if news is None else news.role,
        until=None if news is None else news.muted_until or news.quiet_until,
        info=None if news is None or row.act not in ("rename", "set_rights") else news.info,
    )
