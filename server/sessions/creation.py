"""What a room must look like to be made: pure. Whether the people exist, and the name is free, the store knows."""

from __future__ import annotations

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.limits import ROOM_MEMBERS_AT_CREATION
from server.protocol.objects import User
from server.protocol.room_commands import CreateRoom
from server.protocol.rules import check_channel_name, check_display_name, check_nonce


def check_creation(command: CreateRoom, creator: User) -> None:
    """Raises a `Refusal` if no such room can be made.

    A group may go without a name; clients then show its people.
    """
    check_nonce(command.nonce)
    if len(command.members) > ROOM_MEMBERS_AT_CREATION:
        raise _bad(f"`members` holds {ROOM_MEMBERS_AT_CREATION} at the most, invite the others later")
    match command.kind:
        case "channel":
            check_channel_name(command.name or "")
        case "group":
            if command.name is not None:
                check_display_name(command.name, "name")
        case "dm":
            _check_dm(command, creator)


def _check_dm(command: CreateRoom, creator: User) -> None:
    if command.name is not None:
        raise _bad("a `dm` has no `name`")
    if len(command.members) != 1:
        raise _bad("a `dm` has exactly one other person in `members`")
    if command.members[0] in (creator.user, creator.name):
        raise _bad("a `dm` is with somebody else")


def _bad(message: str) -> Refusal:
    return Refusal(ErrorCode.BAD_REQUEST, message)
