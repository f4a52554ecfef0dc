"""The writer as rooms and people meet it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from server.protocol.errors import ErrorCode, Refusal
from server.store.connections import Writing
from server.store.log_messages import Anchor, Denied, Known, Landed, Lost, MemberGone, NewMember, Outcomes, Release
from server.store.marks import OwnMark
from server.store.opening import Store
from server.store.questions import Done, Failed
from server.store.room_messages import ListRooms, LoadRoom, Mark, MarksSaved, MemberRecord, RoomRecord, SaveMarks
from server.store.user_messages import AddUser
from tests.store.desk import PATIENCE, Desk, Ear, poison_refused, serving


async def loaded(desk: Desk, room: str) -> RoomRecord:
    record = await desk.read(LoadRoom, room=room)
    assert isinstance(record, RoomRecord)
    return record


async def test_a_post_lands_and_its_retry_is_known(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    assert await room.said(ann, "n1") == Landed(1, 2, desk.now)
    desk.now += 1
    assert await room.said(ann, "n1") == Known(2, 2, desk.now - 1)
    conflict = await room.said(ann, "n1", "something else")
    assert isinstance(conflict, Denied)
    assert conflict.refusal.code is ErrorCode.CONFLICT
    assert (await loaded(desk, room.room)).last_seq == 2


async def test_what_waits_is_committed_together_and_told_once_a_room(desk: Desk) -> None:
    ann = await desk.user("ann")
    rooms = [await desk.anchored(await desk.created(ann)) for _ in range(2)]
    for nonce in range(50):
        for room in rooms:
            room.say(ann, f"{nonce}")
    for room in rooms:
        outcomes = await room.ear.outcomes_of(50)
        assert [o.seq for o in outcomes if isinstance(o, Landed)] == list(range(2, 52))
        assert len([heard for heard in room.ear.heard if isinstance(heard, Outcomes)]) == 1


async def test_an_append_of_an_earlier_lineage_is_lost(desk: Desk) -> None:
    ann = await desk.user("ann")
    earlier = await desk.anchored(await desk.created(ann))
    later = await desk.anchored(earlier.room)
    assert isinstance(await earlier.said(ann, "n1"), Lost)
    assert isinstance(await later.said(ann, "n1"), Landed)


async def test_an_anchor_is_answered_behind_what_was_told_before_it(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    room.say(ann, "before")
    desk.writes.tell(Anchor(reply_to=room.ear, ref=99, room=room.room))
    room.say(ann, "after")
    await room.ear.until(lambda: len(room.ear.heard) == 3)
    before, after, anchored = room.ear.heard
    assert isinstance(before, Outcomes)
    assert isinstance(before.outcomes[0], Landed)
    assert isinstance(after, Outcomes)
    assert isinstance(after.outcomes[0], Lost)
    assert isinstance(anchored, Done)


async def test_a_released_room_has_to_anchor_again(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    desk.writes.tell(Release(room.room, room.lineage))
    assert isinstance(await room.said(ann, "n1"), Lost)


async def test_a_head_that_somebody_else_moved_ends_the_lineage_and_harms_no_other_room(desk: Desk) -> None:
    ann = await desk.user("ann")
    moved, other = [await desk.anchored(await desk.created(ann)) for _ in range(2)]
    moved.base += 1
    moved.say(ann, "n1")
    other.say(ann, "n1")
    assert isinstance((await moved.ear.outcomes_of(1))[0], Lost)
    assert isinstance((await other.ear.outcomes_of(1))[0], Landed)
    assert isinstance(await moved.said(ann, "n2"), Lost)
    assert isinstance(await (await desk.anchored(moved.room)).said(ann, "n1"), Landed)


async def test_members_come_and_go_with_their_entries(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    room = await desk.anchored(await desk.created(ann))
    room.append(NewMember(bob, "member", by=ann))
    room.append(NewMember(bob, "member", by=ann))
    room.append(MemberGone(bob, by=ann, reason="noise"))
    room.append(NewMember(bob, "moderator", logged=False))
    outcomes = await room.ear.outcomes_of(4)
    assert [o.seq for o in outcomes if isinstance(o, Landed)] == [2, None, 3, None]
    record = await loaded(desk, room.room)
    assert record.last_seq == 3
    assert record.members[bob].role == "moderator"
    assert record.members[bob].read == 3
    (listed,) = (await desk.read(ListRooms, user=ann)).rooms
    assert listed.members == 2


async def test_nobody_who_does_not_exist_becomes_a_member(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    room.append(NewMember("u_nobody", "member"))
    room.say(ann, "n1")
    denied, landed = await room.ear.outcomes_of(2)
    assert isinstance(denied, Denied)
    assert isinstance(landed, Landed)
    assert landed.seq == 2
    assert set((await loaded(desk, room.room)).members) == {ann}


async def test_marks_only_rise(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    desk.writes.tell(SaveMarks(room.room, (Mark(ann, received=9, read=3),)))
    desk.writes.tell(SaveMarks(room.room, (Mark(ann, received=4, read=5),)))
    await room.said(ann, "n1")
    mark = (await loaded(desk, room.room)).members[ann]
    assert (mark.received, mark.read) == (9, 5)


async def test_of_marks_for_oneself_the_last_holds(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    desk.writes.tell(SaveMarks(room.room, (Mark(ann, received=9, read=9, seen=3),)))
    desk.writes.tell(SaveMarks(room.room, (Mark(ann, received=9, read=9, seen=2),)))
    await room.said(ann, "n1")
    assert (await loaded(desk, room.room)).members[ann] == OwnMark("owner", 9, 9, 2)
    desk.writes.tell(SaveMarks(room.room, (Mark(ann, received=9, read=9),)))
    await room.said(ann, "n2")
    assert (await loaded(desk, room.room)).members[ann] == MemberRecord("owner", 9, 9)


async def test_a_lone_surrogate_is_the_guilty_posters_own_problem(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    room.say(ann, "n1", "\ud800")
    room.say(ann, "\udfff")
    room.say(ann, "n3")
    first, second, third = await room.ear.outcomes_of(3)
    assert isinstance(first, Denied)
    assert isinstance(second, Denied)
    assert third == Landed(3, 2, desk.now)


async def test_a_crash_of_the_writer_answers_everything_it_took(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    ear = Ear()
    desk.crashing = True
    room.say(ann, "n1")
    desk.writes.tell(AddUser(reply_to=ear, name="bob", display_name=None, password_hash="hash"))
    assert isinstance((await room.ear.outcomes_of(1))[0], Lost)
    await ear.until(lambda: bool(ear.heard))
    assert isinstance(ear.heard[0], Failed)
    assert isinstance(await room.said(ann, "n1"), Lost), "the restarted writer knows no lineage"
    assert isinstance(await (await desk.anchored(room.room)).said(ann, "n1"), Landed)


async def test_a_crash_over_one_of_many_answers_those_behind_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))

    def crash_once(self: object, append: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("forced by the test")

    monkeypatch.setattr("server.store.unanswered.Unanswered._take_append", crash_once)
    ear, marks = Ear(), (Mark(ann, received=1, read=1),)
    room.say(ann, "n1")
    room.say(ann, "n2")
    desk.writes.tell(AddUser(reply_to=ear, name="bob", display_name=None, password_hash="hash"))
    desk.writes.tell(SaveMarks(room.room, marks, ear))
    assert [type(outcome) for outcome in await room.ear.outcomes_of(2)] == [Lost, Lost]
    await ear.until(lambda: len(ear.heard) == 2)
    assert MarksSaved(marks, are_saved=False) in ear.heard
    assert {type(heard) for heard in ear.heard} == {MarksSaved, Failed}


async def test_who_saves_marks_hears_whether_they_are_on_disk(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.created(ann)
    ear, marks = Ear(), (Mark(ann, received=1, read=1),)
    desk.writes.tell(SaveMarks(room, marks, ear))
    await ear.until(lambda: bool(ear.heard))
    desk.crashing = True
    desk.writes.tell(SaveMarks(room, marks, ear))
    await ear.until(lambda: len(ear.heard) == 2)
    assert ear.heard == [MarksSaved(marks, are_saved=True), MarksSaved(marks, are_saved=False)]


async def test_a_crash_between_commit_and_acknowledgement_is_found_by_the_retry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))

    def crash_once(self: object, committed: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("forced by the test")

    monkeypatch.setattr("server.store.unanswered.Unanswered.settle", crash_once)
    assert isinstance(await room.said(ann, "n1"), Lost)
    again = await desk.anchored(room.room)
    assert again.base == 2
    assert await again.said(ann, "n1") == Known(1, 2, desk.now)


async def test_an_orderly_stop_commits_what_waits(store: Store) -> None:
    async with serving(store) as desk:
        ann = await desk.user("ann")
        room = await desk.anchored(await desk.created(ann))
        desk.writes.tell(SaveMarks(room.room, (Mark(ann, received=7, read=7),)))
        room.say(ann, "n1")
    assert isinstance(room.ear.outcomes[0], Landed)
    async with serving(store) as desk:
        record = await loaded(desk, room.room)
        assert (record.last_seq, record.members[ann].read) == (2, 7)


async def test_cancelling_in_the_middle_of_a_commit_waits_for_it_and_tells(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.store import batches, writer

    held, token = trio.Event(), trio.lowlevel.current_trio_token()

    def slowly(*args: object) -> object:
        trio.from_thread.run_sync(held.set, trio_token=token)
        trio.from_thread.run(trio.sleep, 0.05, trio_token=token)
        return batches.commit(*args)  # type: ignore[arg-type]

    async with serving(store) as desk:
        ann = await desk.user("ann")
        room = await desk.anchored(await desk.created(ann))
        monkeypatch.setattr(writer, "commit", slowly)
        room.say(ann, "n1")
        with trio.fail_after(PATIENCE):
            await held.wait()
    assert isinstance(room.ear.outcomes[0], Landed)


async def test_where_several_came_together_the_next_batch_waits_for_who_is_on_the_way(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.store import batches, writer

    sizes: list[int] = []

    def noting(writing: Writing, batch: batches.Batch, at: int) -> batches.Committed:
        sizes.append(len(batch.appends))
        return batches.commit(writing, batch, at)

    async with serving(store) as desk:
        ann = await desk.user("ann")
        room = await desk.anchored(await desk.created(ann))
        monkeypatch.setattr(writer, "commit", noting)
        for nonce in ("together 1", "together 2"):
            room.say(ann, nonce)
        await room.ear.outcomes_of(2)
        await trio.testing.wait_all_tasks_blocked()
        for nonce in ("first", "second", "third"):
            room.say(ann, nonce)
            await trio.lowlevel.checkpoint()
        outcomes = await room.ear.outcomes_of(5)
    assert sizes == [2, 3]
    assert outcomes == [Landed(ref, ref + 1, desk.now) for ref in range(1, 6)]


async def test_what_was_gathered_when_the_writer_is_stopped_is_answered(store: Store) -> None:
    async with serving(store) as desk:
        ann = await desk.user("ann")
        room = await desk.anchored(await desk.created(ann))
        for nonce in ("together 1", "together 2"):
            room.say(ann, nonce)
        await room.ear.outcomes_of(2)
        await trio.testing.wait_all_tasks_blocked()
        room.say(ann, "alone")
        await trio.lowlevel.checkpoint()
    assert [type(outcome) for outcome in room.ear.outcomes] == [Landed] * 3


async def test_one_row_of_two_hundred_is_refused_and_only_its_poster_hears_of_it(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    other = await desk.anchored(await desk.created(ann))
    with poison_refused(desk.store):
        for nonce in range(200):
            room.say(ann, str(nonce), "poison" if nonce == 77 else "hello")
        other.say(ann, "elsewhere")
        outcomes = await room.ear.outcomes_of(200)
    guilty = outcomes.pop(77)
    assert isinstance(guilty, Denied)
    assert "poison" not in guilty.refusal.message
    assert [o.seq for o in outcomes if isinstance(o, Landed)] == list(range(2, 201))
    assert isinstance((await other.ear.outcomes_of(1))[0], Landed)
    assert (await desk.read(LoadRoom, room=room.room)).last_seq == 200


async def test_the_refused_row_may_be_tried_again_and_its_neighbours_are_known(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    with poison_refused(desk.store):
        room.say(ann, "good")
        room.say(ann, "bad", "poison")
        await room.ear.outcomes_of(2)
        assert isinstance(await room.said(ann, "good"), Known)
        assert isinstance(await room.said(ann, "bad", "poison"), Denied)
        assert isinstance(await room.said(ann, "next"), Landed)


async def test_a_question_refused_by_the_database_fails_alone(desk: Desk) -> None:
    with pytest.raises(Refusal) as refused:
        await desk.write(AddUser, name="\ud800", display_name=None, password_hash="hash")
    assert refused.value.code is ErrorCode.BAD_REQUEST
    await desk.user("ann")


async def test_a_thousand_and_more_appends_keep_their_order(store: Store) -> None:
    async with serving(store) as desk:
        ann = await desk.user("ann")
        room = await desk.anchored(await desk.created(ann))
        for nonce in range(2_500):
            room.say(ann, str(nonce))
        outcomes = await room.ear.outcomes_of(2_500)
    assert outcomes == [Landed(ref, ref + 1, desk.now) for ref in range(1, 2_501)]
