"""Who has moderated a room: what the reader is asked of it, and answers."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import Act
from server.store.questions import Question


class ReadAudit(Question, frozen=True, kw_only=True):
    """The newest acts, of those with numbers below `before`, `limit` at the most. Answered `AuditPage`."""

    room: str
    limit: int
    before: int | None


class AuditPage(Struct, frozen=True):
    """`next`: the number of the last one; None: there are no more."""

    acts: tuple[Act, ...]
    next: int | None
