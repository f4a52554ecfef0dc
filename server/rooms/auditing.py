"""Who has moderated a room: asked for by those who moderate it; pure."""

from __future__ import annotations

from server.protocol.bases import CommandId
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.governing_commands import Audit
from server.protocol.limits import AUDIT_LIMIT
from server.protocol.replies import Ok
from server.rooms.effects import Consult, Effect
from server.rooms.messages import Request
from server.rooms.questions import PageWanted
from server.rooms.state import RoomState
from server.store.audit_messages import AuditPage, ReadAudit

_CURSOR_DIGITS = 15


def audit(state: RoomState, request: Request, wanted: Audit, now: float) -> list[Effect]:
    """Ask for a page of it."""
    if wanted.limit > AUDIT_LIMIT:
        raise Refusal(ErrorCode.BAD_REQUEST, f"`limit` is {AUDIT_LIMIT} at the most")
    before = _before(wanted.next)
    ref = state.next_ref()
    state.questions.asked(ref, PageWanted(request), now)
    return [Consult(ReadAudit(reply_to=state.itself, ref=ref, room=state.room, limit=wanted.limit, before=before))]


def audit_reply(command_id: CommandId | None, page: AuditPage) -> Ok:
    return Ok(id=command_id, acts=list(page.acts), next=None if page.next is None else str(page.next))


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _CURSOR_DIGITS):
        raise Refusal(ErrorCode.BAD_REQUEST, "`next` is not what was given with the page before")
    return int(cursor)
