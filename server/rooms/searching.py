"""From a `search` to what the store is asked: pure.

A room is asked where one is named, so that its rights are those of every command; a search of all one's rooms concerns
no room, and sessions ask the store themselves.
"""

from __future__ import annotations

from server.protocol import limits
from server.protocol.bases import CommandId
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.page_commands import Search
from server.protocol.replies import Ok
from server.protocol.times import milliseconds_of
from server.rooms.effects import Consult, Effect
from server.rooms.messages import Request
from server.rooms.questions import PageWanted
from server.rooms.state import RoomState
from server.store import search_messages
from server.store.questions import Asker
from server.store.search_messages import Hits
from server.store.search_terms import terms_of


def search_here(state: RoomState, request: Request, command: Search, now: float) -> list[Effect]:
    """Raises `Refusal`."""
    ref = state.next_ref()
    question = question_of(command, request.user.user, state.itself, ref)
    state.questions.asked(ref, PageWanted(request), now)
    return [Consult(question)]


def question_of(command: Search, reader: str, reply_to: Asker, ref: int = 0) -> search_messages.Search:
    """Raises `Refusal`: `too_long`, `bad_request`."""
    if len(command.query) > limits.SEARCH_CODE_POINTS:
        raise Refusal(ErrorCode.TOO_LONG, f"`query` is limited to {limits.SEARCH_CODE_POINTS} characters")
    if command.limit > limits.SEARCH_LIMIT:
        raise Refusal(ErrorCode.BAD_REQUEST, f"`limit` is {limits.SEARCH_LIMIT} at the most")
    terms = terms_of(command.query)
    if not terms:
        raise Refusal(ErrorCode.BAD_REQUEST, "`query` has no word in it")
    return search_messages.Search(
        reply_to=reply_to, ref=ref, reader=reader, terms=terms, limit=command.limit, room=command.room,
        author=command.from_, after=_moment("after", command.after), before=_moment("before", command.before),
        next=command.next,
    )  # fmt: skip


def _moment(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return milliseconds_of(text)
    except (ValueError, OverflowError):
        raise Refusal(ErrorCode.BAD_REQUEST, f"`{field}` must be a time of RFC 3339, or a date") from None


def hits_reply(command_id: CommandId | None, page: Hits) -> Ok:
    return Ok(id=command_id, hits=list(page.hits), next=page.next)
