"""How far a member says they have received and read a room: pure."""

from __future__ import annotations

from server.protocol.attention_commands import MarkUnread, Read, Received
from server.protocol.replies import Ok
from server.rooms.coalescing import save_marks
from server.rooms.effects import Effect
from server.rooms.messages import Request
from server.rooms.state import RoomState, answered
from server.store.marks import seen_by


def mark(state: RoomState, request: Request, said: Received | Read | MarkUnread) -> list[Effect]:
    """What is ahead of the log counts as its end.

    Who hides how far they have read has only received it, as others see it.

    What is marked as unread is written at once, ahead of the answer: nothing that comes later would say it again, as
    the next `read` does of one that was lost.
    """
    user, members, seq = request.user.user, state.members, min(said.seq, state.last_seq)
    match said:
        case Received():
            state.receipts.mark(user, members, seq, 0)
            return [answered(request, Ok(id=said.id))]
        case Read():
            if request.hides:
                state.receipts.mark(user, members, seq, 0, seen=seq)
            else:
                state.receipts.mark(user, members, 0, seq)
            return [answered(request, Ok(id=said.id, read_seq=seen_by(members[user])))]
        case MarkUnread():
            state.receipts.mark_unread(user, members, max(0, said.seq - 1))
            return [*save_marks(state), answered(request, Ok(id=said.id, read_seq=seen_by(members[user])))]
