"""Which members a page of them is asked from the store for, and which of those are shown: pure.

All of them are listed by name. Who is online is listed by itself, by name as well, so that a large room can be shown
with these first, page by page: where they are few, the store looks for these; where they are many, it gives a longer
part of the list, of which those are shown who are online. Either way a page goes on behind a name, so whoever comes or
goes moves nobody else from one page to another.

Who is online is what this room knows: whoever listens to it, here or by another node's relay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import structs

from server.protocol.objects import Member
from server.protocol.replies import Ok
from server.protocol.room_commands import Members
from server.protocol.showing import Shown, with_shown
from server.rooms.messages import Request
from server.rooms.state import RoomState
from server.store.room_messages import MembersPage, ReadMembers

FEW_ONLINE: Final = 500
"""Who can be asked for by name in one question."""

LOOKED_THROUGH: Final = 1_000
"""Members, for one page of those who are online: some milliseconds of the store."""


def members_wanted(state: RoomState, command: Members, ref: int) -> ReadMembers:
    """The question for a page."""
    limit, among = command.limit, None
    if command.online:
        are_few = state.audience.count_shown() <= FEW_ONLINE
        online = state.audience.all_counted() if are_few else ()
        if are_few and len(online) <= FEW_ONLINE:
            among = tuple(sorted(online))
        else:
            limit = LOOKED_THROUGH
    return ReadMembers(
        reply_to=state.itself, ref=ref, room=state.room, limit=limit, next=command.next, among=among
    )  # fmt: skip


def members_shown(command: Members, page: MembersPage, is_here: Callable[[str], bool]) -> MembersPage:
    """What of it is shown. Somebody may have gone since it was asked for."""
    if not command.online:
        return page
    online = tuple(member for member in page.members if is_here(member.user.user))
    shown = online[: command.limit]
    return MembersPage(page.room, shown, shown[-1].user.name if len(shown) < len(online) else page.next)


def members_reply(request: Request, page: MembersPage, shown: Callable[[str], Shown | None]) -> Ok:
    """`shown` tells of a user's id how they look; None: offline. Who hides how far they have read is not told how
    far others have."""
    command = request.command
    assert isinstance(command, Members)
    page = members_shown(command, page, lambda user: shown(user) is not None)
    members = list(_with_status(page.members, shown))
    if request.hides:
        members = [structs.replace(member, read_seq=None) for member in members]
    return Ok(id=command.id, members=members, next=page.next)


def _with_status(members: Iterable[Member], shown: Callable[[str], Shown | None]) -> Iterable[Member]:
    for member in members:
        if member.user.deleted:
            yield member
            continue
        yield structs.replace(member, user=with_shown(member.user, shown(member.user.user)))
