"""What a room does about threads, beside what it does about every message: pure.

A thread is named by the message that begins it. That this one is a message, and in no thread itself, the writer finds
where an entry gets its place.
"""

from __future__ import annotations

from server.protocol.attention_commands import Read
from server.protocol.bases import CommandId
from server.protocol.errors import ErrorCode, Refusal, no_such_message
from server.protocol.limits import THREADS_LIMIT
from server.protocol.page_commands import Threads
from server.protocol.replies import Ok
from server.rooms.effects import Consult, Effect
from server.rooms.entries import length_of
from server.rooms.fitting import fitting
from server.rooms.messages import Request
from server.rooms.questions import PageWanted
from server.rooms.state import RoomState
from server.store.marks import seen_by
from server.store.thread_messages import ReadThreads, ThreadSeen, ThreadsPage


def check_thread(thread: int | None, last_seq: int) -> None:
    """What begins a thread is in the log."""
    if thread is not None and not 1 <= thread <= last_seq:
        raise no_such_message()


def read_in_thread(state: RoomState, request: Request, said: Read, thread: int, now: float) -> list[Effect]:
    """Written before it is answered: the marks of threads are in no open room's memory."""
    check_thread(thread, state.last_seq)
    user = request.user.user
    draft = ThreadSeen(user, thread, min(said.seq, state.last_seq), seen_by(state.members[user]))
    return [state.append(draft, request.user, request, now)]


def list_threads(state: RoomState, request: Request, command: Threads, now: float) -> list[Effect]:
    if command.limit > THREADS_LIMIT:
        raise Refusal(ErrorCode.BAD_REQUEST, f"`limit` is {THREADS_LIMIT} at the most")
    ref = state.next_ref()
    state.questions.asked(ref, PageWanted(request), now)
    return [
        Consult(
            ReadThreads(
                reply_to=state.itself, ref=ref, room=state.room, reader=request.user.user, limit=command.limit,
                before=command.before,
            )
        )
    ]  # fmt: skip


def threads_reply(command_id: CommandId | None, page: ThreadsPage) -> Ok:
    kept = fitting(page.threads, lambda thread: length_of(thread.root))
    return Ok(id=command_id, threads=list(kept), more=page.more or len(kept) < len(page.threads))
