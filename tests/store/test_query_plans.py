"""Every question is answered through an index: nothing grows with the database but what was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, event

from server.store.account_messages import (
    FindAccount,
    FindHeir,
    ListBlocked,
    ListDevices,
    ReadAcquainted,
    ReadBlocks,
    ReadOwnMessages,
)
from server.store.answering import answer_all
from server.store.choices import ReadChoices
from server.store.direct import NOBODY
from server.store.finding_messages import FindInvite, ReadChannels, ReadInvites, ReadJoinRequests
from server.store.history_messages import ReadAuthors, ReadHistory, ReadLog
from server.store.lately import Span
from server.store.messages import Read
from server.store.opening import Store
from server.store.pin_messages import ReadPins
from server.store.room_messages import FindChannel, ListRooms, LoadRoom, ReadMembers, ReadMemberships
from server.store.tally import ReadTally
from server.store.thread_messages import ReadThreads
from server.store.user_messages import FindCredentials, FindIdentity, FindUser, ListUsers, ReadRevocations

LATELY = (Span(2**50, 2**50 + 2_000), Span(2**50 - 2_000, 2**50, ("k_1", "k_2")), Span(2**49, 2**49 + 2_000))
"""Long after nearly all began."""

CODE = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"

QUESTIONS: list[Read] = [
    FindIdentity(reply_to=NOBODY, token_hash=b"h" * 32),
    FindUser(reply_to=NOBODY, who="ann"),
    FindCredentials(reply_to=NOBODY, name="ann"),
    FindChannel(reply_to=NOBODY, name="general"),
    ListUsers(reply_to=NOBODY, after="ann"),
    ListRooms(reply_to=NOBODY, user="u_1"),
    LoadRoom(reply_to=NOBODY, room="ROOM"),
    ReadHistory(reply_to=NOBODY, room="ROOM", reader="u_1", upto=10, limit=10),
    ReadHistory(reply_to=NOBODY, room="ROOM", reader="u_1", upto=10, limit=10, after=3),
    ReadHistory(reply_to=NOBODY, room="ROOM", reader="u_1", upto=10, limit=10, thread=2),
    ReadHistory(reply_to=NOBODY, room="ROOM", reader="u_1", upto=10, limit=10, after=3, thread=2),
    ReadPins(reply_to=NOBODY, room="ROOM", reader="u_1", before=None),
    ReadThreads(reply_to=NOBODY, room="ROOM", reader="u_1", limit=10, before=None),
    ReadLog(reply_to=NOBODY, room="ROOM", after=0, upto=10, limit=10),
    ReadMembers(reply_to=NOBODY, room="ROOM", limit=10, next="ann"),
    ReadMembers(reply_to=NOBODY, room="ROOM", limit=10, next=None, among=("u_1", "u_2", "u_3")),
    ReadAuthors(reply_to=NOBODY, room="ROOM", after=0, upto=10),
    ReadChannels(reply_to=NOBODY, reader="u_1", query=None, limit=10, next="general"),
    ReadChannels(reply_to=NOBODY, reader="u_1", query="eng", limit=10, next=None),
    FindInvite(reply_to=NOBODY, code=CODE, user="u_1"),
    ReadInvites(reply_to=NOBODY, room="ROOM"),
    ReadJoinRequests(reply_to=NOBODY, room="ROOM"),
    ReadInvites(reply_to=NOBODY, room="ROOM", invite="INVITE"),
    ReadTally(reply_to=NOBODY, room="ROOM"),
    ListDevices(reply_to=NOBODY, user="u_1", limit=10),
    ListBlocked(reply_to=NOBODY, user="u_1"),
    ReadAcquainted(reply_to=NOBODY, user="u_1", people=("u_2", "u_3")),
    ReadBlocks(reply_to=NOBODY, spans=LATELY),
    ReadChoices(reply_to=NOBODY, spans=LATELY, also=("u_1", "u_2", "u_3")),
    FindHeir(reply_to=NOBODY, room="ROOM", but="u_1"),
    FindAccount(reply_to=NOBODY, user="u_1"),
    ReadOwnMessages(reply_to=NOBODY, user="u_1", room="ROOM", after="n", limit=10),
    ReadRevocations(reply_to=NOBODY, spans=LATELY),
    ReadMemberships(reply_to=NOBODY, spans=LATELY),
]


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
def test_no_question_reads_a_whole_table(store: Store, question: Read) -> None:
    plans = plans_of(store, question)
    assert plans
    scans = [step for plan in plans for step in plan if step.startswith("SCAN") and not constant(step)]
    assert scans == []


def constant(step: str) -> bool:
    """A scan of a subquery's rows, which an index found; they are not a table's."""
    return step.startswith(("SCAN (subquery", "SCAN anon", "SCAN CONSTANT"))


def plans_of(store: Store, question: Read) -> list[list[str]]:
    seen: list[tuple[str, Any]] = []

    def note(connection: Connection, cursor: object, statement: str, parameters: Any, *rest: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(store.reading, "before_cursor_execute", note)
    answer_all(store.reading, [question], 0, 0)
    event.remove(store.reading, "before_cursor_execute", note)
    with store.reading.begin() as connection:
        return [
            [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in seen
        ]
