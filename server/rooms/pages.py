"""From a page of the store to the reply to whoever asked for it: pure functions.

What was said is answered here; what has a file of its own (members, threads, pins, invites, acts, hits) there. A page
may hold less than was asked for, and then says `more`. What is cut off is what lies farthest from where the reader came
from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.protocol.bases import CommandId
from server.protocol.objects import Message
from server.protocol.page_commands import History
from server.protocol.replies import Ok
from server.protocol.showing import Shown
from server.rooms.auditing import audit_reply
from server.rooms.entries import entry_length, length_of
from server.rooms.fitting import fitting
from server.rooms.inviting import invites_reply
from server.rooms.listing import members_reply
from server.rooms.messages import Request
from server.rooms.pinning import pins_reply
from server.rooms.searching import hits_reply
from server.rooms.threads import threads_reply
from server.store.audit_messages import AuditPage
from server.store.finding_messages import InvitesPage, JoinRequestsPage
from server.store.history_messages import HistoryPage, LogPage
from server.store.pin_messages import PinsPage
from server.store.room_messages import MembersPage
from server.store.search_messages import Hits
from server.store.thread_messages import ThreadsPage


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


def log_reply(command_id: CommandId | None, page: LogPage) -> Ok:
    entries = fitting(page.entries, entry_length)
    to = page.after + len(entries)
    return Ok(
        id=command_id, entries=list(entries), from_=page.after + 1, to=to,
        more=page.more or len(entries) < len(page.entries),
    )  # fmt: skip
