"""Whatever is asked or changed, PostgreSQL finds it through an index: nothing grows with the database.

The server itself tells how it went about each statement (its module `auto_explain`), with the values that were really
asked for, and often enough that it has made up its mind about a plan for all values. The tables are as large as those
of a small town, so that reading one as a whole is never the cheaper way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from server.protocol.errors import Refusal
from server.store.answering import answer_all
from server.store.batches import Batch, Change, commit
from server.store.changes import MessageGone, NewText, Reacting
from server.store.direct import NOBODY
from server.store.log_messages import Append, Draft, MemberGone, NewMember, NewMessage
from server.store.mentioning import Mentioned
from server.store.messages import Read
from server.store.opening import Store, open_store
from server.store.room_messages import CreateRoom, Mark, SaveMarks
from server.store.thread_messages import ThreadSeen
from server.store.user_messages import (
    AddToken,
    AddUser,
    RevokeToken,
    SetAdministrator,
    SetPassword,
    SetRegistration,
    TouchTokens,
)
from tests.harness.postgres import PostgresServer
from tests.store.test_query_plans import QUESTIONS

AT = 1_750_000_000_000
OFTEN = 12
"""A statement is prepared at its sixth execution, and its plan for all values is considered five later."""

BIG = re.compile(
    r"Seq Scan on (users|tokens|rooms|members|entries|reactions|channel_terms|mentions|pins|thread_marks)\b"
)

TOWN = """
INSERT INTO users SELECT 'u_' || n, 'name' || n, NULL, 'hash', false, n, n FROM generate_series(1, 20000) n;
INSERT INTO tokens SELECT 's_' || n, decode(md5(n::text), 'hex'), 'u_' || n, NULL, n, n, NULL
    FROM generate_series(1, 20000) n;
UPDATE tokens SET ended_at = 1 WHERE last_used % 100 = 0;
INSERT INTO rooms SELECT 'r_' || n, 'l', 'channel', 'room' || n, NULL, 20, 5, 'u_' || n, 'nonce', '', n, NULL, NULL
    FROM generate_series(1, 4000) n;
INSERT INTO channel_terms SELECT 'r_' || n, substr('room' || n, s)
    FROM generate_series(1, 4000) n, generate_series(1, 4) s;
INSERT INTO members SELECT 'r_' || r, 'u_' || (r + 7 * u), 'name' || (r + 7 * u), 'member', r, 1, 1
    FROM generate_series(1, 4000) r, generate_series(0, 4) u;
INSERT INTO entries SELECT 'r_' || r, s, 'message', s, 'u_' || r, 'nonce' || s, '', 'text', NULL, NULL, NULL
    FROM generate_series(1, 4000) r, generate_series(1, 20) s;
INSERT INTO reactions SELECT 'r_' || r, s, 'u_' || r, 'x' FROM generate_series(1, 4000) r, generate_series(5, 9) s;
INSERT INTO mentions SELECT 'r_' || r, 'u_' || (r + 7 * (s % 5)), s, 'u_' || (r + 1)
    FROM generate_series(1, 4000) r, generate_series(1, 5) s;
INSERT INTO pins SELECT 'r_' || r, s, s + 6, 'u_' || r, s
    FROM generate_series(1, 4000) r, generate_series(1, 6) s;
INSERT INTO thread_marks SELECT 'r_' || r, 1, 'u_' || (r + 7 * u), 1
    FROM generate_series(1, 4000) r, generate_series(0, 4) u;
UPDATE entries SET reactions = '[["x",1]]' WHERE room_id = 'r_77';
VACUUM ANALYZE;
"""


@pytest.fixture(scope="module")
def town(postgres: PostgresServer) -> Iterator[Store]:
    url = postgres.database()
    explaining = "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 "
    explaining += "-c auto_explain.log_level=notice"
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() != (True,):
            pytest.skip("only a superuser may load auto_explain")
        for statement in TOWN.split(";\n"):
            if statement:
                connection.execute(statement)  # type: ignore[call-overload]
    with open_store(Path("unused"), database=f"{url}?options={quote(explaining)}") as store:
        yield store


@pytest.fixture
def plans(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the server told since the test began."""
    caplog.set_level("INFO", logger="sqlalchemy.dialects.postgresql")
    return lambda: [record.getMessage() for record in caplog.records if "plan:" in record.getMessage()]


def assert_none_scans(plans: list[str]) -> None:
    assert plans, "the server explains itself"
    assert [plan for plan in plans if BIG.search(plan)] == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
def test_no_question_reads_a_whole_table(town: Store, question: Read, plans: Callable[[], list[str]]) -> None:
    for _ in range(OFTEN):
        answer_all(town.reading, [question], AT, 0)
    assert_none_scans(plans())


def test_many_questions_together_read_no_whole_table(town: Store, plans: Callable[[], list[str]]) -> None:
    for _ in range(OFTEN):
        answer_all(town.reading, QUESTIONS * 5, AT, 0)
    assert_none_scans(plans())


def batch(*drafts: Draft, head: int = 20, room: str = "r_77") -> Batch:
    return Batch(
        [Append(room, 1, head, ref, draft, NOBODY) for ref, draft in enumerate(drafts)], {room: head}, (), (), ()
    )


def test_no_append_reads_a_whole_table(town: Store, plans: Callable[[], list[str]]) -> None:
    head = 20
    for turn in range(OFTEN):
        new = NewMessage("u_1", f"new {turn}", "hello")
        known = NewMessage("u_77", "nonce3", "hello")
        coming, going = NewMember("u_9000", "member"), MemberGone("u_9000")
        head = commit(town.writing, batch(new, coming, head=head), AT).heads["r_77"]
        head = commit(town.writing, batch(going, head=head), AT).heads["r_77"]
        head = commit(town.writing, batch(known, going, coming, going, head=head), AT).heads["r_77"]
    assert head == 20 + 5 * OFTEN
    assert_none_scans(plans())


def test_no_change_of_a_message_reads_a_whole_table(town: Store, plans: Callable[[], list[str]]) -> None:
    head = 20
    for turn in range(OFTEN):
        drafts = (
            NewText("u_78", 2, f"new {turn}"), Reacting("u_9000", 2, "y", on=turn % 2 == 0),
            MessageGone("u_78", 3 + turn), Reacting("u_9000", 2, "z", on=turn % 2 == 1),
        )  # fmt: skip
        head = commit(town.writing, batch(*drafts, head=head, room="r_78"), AT).heads["r_78"]
    assert head == 20 + 4 * OFTEN - 1
    assert_none_scans(plans())


def test_nothing_that_answers_or_mentions_reads_a_whole_table(town: Store, plans: Callable[[], list[str]]) -> None:
    head = 20
    for turn in range(OFTEN):
        mentioned = Mentioned(("name79", "name86", "nobody"), everybody=turn % 3 == 0)
        drafts = (
            NewMessage("u_79", f"new {turn}", "hello", 2, mentioned),
            NewText("u_79", 3, f"new {turn}", Mentioned(("name86", f"name{turn}"))),
            NewMessage("u_79", f"also {turn}", "hello", thread=4), ThreadSeen("u_86", 4, turn + 5),
        )  # fmt: skip
        head = commit(town.writing, batch(*drafts, head=head, room="r_79"), AT).heads["r_79"]
    assert head == 20 + 3 * OFTEN
    assert_none_scans(plans())


_numbers = count(1)


def changes() -> list[Change]:
    number = next(_numbers)
    return [
        AddUser(reply_to=NOBODY, name=f"new{number}", display_name=None, password_hash="hash"),
        AddToken(reply_to=NOBODY, user="u_7", token_hash=b"%d" % number, device=None),
        RevokeToken(reply_to=NOBODY, token_hash=b"%d" % number),
        SetPassword(reply_to=NOBODY, name="name9", password_hash="new"),
        SetAdministrator(reply_to=NOBODY, name="name9", administrator=True),
        SetRegistration(reply_to=NOBODY, open=True),
        CreateRoom(reply_to=NOBODY, creator="u_7", kind="dm", name=None, members=(f"name{number}x", "u_8"), nonce="n"),
        CreateRoom(reply_to=NOBODY, creator="u_7", kind="dm", name=None, members=("u_8",), nonce=f"dm {number}"),
        CreateRoom(
            reply_to=NOBODY, creator="u_7", kind="channel", name=f"c{number}", members=("name3",), nonce=f"{number}"
        ),
    ]


def test_no_change_reads_a_whole_table(town: Store, plans: Callable[[], list[str]]) -> None:
    for turn in range(OFTEN):
        marks = (SaveMarks("r_77", (Mark("u_77", turn, turn), Mark("u_84", turn, turn))),)
        touches = (TouchTokens(("s_1", "s_2", "s_3"), AT + turn),)
        committed = commit(town.writing, Batch((), {}, changes(), marks, touches), AT)
        refused = [
            answer.refusal for answer in committed.answers if isinstance(getattr(answer, "refusal", None), Refusal)
        ]
        assert [refusal.code for refusal in refused] == ["no_such_user"]
    assert_none_scans(plans())
