"""One transaction for all changes that wait. Runs in the writer's thread; knows nothing of tasks and mailboxes.

The rules: everything in a batch is committed together, or none of it. First all of it is tried in the cheapest way;
if the database has something against any row, the transaction is rolled back and the batch tried again with a
savepoint around every part, so that only the guilty is refused. Nobody has been told anything by then.

Within a batch, appends come first and marks last: a question about people or rooms is answered before anybody can
act on it, so no other order can be told from this one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from msgspec import Struct
from sqlalchemy import BigInteger, Connection, Text, case, update

from server.protocol.errors import ErrorCode, Refusal
from server.store import accounts, blocking, creating, leaving, people
from server.store.account_messages import (
    AccountWrite,
    ChangePassword,
    DeleteUser,
    EndDeparture,
    EndSessions,
    ForgetMember,
    SetBlock,
    SetDisplayName,
)
from server.store.appending import REFUSED, append_careful, append_trusting
from server.store.bulk import Bulk, together
from server.store.choices import SaveChoice, save_choice
from server.store.connections import Writing
from server.store.fencing import Fence, in_order, lock_those_that_hold
from server.store.log_messages import Append, Outcome
from server.store.plans import Knowledge
from server.store.questions import Done, Failed
from server.store.quotas import Quotas
from server.store.room_messages import CreateRoom, SaveMarks
from server.store.tables import members
from server.store.user_messages import (
    AddToken,
    AddUser,
    RevokeToken,
    SetAdministrator,
    SetPassword,
    SetRegistration,
    TouchTokens,
)

Change = CreateRoom | AddUser | AddToken | RevokeToken | SetPassword | SetAdministrator | SetRegistration | AccountWrite


class Batch(Struct, frozen=True):
    """What goes into one transaction.

    `heads`: where the log of each room that is appended to stands. `fences`: what has to hold for each of them, where
    several processes share the database.
    """

    appends: Sequence[Append]
    heads: dict[str, int]
    changes: Sequence[Change]
    marks: Sequence[SaveMarks]
    touches: Sequence[TouchTokens]
    fences: Mapping[str, Fence] = {}

    @property
    def size(self) -> int:
        """How many changes."""
        return len(self.appends) + len(self.changes) + len(self.marks) + len(self.touches)


class Committed(Struct, frozen=True):
    """What is on disk: an outcome for each append, an answer for each change.

    `heads` lacks the rooms whose log does not stand where the batch said. `forgotten`: something that was said is to be
    gone. `deleted`: rooms that are no more, but for their logs (`erasing.py`).
    """

    outcomes: Sequence[Outcome]
    answers: Sequence[Done | Failed]
    heads: dict[str, int]
    forgotten: bool = False
    deleted: Collection[str] = ()


_save_marks: Final = Bulk(
    {"room": Text(), "user": Text(), "to": BigInteger(), "by": BigInteger(), "seen": BigInteger()},
    lambda given: (
        update(members)
        .where(members.c.room_id == given["room"], members.c.user_id == given["user"])
        .values(
            received=case((members.c.received < given["to"], given["to"]), else_=members.c.received),
            read=case((members.c.read < given["by"], given["by"]), else_=members.c.read),
            seen=given["seen"],
        )
    ),
)


def commit(writing: Writing, batch: Batch, at: int) -> Committed:
    """Write `batch` at `at` (ms since the epoch); after the return it is on disk.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        Nothing is known but that the database did not confirm it; the transaction was rolled back.
    """
    try:
        return _all_at_once(writing, batch, at)
    except REFUSED:
        return _one_by_one(writing, batch, at)


def _all_at_once(writing: Writing, batch: Batch, at: int) -> Committed:
    known = Knowledge(dict(batch.heads), writing.quotas.rooms, in_order(batch.fences.values()))
    with writing.begin() as connection:
        outcomes = append_trusting(connection, batch.appends, known, at) if batch.appends else []
        answers = [_answer(connection, change, at, writing.quotas) for change in batch.changes]
        _save(connection, batch.marks)
        people.touch_tokens(connection, batch.touches)
    return _committed(outcomes, answers, known)


def _one_by_one(writing: Writing, batch: Batch, at: int) -> Committed:
    known = Knowledge(dict(batch.heads), writing.quotas.rooms)
    with writing.begin() as connection:
        if batch.fences:
            fenced = lock_those_that_hold(connection, batch.fences)
            known.heads = {room: head for room, head in batch.heads.items() if room in fenced}
        outcomes = append_careful(connection, batch.appends, known, at) if batch.appends else []
        answers = [_guarded_answer(connection, change, at, writing.quotas) for change in batch.changes]
        for mark in batch.marks:
            _guarded(connection, partial(_save, connection, (mark,)))
        for touch in batch.touches:
            _guarded(connection, partial(people.touch_tokens, connection, (touch,)))
    return _committed(outcomes, answers, known)


def _committed(outcomes: Sequence[Outcome], answers: Sequence[Done | Failed], known: Knowledge) -> Committed:
    return Committed(outcomes, answers, known.heads, known.messages.forgotten or bool(known.deleted), known.deleted)


def _guarded(connection: Connection, write: Callable[[], None]) -> None:
    """Written behind: nobody waits to hear that the database does not take it."""
    try:
        with connection.begin_nested():
            write()
    except REFUSED:
        return


def _guarded_answer(connection: Connection, change: Change, at: int, quotas: Quotas) -> Done | Failed:
    """Tried again once: another process may have taken the name, or made the same dm, since this one looked. Whose row
    is in the way has been committed by the time it is refused, so the second look sees it."""
    for _ in range(2):
        with suppress(*REFUSED), connection.begin_nested():
            return _answer(connection, change, at, quotas)
    return Failed(change.ref, Refusal(ErrorCode.BAD_REQUEST, "the database does not take this"))


def _answer(connection: Connection, change: Change, at: int, quotas: Quotas) -> Done | Failed:
    try:
        return Done(change.ref, _changed(connection, change, at, quotas))
    except Refusal as refusal:
        return Failed(change.ref, refusal.with_traceback(None))  # its frames hold the connection


def _changed(connection: Connection, change: Change, at: int, quotas: Quotas) -> object:
    match change:
        case CreateRoom():
            return creating.create_room(connection, change, at, quotas)
        case AddUser():
            return people.add_user(connection, change, at)
        case AddToken():
            return people.add_token(connection, change, at)
        case RevokeToken():
            return people.revoke_token(connection, change, at)
        case SetPassword():
            return people.set_password(connection, change, at)
        case SetAdministrator():
            return people.set_administrator(connection, change, at)
        case SetRegistration():
            return people.set_registration(connection, change, at)
        case EndSessions():
            return accounts.end_sessions(connection, change, at)
        case ChangePassword():
            return accounts.change_password(connection, change, at)
        case SaveChoice():
            return save_choice(connection, change, at)
        case SetDisplayName():
            return accounts.set_display_name(connection, change)
        case DeleteUser():
            return leaving.delete_user(connection, change, at)
        case ForgetMember():
            return leaving.forget_member(connection, change)
        case SetBlock():
            return blocking.set_block(connection, change, at)
        case EndDeparture():
            return leaving.end_departure(connection, change)


def _save(connection: Connection, saved: Sequence[SaveMarks]) -> None:
    """One row for each membership, with the largest of its marks, and the last for themselves; whoever is no member
    any more has none."""
    marks: dict[tuple[str, str], tuple[int, int, int | None]] = {}
    for save in saved:
        for mark in save.marks:
            received, read, _ = marks.get((save.room, mark.user), (0, 0, None))
            marks[save.room, mark.user] = max(received, mark.received), max(read, mark.read), mark.seen
    if not marks:
        return
    with together(connection) as statements:
        statements.execute(_save_marks, [(*member, *mark) for member, mark in marks.items()], each=False)
