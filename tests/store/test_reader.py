"""The reader as sessions and rooms meet it."""

from __future__ import annotations

import pysqlite3.dbapi2 as driver
import pytest
import trio
import trio.testing
from sqlalchemy import Connection

from server.protocol.entries import Joined, Left, MessageEntry
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import Message, User
from server.protocol.times import rfc3339
from server.store.history_messages import LogPage, ReadAuthors, ReadHistory, ReadLog
from server.store.lately import Span
from server.store.log_messages import MemberGone, NewMember
from server.store.log_queries import read_log
from server.store.messages import Ready
from server.store.questions import Done, Failed
from server.store.room_messages import FindChannel, ListRooms, LoadRoom, Mark, NoRoom, ReadMembers, SaveMarks
from server.store.tables import users
from server.store.tally import UNREAD_COUNTED
from server.store.user_messages import (
    Credentials,
    FindCredentials,
    FindIdentity,
    FindUser,
    Identity,
    ListUsers,
    NoIdentity,
    ReadRevocations,
    RevokeToken,
    TouchTokens,
)
from tests.store.desk import Desk, Ear, Room

DAY = 86_400_000


async def talking(desk: Desk, messages: int) -> tuple[str, str, Room]:
    """Ann's group with bob in it (entries 1 and 2), and what ann said there (3 and up)."""
    ann, bob = await desk.user("ann"), await desk.user("bob")
    room = await desk.anchored(await desk.created(ann, bob))
    for number in range(messages):
        room.say(ann, f"n{number}", f"text {number}")
    await room.ear.outcomes_of(messages)
    return ann, bob, room


# --- people --------------------------------------------------------------------------------------------------


async def test_a_token_is_somebody_on_some_device(desk: Desk) -> None:
    ann = await desk.user("ann")
    made = await desk.identity(ann, b"h" * 32, "phone")
    found = await desk.read(FindIdentity, token_hash=b"h" * 32)
    assert found == made == Identity(User(user=ann, name="ann"), made.session, "phone", False, desk.now)


async def test_a_token_nobody_ever_had(desk: Desk) -> None:
    assert await desk.read(FindIdentity, token_hash=b"?" * 32) == NoIdentity(revoked=False)


async def test_a_revoked_token_and_an_expired_one_were_good_once(desk: Desk) -> None:
    ann = await desk.user("ann")
    await desk.identity(ann, b"r" * 32)
    await desk.identity(ann, b"e" * 32)
    await desk.write(RevokeToken, token_hash=b"r" * 32)
    assert await desk.read(FindIdentity, token_hash=b"r" * 32) == NoIdentity(revoked=True)
    desk.now += 90 * DAY
    assert isinstance(await desk.read(FindIdentity, token_hash=b"e" * 32), Identity)
    desk.now += 1
    assert await desk.read(FindIdentity, token_hash=b"e" * 32) == NoIdentity(revoked=True)


async def test_use_keeps_a_token_alive(desk: Desk) -> None:
    ann = await desk.user("ann")
    identity = await desk.identity(ann, b"h" * 32)
    desk.now += 80 * DAY
    desk.writes.tell(TouchTokens((identity.session,), desk.now))
    await desk.user("somebody-later")
    desk.now += 80 * DAY
    assert isinstance(await desk.read(FindIdentity, token_hash=b"h" * 32), Identity)


async def test_a_crowd_that_signs_in_gets_everybody_the_right_answer(desk: Desk) -> None:
    sessions = {}
    for number in range(30):
        user = await desk.user(f"user{number}")
        sessions[number] = (await desk.identity(user, bytes([number]) * 32)).session
    ear = Ear()
    for number in range(40):
        desk.reads.tell(FindIdentity(reply_to=ear, ref=number, token_hash=bytes([number]) * 32))
    await ear.until(lambda: len(ear.heard) == 40)
    found = {done.ref: done.value for done in ear.heard if isinstance(done, Done)}
    assert {n: v.session for n, v in found.items() if isinstance(v, Identity)} == sessions
    assert sum(value == NoIdentity(revoked=False) for value in found.values()) == 10


async def test_somebody_is_found_by_name_and_by_id(desk: Desk) -> None:
    ann = await desk.user("ann")
    assert await desk.read(FindUser, who="ann") == await desk.read(FindUser, who=ann) == User(user=ann, name="ann")
    assert await desk.read(FindUser, who="nobody") is None


async def test_credentials_are_for_the_accounts_service(desk: Desk) -> None:
    ann = await desk.user("ann")
    assert await desk.read(FindCredentials, name="ann") == Credentials(User(user=ann, name="ann"), "hash")
    assert await desk.read(FindCredentials, name=ann) is None


async def test_operators_page_through_users_by_name(desk: Desk) -> None:
    for name in ("cat", "ann", "bob"):
        await desk.user(name)
    first = await desk.read(ListUsers, limit=2)
    assert [row.name for row in first] == ["ann", "bob"]
    assert [row.name for row in await desk.read(ListUsers, after="bob")] == ["cat"]


async def test_ended_tokens_are_found_by_when_they_ended(desk: Desk) -> None:
    ann = await desk.user("ann")
    identity = await desk.identity(ann, b"h" * 32)
    lately = (Span(desk.now - 1, desk.now),)
    assert (await desk.read(ReadRevocations, spans=lately)).sessions == ()
    await desk.write(RevokeToken, token_hash=b"h" * 32)
    assert (await desk.read(ReadRevocations, spans=lately)).sessions == (identity.session,)
    assert (await desk.read(ReadRevocations, spans=(Span(desk.now, desk.now + 1),))).sessions == ()


# --- rooms ---------------------------------------------------------------------------------------------------


async def test_unread_counts_other_peoples_messages_behind_the_mark(desk: Desk) -> None:
    ann, bob, room = await talking(desk, messages=5)
    desk.writes.tell(SaveMarks(room.room, (Mark(bob, received=7, read=4),)))
    assert isinstance(await room.said(bob, "own"), object)
    (seen_by_bob,) = (await desk.read(ListRooms, user=bob)).rooms
    assert (seen_by_bob.last_seq, seen_by_bob.read_seq, seen_by_bob.unread) == (8, 4, 3)
    (seen_by_ann,) = (await desk.read(ListRooms, user=ann)).rooms
    assert (seen_by_ann.role, seen_by_ann.members, seen_by_ann.unread) == ("owner", 2, 1)


async def test_unread_counts_from_where_somebody_has_marked_as_unread(desk: Desk) -> None:
    _, bob, room = await talking(desk, messages=5)
    desk.writes.tell(SaveMarks(room.room, (Mark(bob, received=7, read=7, seen=4),)))
    await room.said(bob, "own")
    (listed,) = (await desk.read(ListRooms, user=bob)).rooms
    assert (listed.last_seq, listed.read_seq, listed.unread) == (8, 4, 3)


async def test_a_long_absence_is_counted_up_to_a_thousand(desk: Desk) -> None:
    _, bob, _ = await talking(desk, messages=UNREAD_COUNTED + 5)
    (listed,) = (await desk.read(ListRooms, user=bob)).rooms
    assert listed.unread == UNREAD_COUNTED


async def test_each_of_two_sees_the_other_in_a_dm(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    await desk.created(ann, "bob", kind="dm", name=None)
    for me, other, name in ((ann, bob, "bob"), (bob, ann, "ann")):
        (listed,) = (await desk.read(ListRooms, user=me)).rooms
        assert listed.peer == User(user=other, name=name)
        assert (listed.kind, listed.name, listed.role, listed.topic) == ("dm", None, "member", None)


async def test_lists_of_many_are_not_mixed_up(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    rooms = {ann: await desk.created(ann), bob: await desk.created(bob)}
    cat = await desk.user("cat")
    ear = Ear()
    for ref, user in enumerate((ann, bob, cat, ann)):
        desk.reads.tell(ListRooms(reply_to=ear, ref=ref, user=user))
    await ear.until(lambda: len(ear.heard) == 4)
    lists = {done.ref: [room.room for room in done.value.rooms] for done in ear.heard}  # type: ignore[attr-defined]
    assert lists == {0: [rooms[ann]], 1: [rooms[bob]], 2: [], 3: [rooms[ann]]}


async def test_there_is_no_such_room(desk: Desk) -> None:
    assert await desk.read(LoadRoom, room="r_none") == NoRoom("r_none")
    assert await desk.read(FindChannel, name="general") is None


async def test_a_channel_is_found_by_its_name_and_a_group_is_not(desk: Desk) -> None:
    ann = await desk.user("ann")
    channel = await desk.created(ann, kind="channel", name="general")
    await desk.created(ann, kind="group", name="general-group")
    assert await desk.read(FindChannel, name="general") == channel
    assert await desk.read(FindChannel, name="general-group") is None


async def test_members_are_paged_by_name_while_people_come_and_go(desk: Desk) -> None:
    people = {name: await desk.user(name) for name in ("eve", "ann", "dan", "bob", "cat")}
    room = await desk.anchored(await desk.created(people["eve"], "ann", "dan", "bob"))
    first = await desk.read(ReadMembers, room=room.room, limit=2, next=None)
    assert [member.user.name for member in first.members] == ["ann", "bob"]
    room.append(MemberGone(people["ann"]))
    room.append(NewMember(people["cat"], "member"))
    await room.ear.outcomes_of(2)
    second = await desk.read(ReadMembers, room=room.room, limit=2, next=first.next)
    assert [member.user.name for member in second.members] == ["cat", "dan"]
    last = await desk.read(ReadMembers, room=room.room, limit=2, next=second.next)
    assert [(member.user.name, member.role) for member in last.members] == [("eve", "owner")]
    assert last.next is None


async def test_members_were_last_seen_when_their_tokens_were_used(desk: Desk) -> None:
    ann = await desk.user("ann")
    session = (await desk.identity(ann, b"h" * 32)).session
    room = await desk.created(ann)
    minute = (desk.now // 60_000 + 5) * 60_000
    desk.writes.tell(TouchTokens((session,), minute + 5_000))
    desk.writes.tell(TouchTokens((session,), minute - 1_000))
    await desk.user("somebody-later")
    (member,) = (await desk.read(ReadMembers, room=room, limit=1, next=None)).members
    assert member.user.last_seen == rfc3339(minute), "to the minute"


# --- the log -------------------------------------------------------------------------------------------------


async def test_the_log_tells_every_entry_as_it_was_told_when_it_was_new(desk: Desk) -> None:
    ann, bob, room = await talking(desk, messages=1)
    room.say(ann, "n1", "hello", reply_to=3)
    room.append(MemberGone(bob, by=ann, reason="noise"))
    await room.ear.outcomes_of(3)
    page = await desk.read(ReadLog, room=room.room, after=0, upto=5, limit=10)
    at, ann_herself = rfc3339(desk.now), User(user=ann, name="ann")
    assert page.entries == (
        Joined(room=room.room, seq=1, user=ann_herself, at=at),
        Joined(room=room.room, seq=2, user=User(user=bob, name="bob"), at=at, by=ann),
        MessageEntry(seq=3, room=room.room, from_=ann_herself, text="text 0", at=at, nonce="n0", reactions=()),
        MessageEntry(
            seq=4, room=room.room, from_=ann_herself, text="hello", at=at, nonce="n1", reply_to=3, reactions=()
        ),
        Left(room=room.room, seq=5, user=bob, at=at, by=ann, reason="noise"),
    )


async def test_the_log_comes_in_pages_within_its_bounds(desk: Desk) -> None:
    _, _, room = await talking(desk, messages=8)
    page = await desk.read(ReadLog, room=room.room, after=2, upto=9, limit=3)
    assert ([entry.seq for entry in page.entries], page.more) == ([3, 4, 5], True)
    page = await desk.read(ReadLog, room=room.room, after=6, upto=9, limit=3)
    assert ([entry.seq for entry in page.entries], page.more) == ([7, 8, 9], False)


@pytest.mark.parametrize(
    ("bounds", "seqs", "more"),
    [
        ({}, [9, 10], True),
        ({"before": 9}, [7, 8], True),
        ({"before": 5}, [3, 4], False),
        ({"before": 99}, [9, 10], True),
        ({"before": 0}, [], False),
        ({"after": 0}, [3, 4], True),
        ({"after": 8}, [9, 10], False),
        ({"after": 99}, [], False),
    ],
)
async def test_history_has_messages_only_oldest_first(
    desk: Desk, bounds: dict[str, int], seqs: list[int], more: bool
) -> None:
    _, _, room = await talking(desk, messages=9)
    page = await desk.read(ReadHistory, room=room.room, reader="", upto=10, limit=2, **bounds)
    assert ([message.seq for message in page.messages], page.more) == (seqs, more)
    assert all(isinstance(message, Message) for message in page.messages)


async def test_authors_are_those_of_the_range(desk: Desk) -> None:
    ann, bob, room = await talking(desk, messages=3)
    await room.said(bob, "own")
    assert (await desk.read(ReadAuthors, room=room.room, after=2, upto=5)).authors == {ann}
    assert (await desk.read(ReadAuthors, room=room.room, after=4, upto=6)).authors == {ann, bob}
    assert (await desk.read(ReadAuthors, room=room.room, after=0, upto=2)).authors == set()


async def test_a_deleted_person_has_no_name(desk: Desk) -> None:
    ann, bob, room = await talking(desk, messages=1)
    await desk.identity(bob, b"h" * 32)
    with desk.store.writing.begin() as connection:
        connection.execute(users.update().where(users.c.id.in_((ann, bob))).values(name=None))
    gone = User(user=ann, name=None, deleted=True)
    page = await desk.read(ReadLog, room=room.room, after=2, upto=3, limit=1)
    assert page.entries[0].from_ == gone
    assert await desk.read(FindUser, who=ann) is None
    assert await desk.read(FindIdentity, token_hash=b"h" * 32) == NoIdentity(revoked=True)


# --- trouble -------------------------------------------------------------------------------------------------


async def test_a_question_that_cannot_be_put_to_the_database_fails_alone(desk: Desk) -> None:
    ear = Ear()
    desk.reads.tell(FindUser(reply_to=ear, ref=1, who="\ud800"))
    desk.reads.tell(Ready(reply_to=ear, ref=2))
    await ear.until(lambda: len(ear.heard) == 2)
    answers = {answer.ref: answer for answer in ear.heard}  # type: ignore[attr-defined]
    assert isinstance(answers[1], Failed)
    assert answers[2] == Done(2, True)


async def test_a_database_that_does_not_answer_makes_everything_unavailable(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def fail(*told: object) -> object:
        raise OperationalError("SELECT", {}, driver.OperationalError("disk I/O error"))

    with monkeypatch.context() as patched:
        patched.setattr("server.store.reader.answer_all", fail)
        with pytest.raises(Refusal) as refused:
            await desk.read(Ready)
        assert refused.value.code is ErrorCode.UNAVAILABLE
    assert await desk.read(Ready) is True


async def test_a_crash_of_the_reader_answers_everything_it_took(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*told: object) -> object:
        monkeypatch.undo()
        raise RuntimeError("forced by the test")

    monkeypatch.setattr("server.store.reader.answer_all", crash)
    ear = Ear()
    for ref in range(40):
        desk.reads.tell(LoadRoom(reply_to=ear, ref=ref, room="r_none"))
    await ear.until(lambda: len(ear.heard) == 40)
    assert await desk.read(Ready) is True


async def test_a_crash_over_one_question_answers_those_behind_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*told: object) -> object:
        monkeypatch.undo()
        raise RuntimeError("forced by the test")

    monkeypatch.setattr("server.store.reader._Worker._kind_of", crash)
    ear = Ear()
    for ref in range(40):
        desk.reads.tell(LoadRoom(reply_to=ear, ref=ref, room="r_none"))
    await ear.until(lambda: len(ear.heard) == 40)
    assert await desk.read(Ready) is True


async def test_a_crowd_that_signs_in_does_not_starve_whoever_reads(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.store import answering, reader

    portions: list[bool] = []

    def noted(engine: object, questions: list[object], *rest: object) -> object:
        portions.append(any(isinstance(question, ReadLog) for question in questions))
        return answering.answer_all(engine, questions, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reader, "answer_all", noted)
    ear = Ear()
    for ref in range(1_000):
        desk.reads.tell(FindIdentity(reply_to=ear, ref=ref, token_hash=b"?" * 32))
        if ref % 100 == 10:
            desk.reads.tell(ReadLog(reply_to=ear, ref=ref, room="r_none", after=0, upto=5, limit=5))
    await ear.until(lambda: len(ear.heard) == 1_010)
    assert any(portions[:4])
    assert len(portions) > 10


async def test_a_long_queue_of_slow_questions_holds_up_no_sign_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.store import answering, reader

    portions: list[int] = []
    release, token = trio.Event(), trio.lowlevel.current_trio_token()

    def counted(engine: object, questions: list[object], *rest: object) -> object:
        portions.append(len(questions))
        if any(isinstance(question, ReadLog) for question in questions):
            trio.from_thread.run(release.wait, trio_token=token)
        return answering.answer_all(engine, questions, *rest)  # type: ignore[arg-type]

    _, _, room = await talking(desk, messages=3)
    monkeypatch.setattr(reader, "answer_all", counted)
    ear, sign_in = Ear(), Ear()
    for ref in range(100):
        desk.reads.tell(ReadLog(reply_to=ear, ref=ref, room=room.room, after=0, upto=ref, limit=5))
    await trio.testing.wait_all_tasks_blocked()
    desk.reads.tell(FindIdentity(reply_to=sign_in, ref=1, token_hash=b"?" * 32))
    await sign_in.until(lambda: bool(sign_in.heard))
    assert ear.heard == [], "the slow ones are still on their way"
    release.set()
    await ear.until(lambda: len(ear.heard) == 100)
    assert max(portions) == reader.SLOW_IN_A_PORTION


async def test_rooms_that_open_together_are_loaded_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.store import answering, reader

    portions: list[int] = []

    def counted(engine: object, questions: list[object], *rest: object) -> object:
        portions.append(len(questions))
        return answering.answer_all(engine, questions, *rest)  # type: ignore[arg-type]

    ann, bob = await desk.user("ann"), await desk.user("bob")
    rooms = [await desk.created(ann, bob) for _ in range(20)]
    monkeypatch.setattr(reader, "answer_all", counted)
    ear = Ear()
    for ref, room in enumerate([*rooms, "r_none"]):
        desk.reads.tell(LoadRoom(reply_to=ear, ref=ref, room=room))
    await ear.until(lambda: len(ear.heard) == 21)
    found = {done.ref: done.value for done in ear.heard if isinstance(done, Done)}
    assert [found[ref].room for ref in range(20)] == rooms
    assert all(found[ref].members.keys() == {ann, bob} for ref in range(20))
    assert found[20] == NoRoom("r_none")
    assert len(portions) <= 2


async def test_a_room_that_comes_back_from_one_place_has_its_page_read_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.store import answering

    read: list[ReadLog] = []

    def noted(connection: Connection, question: ReadLog) -> LogPage:
        read.append(question)
        return read_log(connection, question)

    _, _, room = await talking(desk, messages=3)
    monkeypatch.setattr(answering, "read_log", noted)
    ear = Ear()
    for ref in range(90):
        desk.reads.tell(ReadLog(reply_to=ear, ref=ref, room=room.room, after=ref % 2, upto=5, limit=5))
    await ear.until(lambda: len(ear.heard) == 90)
    assert len(read) == 2
    pages = {answer.ref: answer.value for answer in ear.heard if isinstance(answer, Done)}
    assert pages.keys() == set(range(90)), "each has an answer of its own"
    assert {pages[ref].entries[0].seq for ref in range(0, 90, 2)} == {1}
    assert {pages[ref].entries[0].seq for ref in range(1, 90, 2)} == {2}
