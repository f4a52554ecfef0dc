"""What was edited or deleted is gone from the files of SQLite, not only from what they tell."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trio

from server.store import sqlite, writer
from server.store.batches import Batch, commit
from server.store.changes import MessageChange, MessageGone, NewText, Reacting
from server.store.direct import NOBODY
from server.store.erasing import erase_portion
from server.store.log_messages import Append, Draft, Landed, NewMessage
from server.store.opening import Store
from server.store.room_changes import RoomDeleted
from server.store.search_index import index_tails
from tests.store.desk import Desk, database_file, serving

AT = 1_750_000_000_000

TRACES = 0.01
"""Of what is gone, as much may be found in parts of pages that SQLite does not use: where it moved rows to other pages
it leaves the old copies, which `secure_delete` does not reach (docs/operations.md). Without that it is every fifth."""


@pytest.fixture
def engine() -> str:
    return "sqlite"


def in_files(store: Store) -> bytes:
    """All that is in the database and its log."""
    database = database_file(store)
    wal = database.with_name(f"{database.name}-wal")
    return database.read_bytes() + (wal.read_bytes() if wal.exists() else b"")


def remnants(marks: list[str], found: bytes) -> list[str]:
    return [mark for mark in marks if mark.encode() in found]


def vacuum(store: Store) -> None:
    with closing(sqlite3.connect(database_file(store), isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def mark(number: int, what: str) -> str:
    return f"<{what} {number:05}>"


def filled(number: int, what: str, dice: random.Random) -> str:
    """A text of any length, also of more than a page, that can be found by its mark, wherever a part of it is."""
    return mark(number, what) * dice.choice((1, 1, 2, 5, 40, 280))


async def rooms_of(desk: Desk, count: int) -> tuple[str, dict[str, int]]:
    ann = await desk.user("ann")
    return ann, {await desk.created(ann, name=f"room {n}"): 1 for n in range(count)}


def landed(store: Store, heads: dict[str, int], drafts: list[tuple[str, Draft]]) -> list[int]:
    appends = [Append(room, 1, 0, ref, draft, NOBODY) for ref, (room, draft) in enumerate(drafts)]
    mine = {room: heads[room] for room, _ in drafts}
    committed = commit(store.writing, Batch(appends, mine, (), (), ()), AT)
    heads |= committed.heads
    seqs = [outcome.seq for outcome in committed.outcomes if isinstance(outcome, Landed) and outcome.seq is not None]
    assert len(seqs) == len(drafts)
    return seqs


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_gone_is_in_no_file_once_the_log_is_emptied(store: Store, seed: int) -> None:
    """However pages were split and filled meanwhile: new messages come between the deletions, in several rooms."""
    dice = random.Random(seed)
    async with serving(store) as desk:
        ann, heads = await rooms_of(desk, 4)
    rooms, said = list(heads), []
    for turn in range(40):
        news: list[tuple[str, Draft]] = [
            (dice.choice(rooms), NewMessage(ann, f"n{turn} {n}", filled(25 * turn + n, "said", dice)))
            for n in range(25)
        ]
        places = landed(store, heads, news)
        said += [(room, seq, 25 * turn + n) for n, ((room, _), seq) in enumerate(zip(news, places, strict=True))]
        if turn % 10 == 5:
            store.log_file.copy_back()
    dice.shuffle(said)
    edited, deleted, kept = said[:300], said[300:600], said[600:]
    changes: list[tuple[str, MessageChange]] = []
    for room, seq, number in edited:
        changes += [(room, NewText(ann, seq, filled(number, what, dice))) for what in ("once", "twice")]
    changes += [(room, MessageGone(ann, seq)) for room, seq, _ in deleted]
    changes += [(room, Reacting(ann, seq, "👍", on=True)) for room, seq, _ in kept]
    for some in range(0, len(changes), 50):
        landed(store, heads, list(changes[some : some + 50]))
    store.log_file.forget()
    assert store.log_file.copy_back(), "nobody reads meanwhile"
    found = in_files(store)
    for _, _, number in kept:
        assert mark(number, "said").encode() in found
    for _, _, number in edited:
        assert mark(number, "twice").encode() in found
    gone = [mark(n, what) for _, _, n in edited for what in ("said", "once")] + [mark(n, "said") for *_, n in deleted]
    assert len(remnants(gone, found)) <= TRACES * len(gone)
    vacuum(store)
    assert remnants(gone, in_files(store)) == []


async def test_what_is_gone_is_in_no_index_either(store: Store) -> None:
    """Neither whole words are there nor the ends of them, which is what an index has of words that begin alike."""
    dice = random.Random(1)
    async with serving(store) as desk:
        ann, heads = await rooms_of(desk, 3)
    rooms, words = list(heads), [f"{dice.getrandbits(48):012x}" for _ in range(600)]
    said = []
    for n in range(0, len(words), 20):
        news: list[tuple[str, Draft]] = [
            (dice.choice(rooms), NewMessage(ann, f"n{n} {m}", f"{word} is what I say"))
            for m, word in enumerate(words[n : n + 20])
        ]
        said += list(zip((room for room, _ in news), landed(store, heads, news), words[n : n + 20], strict=True))
        with store.writing.begin() as connection:
            index_tails(connection, rooms)
    assert remnants(words, in_files(store)) == words
    gone, kept = said[::2], said[1::2]
    changes: list[tuple[str, MessageChange]] = [
        (room, MessageGone(ann, seq) if number % 2 else NewText(ann, seq, "something else"))
        for number, (room, seq, _) in enumerate(gone)
    ]
    for some in range(0, len(changes), 50):
        landed(store, heads, list(changes[some : some + 50]))
    store.log_file.forget()
    assert store.log_file.copy_back(), "nobody reads meanwhile"
    ends = [word[4:] for _, _, word in gone]
    assert len(remnants(ends, in_files(store))) <= TRACES * len(ends)
    assert remnants([word for _, _, word in kept], in_files(store)) == [word for _, _, word in kept]
    vacuum(store)
    assert remnants(ends, in_files(store)) == []


async def test_nothing_that_was_said_in_a_deleted_room_is_in_a_file_once_it_is_erased(store: Store) -> None:
    async with serving(store) as desk:
        ann, heads = await rooms_of(desk, 2)
    gone, kept = heads
    dice = random.Random(1)
    for number in range(0, 900, 50):
        some = range(number, number + 50)
        landed(store, heads, [
            (gone if n % 3 else kept, NewMessage(ann, f"n{n}", filled(n, "said", dice))) for n in some
        ])  # fmt: skip
    append = Append(gone, 1, 0, 1, RoomDeleted(ann, None), NOBODY)
    committed = commit(store.writing, Batch([append], {gone: heads[gone]}, (), (), ()), AT)
    assert set(committed.deleted) == {gone}
    assert committed.forgotten
    done, portions = False, 0
    while not done:
        with store.writing.begin() as connection:
            done = erase_portion(connection, gone)
        portions += 1
    assert portions > 2, "it takes more than one transaction"
    store.log_file.forget()
    assert store.log_file.copy_back(), "nobody reads meanwhile"
    found = in_files(store)
    texts = [mark(number, "said") for number in range(900) if number % 3]
    assert len(remnants(texts, found)) <= TRACES * len(texts)
    assert all(mark(number, "said").encode() in found for number in range(0, 900, 3))
    vacuum(store)
    assert remnants(texts, in_files(store)) == []


async def test_the_writer_empties_the_log_by_itself_when_nothing_comes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "IDLE_SECONDS", 0.05)
    async with serving(store) as desk:
        ann = await desk.user("ann")
        room = await desk.anchored(await desk.created(ann))
        await room.said(ann, "n", "a secret")
        assert b"a secret" in in_files(store)
        room.append(NewText(ann, 2, "nothing"))
        with trio.fail_after(60):
            while b"a secret" in in_files(store):  # noqa: ASYNC110 - a file tells nobody
                await trio.sleep(0.02)
        assert b"nothing" in in_files(store)


def test_on_a_busy_server_it_is_due_after_a_while(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(sqlite, "monotonic", lambda: now)
    log_file = store.log_file
    assert not log_file.is_due()
    log_file.forget()
    assert not log_file.is_due()
    now += sqlite.FORGET_SECONDS
    log_file.forget()
    assert log_file.is_due(), "what came later does not put it off"
    log_file.shrink()
    assert not log_file.is_due()
    now += sqlite.FORGET_SECONDS
    assert not log_file.is_due(), "there is nothing to forget"


async def test_whoever_reads_for_longer_is_waited_for(store: Store, tmp_path: Path) -> None:
    async with serving(store) as desk:
        ann = await desk.user("ann")
        room = await desk.anchored(await desk.created(ann))
        await room.said(ann, "n", "a secret")
    with store.reading.begin() as reading:
        reading.exec_driver_sql("SELECT count(*) FROM entries").all()
        landed(store, {room.room: 2}, [(room.room, MessageGone(ann, 2))])
        store.log_file.forget()
        assert not store.log_file.copy_back(), "it is not done yet"
    assert store.log_file.copy_back()
    assert b"a secret" not in in_files(store)
