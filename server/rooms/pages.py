"""From a page of the store to the reply to whoever asked for it: pure functions.

A page may hold less than was asked for, and then says `more`: two hundred texts of the longest kind would be a frame
of megabytes. What is cut off is what lies farthest from where the reader came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from msgspec import structs

from server.protocol.bases import CommandId
from server.protocol.objects import Member, Message
from server.protocol.page_commands import History
from server.protocol.replies import Ok
from server.protocol.room_commands import Members
from server.protocol.showing import Shown, with_shown
from server.rooms.auditing import audit_reply
from server.rooms.entries import entry_length, length_of
from server.rooms.inviting import invites_reply
from server.rooms.listing import members_shown
from server.rooms.messages import Request
from server.store.audit_messages import AuditPage
from server.store.finding_messages import InvitesPage, JoinRequestsPage
from server.store.history_messages import HistoryPage, LogPage
from server.store.pin_messages import PinsPage
from server.store.room_messages import MembersPage
from server.store.search_messages import Hits
from server.store.thread_messages import ThreadsPage

PAGE_CODE_POINTS: Final = 64_000

Item = TypeVar("Item")


def fitting(items: Sequence[Item], length: Callable[[Item], int], most: int = PAGE_CODE_POINTS) -> Sequence[Item]:
    """The first of `items` whose lengths add up to `most` at the most; always at least one, if there is any."""
    total = 0
    for index, item in enumerate(items):
        total += length(item)
        if total > most and index:
            return items[:index]
    return items


def page_reply(request: Request, page: object, shown: Callable[[str], Shown | None]) -> Ok:
    """Whatever was asked for."""
    command = request.command
    match page:
        case HistoryPage() if isinstance(command, History):
            return history_reply(command, page)
        case LogPage():
            return log_reply(command.id, page)
        case MembersPage():
            return members_reply(request, page, shown)
        case PinsPage():
            return pins_reply(command.id, page)
        case ThreadsPage():
            return threads_reply(command.id, page)
        case InvitesPage() | JoinRequestsPage():
            return invites_reply(command, page)
        case AuditPage():
            return audit_reply(command.id, page)
        case Hits():
            return hits_reply(command.id, page)
        case _:
            raise TypeError(f"{type(page).__name__} is no page of a {type(command).__name__}")


def history_reply(command: History, page: HistoryPage) -> Ok:
    """Read upwards, the newest are cut off; read downwards, the oldest."""
    messages: Sequence[Message] = page.messages
    upwards = command.after is not None
    kept = fitting(messages, length_of) if upwards else fitting(messages[::-1], length_of)[::-1]
    return Ok(id=command.id, messages=list(kept), more=page.more or len(kept) < len(messages), to=page.known)


def threads_reply(command_id: CommandId | None, page: ThreadsPage) -> Ok:
    kept = fitting(page.threads, lambda thread: length_of(thread.root))
    return Ok(id=command_id, threads=list(kept), more=page.more or len(kept) < len(page.threads))


def pins_reply(command_id: CommandId | None, page: PinsPage) -> Ok:
    kept = fitting(page.pins, lambda pin: length_of(pin.message))
    return Ok(id=command_id, pins=list(kept), more=len(kept) < len(page.pins), to=page.known)


def log_reply(command_id: CommandId | None, page: LogPage) -> Ok:
    entries = fitting(page.entries, entry_length)
    to = page.after + len(entries)
    return Ok(
        id=command_id, entries=list(entries), from_=page.after + 1, to=to,
        more=page.more or len(entries) < len(page.entries),
    )  # fmt: skip


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


def hits_reply(command_id: CommandId | None, page: Hits) -> Ok:
    return Ok(id=command_id, hits=list(page.hits), next=page.next)


def _with_status(members: Iterable[Member], shown: Callable[[str], Shown | None]) -> Iterable[Member]:
    for member in members:
        if member.user.deleted:
            yield member
            continue
        yield structs.replace(member, user=with_shown(member.user, shown(member.user.user)))
