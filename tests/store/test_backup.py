from __future__ import annotations

import shutil
import stat
from contextlib import closing
from pathlib import Path

import pysqlite3.dbapi2 as driver
import pytest

from server.store.backup import back_up, restore
from server.store.errors import AlreadyThere, CopyFailed, Damaged, InUse, TooNew
from server.store.history_messages import ReadHistory
from server.store.log_messages import Landed
from server.store.opening import open_store
from server.store.room_messages import ListRooms, LoadRoom
from tests.store.desk import Desk, database_file, serving


@pytest.fixture
def engine() -> str:
    return "sqlite"


async def told(desk: Desk, texts: int) -> tuple[str, str]:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    for number in range(texts):
        assert isinstance(await room.said(ann, str(number)), Landed)
    return ann, room.room


async def test_a_backup_while_serving_has_everything_that_was_acknowledged(desk: Desk, tmp_path: Path) -> None:
    ann, room = await told(desk, texts=5)
    before = await desk.read(LoadRoom, room=room)
    copy = tmp_path / "copy.sqlite3"
    back_up(database_file(desk.store).parent, copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert isinstance(await (await desk.anchored(room)).said(ann, "after the backup"), Landed)

    former = restore(tmp_path / "elsewhere", copy)
    assert former is None
    with open_store(tmp_path / "elsewhere") as restored:
        async with serving(restored) as there:
            record = await there.read(LoadRoom, room=room)
            assert (record.last_seq, record.members.keys()) == (6, before.members.keys())
            assert record.log != before.log, "cursors of the old log must not be taken for cursors of this one"
            page = await there.read(ReadHistory, room=room, reader="", upto=6, limit=10)
            assert [message.nonce for message in page.messages] == ["0", "1", "2", "3", "4"]
            assert isinstance(await (await there.anchored(room)).said(ann, "here"), Landed)


def test_names_of_directories_may_have_any_character(tmp_path: Path) -> None:
    odd = tmp_path / "a#b?c%20d e"
    open_store(odd).close()
    back_up(odd, odd / "copy?mode=rwc")
    restore(tmp_path / "new", odd / "copy?mode=rwc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a#b?c%20d e", "new"]


def test_every_room_gets_a_log_of_its_own(data: Path, tmp_path: Path) -> None:
    import trio

    async def make() -> list[str]:
        with open_store(data) as store:
            async with serving(store) as desk:
                ann = await desk.user("ann")
                for _ in range(3):
                    await desk.created(ann)
                return [room.log for room in (await desk.read(ListRooms, user=ann)).rooms]

    before = trio.run(make)
    back_up(data, tmp_path / "copy")
    restore(tmp_path / "new", tmp_path / "copy")
    assert not [path for path in tmp_path.rglob("*") if "partial" in path.name or "restoring" in path.name]
    with closing(driver.connect(tmp_path / "new" / "hubbub.sqlite3")) as connection:
        after = [log for (log,) in connection.execute("SELECT log FROM rooms")]
    assert len(set(before) | set(after)) == 6
    assert all(log.startswith("l_") for log in after)


def test_a_backup_never_overwrites(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_text("precious")
    with pytest.raises(AlreadyThere):
        back_up(data, target)
    assert target.read_text() == "precious"


def test_a_backup_into_nowhere_or_of_nothing(data: Path, tmp_path: Path) -> None:
    with pytest.raises(CopyFailed):
        back_up(data, tmp_path / "no" / "such" / "directory")
    with pytest.raises(CopyFailed, match="there is no database"):
        back_up(tmp_path / "nothing here", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_backup_of_what_is_no_database_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "hubbub.sqlite3").write_bytes(b"rubbish" * 1_000)
    with pytest.raises(CopyFailed):
        back_up(data, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_live_directory_is_refused(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "copy")
    with open_store(data), pytest.raises(InUse):
        restore(data, tmp_path / "copy", replace=True)


def test_a_database_that_is_there_is_not_replaced_unasked(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "copy")
    before = (data / "hubbub.sqlite3").read_bytes()
    with pytest.raises(AlreadyThere):
        restore(data, tmp_path / "copy")
    assert (data / "hubbub.sqlite3").read_bytes() == before


async def test_what_is_replaced_is_moved_aside_with_its_write_ahead_log(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "empty")
    with open_store(data) as store:
        async with serving(store) as desk:
            await told(desk, texts=3)
            shutil.copytree(data, tmp_path / "crashed")  # as a killed server leaves it: the log is not copied back
    crashed = tmp_path / "crashed"
    assert (crashed / "hubbub.sqlite3-wal").stat().st_size > 0
    former = restore(crashed, tmp_path / "empty", replace=True)
    assert former is not None
    for path, entries in ((former, 4), (crashed / "hubbub.sqlite3", 0)):
        with closing(driver.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM entries").fetchone() == (entries,)
    assert not (crashed / "hubbub.sqlite3-wal").exists() or (crashed / "hubbub.sqlite3-wal").stat().st_size == 0
    open_store(crashed).close()


@pytest.mark.parametrize("damage", ["rubbish", "torn", "foreign", "newer", "missing"])
def test_a_copy_that_is_no_good_changes_nothing(data: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "copy"
    back_up(data, copy)
    match damage:
        case "rubbish":
            copy.write_bytes(b"rubbish" * 1_000)
        case "torn":
            copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
        case "foreign":
            copy.unlink()
            with closing(driver.connect(copy)) as connection:
                connection.execute("CREATE TABLE theirs (x)")
        case "newer":
            with closing(driver.connect(copy, isolation_level=None)) as connection:
                connection.execute("UPDATE alembic_version SET version_num = '9999'")
        case "missing":
            copy.unlink()
    before, names = (data / "hubbub.sqlite3").read_bytes(), set(data.iterdir())
    with pytest.raises((CopyFailed, Damaged, TooNew)):
        restore(data, copy, replace=True)
    assert (data / "hubbub.sqlite3").read_bytes() == before
    assert set(data.iterdir()) - names <= {data / "lock"}
