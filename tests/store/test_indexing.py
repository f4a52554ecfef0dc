"""The index follows the logs by itself: also what was said before it was there, and through crashes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from sqlalchemy import Connection, insert, select

from actors import Inbox, Intensity, SupervisorSpec, System, TaskContext, TaskSpec, open_system
from server.store import indexing, writer
from server.store.indexing import run_indexing
from server.store.search_index import index_tails
from server.store.search_messages import FindTails, Indexed
from server.store.tables import documents
from server.store.tails import TailsHere
from tests.store.desk import PATIENCE, Desk
from tests.store.finder import Finder


@asynccontextmanager
async def following(desk: Desk, but: str = "") -> AsyncIterator[System]:
    """`but`: a room that is another process's."""

    async def follow(context: TaskContext) -> None:
        await run_indexing(context, desk.store.tails, desk.writes, desk.reads, lambda room: room != but)

    async with open_system(
        SupervisorSpec("index", [TaskSpec("indexing", follow)], intensity=Intensity(10, 60.0))
    ) as it:
        yield it


async def all_is_in_it(desk: Desk) -> None:
    with trio.fail_after(PATIENCE):
        while (await desk.read(FindTails, after="")).rooms:  # noqa: ASYNC110 - a database tells nobody
            await trio.sleep(0.01)


async def test_what_is_said_is_taken_in_and_what_was_said_before(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "LULL_SECONDS", 0.01)
    talk = Finder(desk)
    ann = await desk.user("ann")
    old, new = await talk.room(ann), await talk.room(ann, name="new")
    [before] = await talk.said(old, ann, "a word, before")
    desk.store.tails = TailsHere()  # nobody remembers it
    async with following(desk):
        await all_is_in_it(desk)
        [after] = await talk.said(new, ann, "a word, after")
        await all_is_in_it(desk)
    assert await talk.found(ann, "word") == [(new.room, after), (old.room, before)]


async def test_after_a_crash_it_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of its work, while more is said; and whatever it knew is lost."""
    monkeypatch.setattr(indexing, "LULL_SECONDS", 0.0)
    monkeypatch.setattr("server.store.search_index.ENTRIES_AT_ONCE", 3)
    crashes = iter([True, False, True])
    really = indexing._answer

    async def answer(inbox: Inbox, kind: type[Any], question: Any) -> Any:
        answered = await really(inbox, kind, question)
        if next(crashes, False):
            raise RuntimeError("forced by the test")
        return answered

    monkeypatch.setattr(indexing, "_answer", answer)
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    places = await talk.said(room, ann, *(f"word {n}" for n in range(10)))
    async with following(desk) as system:
        places += await talk.said(room, ann, *(f"word {n}" for n in range(10, 20)))
        await all_is_in_it(desk)
        [task] = system.describe().children
    assert task.restarts > 0
    assert await talk.found(ann, "word") == [(room.room, seq) for seq in places[::-1]]


async def test_rooms_of_others_are_left_to_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "LULL_SECONDS", 0.01)
    talk = Finder(desk)
    ann = await desk.user("ann")
    mine, theirs = await talk.room(ann), await talk.room(ann, name="theirs")
    async with following(desk, but=theirs.room):
        await talk.said(theirs, ann, "a word")
        await talk.said(mine, ann, "a word")
        with trio.fail_after(PATIENCE):
            while (await desk.read(FindTails, after="")).rooms != (theirs.room,):  # noqa: ASYNC110 - as above
                await trio.sleep(0.01)


async def test_numbers_that_another_process_has_just_given_are_passed_over_in_silence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As when it takes in, in the same moment, messages of the same millisecond."""
    monkeypatch.setattr(indexing, "LULL_SECONDS", 0.01)
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    theirs = iter([True])

    def numbered(connection: Connection, wanted: Sequence[str]) -> Indexed:
        taken_in = index_tails(connection, wanted)
        if taken_in.messages and next(theirs, False):
            connection.execute(insert(documents).from_select(documents.c.keys(), select(documents).limit(1)))
        return taken_in

    monkeypatch.setattr(writer, "index_tails", numbered)
    [said] = await talk.said(room, ann, "a word")
    async with following(desk):
        await all_is_in_it(desk)
    assert next(theirs, None) is None
    assert await talk.found(ann, "word") == [(room.room, said)]
    assert not caplog.records


async def test_trouble_with_the_index_is_no_trouble_for_posts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "TROUBLE_SECONDS", 0.01)
    monkeypatch.setattr(indexing, "LULL_SECONDS", 0.01)
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    with desk.store.writing.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE indexed RENAME TO elsewhere")
    async with following(desk):
        await talk.said(room, ann, "a word")
        with trio.fail_after(PATIENCE):
            while desk.store.tails:  # noqa: ASYNC110 - as above
                await trio.sleep(0.01)
    await talk.said(room, ann, "another word")
    with desk.store.writing.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO indexed")
