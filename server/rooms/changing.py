"""What a room does about a change of a message: pure.

Here is checked what the room knows: who asks, what that one may do, and the shape of it. Whether the message is there,
and whose it is, the writer finds where the entry gets its place (`server/store/amending.py`).
"""

from __future__ import annotations

from server.protocol.message_commands import Delete, Edit, React
from server.protocol.rules import check_emoji, check_text
from server.rooms.effects import Effect
from server.rooms.mentioning import mentioned_by
from server.rooms.messages import Request
from server.rooms.rights import check_target, may_delete_of_others
from server.rooms.state import RoomState
from server.store.changes import MessageChange, MessageGone, NewText, Reacting
from server.store.room_messages import MemberRecord


def change(
    state: RoomState, request: Request, command: Edit | Delete | React, member: MemberRecord, now: float
) -> list[Effect]:
    """Send it on its way.

    Raises
    ------
    Refusal
        The command is against the rules.
    """
    check_target(command.target, state.last_seq)
    draft = _draft(state, command, request.user.user, member)
    return [state.append(draft, request.user, request, now)]


def _draft(state: RoomState, command: Edit | Delete | React, by: str, member: MemberRecord) -> MessageChange:
    match command:
        case Edit(target=target, text=text):
            return NewText(by, target, check_text(text), mentioned_by(state, text, member.role, is_edit=True))
        case Delete(target=target):
            return MessageGone(by, target, of_others=may_delete_of_others(member.role))
        case React(target=target, emoji=emoji, on=on):
            return Reacting(by, target, check_emoji(emoji), on)
