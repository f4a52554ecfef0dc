"""One process over a SQLite database writes; the next one does as soon as it is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from server.store.errors import NotWritable
from server.store.writer_lock import WriterLock

HOLDER = """
import sys
from pathlib import Path
from server.store.writer_lock import WriterLock
print(WriterLock(Path(sys.argv[1])).take(), flush=True)
sys.stdin.read()
"""


def test_it_is_taken_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    first, second = WriterLock(tmp_path), WriterLock(tmp_path)
    assert first.take()
    assert first.take()
    assert not second.take()
    first.close()
    assert second.take()
    second.close()


def test_a_process_that_is_killed_has_it_no_more(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        lock = WriterLock(tmp_path)
        assert not lock.take()
        holder.kill()
        holder.wait()
        assert lock.take()
        lock.close()


def test_a_directory_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NotWritable):
        WriterLock(tmp_path / "missing")
