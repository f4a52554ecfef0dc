"""What writer and reader count: commits, what was in them, and those that failed."""

from __future__ import annotations

from pathlib import Path

from server.store.log_messages import Known, Landed, Lost
from server.store.opening import open_store
from server.store.room_messages import LoadRoom
from server.store.sqlite import Pragmas
from tests.store.desk import Desk, serving
from tests.store.test_durability import locked_by_another_process


async def test_only_new_messages_are_messages(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    assert desk.counts.messages == 0, "that somebody joined is none"
    assert isinstance(await room.said(ann, "n1"), Landed)
    assert isinstance(await room.said(ann, "n1"), Known)
    assert isinstance(await room.said(ann, "n2"), Landed)
    assert desk.counts.messages == 2


async def test_a_batch_is_one_commit_of_many_changes(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    before, changes = sum(desk.counts.commit_seconds.counts), desk.counts.commit_changes.total
    for nonce in range(50):
        room.say(ann, f"{nonce}")
    await room.ear.outcomes_of(50)
    assert sum(desk.counts.commit_seconds.counts) - before == 1
    assert desk.counts.commit_changes.total - changes == 50
    assert sum(desk.counts.commit_changes.counts) == sum(desk.counts.commit_seconds.counts)


async def test_a_commit_that_fails_is_no_commit(tmp_path: Path) -> None:
    with open_store(tmp_path / "data", Pragmas(busy_seconds=0.1)) as store:
        async with serving(store) as desk:
            ann = await desk.user("ann")
            room = await desk.anchored(await desk.created(ann))
            before = sum(desk.counts.commit_seconds.counts)
            with locked_by_another_process(store):
                assert isinstance(await room.said(ann, "n1"), Lost)
            assert desk.counts.failed_commits == 1
            assert sum(desk.counts.commit_seconds.counts) == before
            assert desk.counts.messages == 0


async def test_questions_are_counted_by_portions(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.created(ann)
    before = desk.counts.portion_questions.total
    for _ in range(3):
        await desk.read(LoadRoom, room=room)
    assert desk.counts.portion_questions.total - before == 3
    assert sum(desk.counts.portion_seconds.counts) == sum(desk.counts.portion_questions.counts)
