from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pysqlite3.dbapi2 as driver
import pytest
from sqlalchemy.exc import OperationalError

from server.store.errors import Damaged, InUse, NotWritable, StoreError, TooNew
from server.store.migrating import REVISIONS
from server.store.opening import open_store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_missing_directory_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "some" / "where"
    with open_store(data):
        assert mode(data) == 0o700
        assert mode(data / "hubbub.sqlite3") == 0o600
        assert mode(data / "hubbub.sqlite3-wal") == 0o600
        assert mode(data / "lock") == 0o600


def test_a_second_server_is_told_who_the_first_is(data: Path) -> None:
    holder = "import sys; from pathlib import Path; from server.store.opening import open_store\n"
    holder += "with open_store(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holder, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        with pytest.raises(InUse, match=f"in use by pid {first.pid}"):
            open_store(data)
        first.kill()
    open_store(data).close()


def test_a_lock_file_that_was_left_behind_is_no_lock(data: Path) -> None:
    (data / "lock").write_text("1\n")
    with open_store(data):
        assert (data / "lock").read_text() == f"{os.getpid()}\n"


def test_a_place_that_cannot_be_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable, match="cannot use the data directory"):
        open_store(tmp_path / "file" / "data")
    with pytest.raises(NotWritable):
        open_store(tmp_path / "file")


@contextmanager
def somebody_without_privileges() -> Iterator[None]:
    """Root may write everywhere; whoever runs the tests as root is nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_directory_without_write_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with somebody_without_privileges(), pytest.raises(NotWritable, match="Permission denied"):
        open_store(tmp_path)


def test_a_database_from_a_newer_version_is_named_and_left_alone(data: Path) -> None:
    database = data / "hubbub.sqlite3"
    with closing(driver.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = database.read_bytes()
    with pytest.raises(TooNew, match="newer version \\(schema 9999\\)"):
        open_store(data)
    assert database.read_bytes() == before
    assert not (data / "backups").exists()


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 4_096])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hubbub.sqlite3").write_bytes(content)
    with pytest.raises(Damaged):
        open_store(tmp_path)
    assert (tmp_path / "hubbub.sqlite3").read_bytes() == content


def test_somebody_elses_database(tmp_path: Path) -> None:
    with closing(driver.connect(tmp_path / "hubbub.sqlite3")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(Damaged, match="no schema version"):
        open_store(tmp_path)


def test_after_a_failure_the_directory_is_free_again(tmp_path: Path) -> None:
    (tmp_path / "hubbub.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(Damaged):
        open_store(tmp_path)
    (tmp_path / "hubbub.sqlite3").unlink()
    open_store(tmp_path).close()


def test_errors_are_one_line() -> None:
    path = Path("data")
    for error in (
        InUse(path, None),
        InUse(path, 7),
        TooNew(path, "9"),
        Damaged(path, "x"),
        NotWritable(path, OSError()),
    ):
        assert isinstance(error, StoreError)
        assert "\n" not in str(error)


def test_readers_cannot_write(data: Path) -> None:
    with (
        open_store(data) as store,
        store.reading.begin() as connection,
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM users")


def test_a_database_that_is_up_to_date_is_opened_without_alembic(data: Path) -> None:
    program = "import sys; from pathlib import Path; from server.store.opening import open_store\n"
    program += "open_store(Path(sys.argv[1])).close(); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, str(data)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_error_of_the_database_never_quotes_what_was_said(data: Path) -> None:
    with open_store(data) as store, pytest.raises(OperationalError) as error, store.writing.begin() as connection:
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (?)", ("a secret",))
    assert "a secret" not in str(error.value)


def test_the_newest_revision_is_what_a_new_database_has(data: Path) -> None:
    with open_store(data) as store, store.reading.begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == REVISIONS[-1]
