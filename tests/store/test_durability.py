"""Acknowledged means on disk, and a store that fails recovers by itself: against the real thing, SQLite here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pysqlite3.dbapi2 as driver
import pytest
import trio
import trio.testing

from server.protocol.errors import ErrorCode, Refusal
from server.store.log_messages import Landed, Lost
from server.store.opening import READING_THREADS, Store, open_store
from server.store.sqlite import Pragmas
from server.store.user_messages import AddUser
from tests.store.desk import PATIENCE, Desk, Room, database_file, serving

HERE = Path(__file__).parent


@pytest.fixture
def engine() -> str:
    return "sqlite"


@contextmanager
def locked_by_another_process(store: Store) -> Iterator[None]:
    command = [sys.executable, str(HERE / "locker.py"), str(database_file(store))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            locker.communicate(timeout=10)


async def a_room(desk: Desk) -> tuple[str, Room]:
    ann = await desk.user("ann")
    return ann, await desk.anchored(await desk.created(ann))


async def test_while_another_process_holds_the_lock_nobody_hears_anything(tmp_path: Path) -> None:
    with open_store(tmp_path / "data", Pragmas(busy_seconds=30.0)) as store:
        async with serving(store) as desk:
            ann, room = await a_room(desk)
            with locked_by_another_process(store):
                room.say(ann, "n1")
                with trio.move_on_after(0.5):  # an observation window: what must not come has the time to come
                    await room.ear.until(lambda: bool(room.ear.heard))
                assert desk.writes.statistics().waiting == 0, "the writer has taken it"
                assert room.ear.heard == []
            assert await room.ear.outcomes_of(1) == [Landed(1, 2, desk.now)]


def test_the_writers_own_connection_makes_commits_durable(store: Store) -> None:
    found = {}
    with store.writing.begin() as connection:
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "wal_autocheckpoint"):
            found[pragma] = connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 300,
        "wal_autocheckpoint": Pragmas().wal_pages,
    }


def test_the_library_is_one_without_the_wal_reset_bug() -> None:
    assert driver.sqlite_version_info >= (3, 51, 3)


def test_a_transaction_takes_the_write_lock_before_it_reads(store: Store) -> None:
    with store.writing.begin(), pytest.raises(driver.OperationalError, match="locked"):
        driver.connect(database_file(store), timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")


async def test_a_lock_held_past_the_busy_timeout_loses_the_batch_and_then_it_works_again(desk: Desk) -> None:
    ann, room = await a_room(desk)
    with locked_by_another_process(desk.store):
        assert isinstance(await room.said(ann, "n1"), Lost)
        with pytest.raises(Refusal) as refused:
            await desk.write(AddUser, name="bob", display_name=None, password_hash="hash")
        assert refused.value.code is ErrorCode.UNAVAILABLE
    assert isinstance(await room.said(ann, "n2"), Lost), "it must not overtake the one before"
    room = await desk.anchored(room.room)
    assert isinstance(await room.said(ann, "n1"), Landed)
    await desk.user("bob")


async def test_what_waits_while_the_database_is_locked_lands_in_order(tmp_path: Path) -> None:
    with open_store(tmp_path / "data", Pragmas(busy_seconds=30.0)) as store:
        async with serving(store) as desk:
            ann, room = await a_room(desk)
            with locked_by_another_process(store):
                for nonce in range(200):
                    room.say(ann, str(nonce))
                await trio.testing.wait_all_tasks_blocked()
            assert await room.ear.outcomes_of(200) == [Landed(ref, ref + 1, desk.now) for ref in range(1, 201)]


async def test_a_full_disk_loses_what_does_not_fit_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.store.full_disk", str(tmp_path / "data")]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True)
    told = json.loads(done.stdout)
    assert told["before"] == ["Landed"] * 3
    assert "Lost" in told["full"], "the limit was felt"
    landed_meanwhile = told["full"].count("Landed")
    assert told["again"].count("Known") == landed_meanwhile
    assert told["again"].count("Landed") == 20 - landed_meanwhile
    assert told["last_seq"] == 1 + 3 + 20


@contextmanager
def readers_that_never_rest(store: Store) -> Iterator[None]:
    """Two threads that read one snapshot after the other, so that at any time somebody looks into the log."""
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            with store.reading.begin() as connection:
                connection.exec_driver_sql("SELECT sum(length(text)) FROM entries").scalar()

    threads = [threading.Thread(target=read) for _ in range(READING_THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


async def test_the_write_ahead_log_stays_bounded_while_readers_are_always_busy(tmp_path: Path) -> None:
    pages = 20
    with open_store(tmp_path / "data", Pragmas(wal_pages=pages)) as store:
        async with serving(store) as desk:
            ann, room = await a_room(desk)
            longest = 0
            with readers_that_never_rest(store):
                for turn in range(200):
                    await room.said(ann, str(turn), "x" * 4_000)
                    longest = max(longest, store.log_file.size())
            assert longest < 4 * 4 * pages * 4_096, "200 commits alone would make it twice as long"


async def test_when_nothing_happens_the_write_ahead_log_is_copied_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rooms_without_the_log() -> int:
        alone = shutil.copy(database_file(store), tmp_path / "alone.sqlite3")
        with closing(driver.connect(alone)) as connection:
            return int(connection.execute("SELECT count(*) FROM rooms").fetchone()[0])

    monkeypatch.setattr("server.store.writer.IDLE_SECONDS", 0.1)
    async with serving(store) as desk:
        await a_room(desk)
        with trio.fail_after(PATIENCE):
            while rooms_without_the_log() == 0:  # noqa: ASYNC110 - a file tells nobody
                await trio.sleep(0.05)


async def test_where_the_write_ahead_log_cannot_be_copied_back_it_is_said_and_writing_goes_on(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    ann, room = await a_room(desk)
    desk.store.writing.driver_connection().close()
    desk.store.log_file.copy_back()
    assert "the write-ahead log was not copied back" in caplog.text
    assert isinstance(await room.said(ann, "n1"), Lost)
    room = await desk.anchored(room.room)
    assert isinstance(await room.said(ann, "n1"), Landed)


async def test_somebody_who_reads_for_long_does_not_hold_up_the_writer(tmp_path: Path) -> None:
    with open_store(tmp_path / "data", Pragmas(wal_pages=20, busy_seconds=30.0)) as store:
        async with serving(store) as desk:
            ann, room = await a_room(desk)
            with store.reading.begin() as connection, trio.fail_after(PATIENCE):
                assert connection.exec_driver_sql("SELECT count(*) FROM entries").scalar() == 1
                for turn in range(200):
                    assert isinstance(await room.said(ann, str(turn), "x" * 4_000), Landed)
            assert store.log_file.size() > 4 * 20 * 4_096, "the test has made the log long"
            await room.said(ann, "after")
            await room.said(ann, "and after")
            grown = store.log_file.size()
            await trio.to_thread.run_sync(store.log_file.shrink)
            assert store.log_file.size() == 0, f"it was {grown}"
