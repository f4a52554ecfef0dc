"""Programs that are started, watched and stopped, also those that do not want to be, and their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest.prove.processes import Fault, Process, Program, table

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
WITH_A_CHILD = (
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


def program(code: str, folder: Path, *, reads: bool = True) -> Program:
    return Program("the tried one", [sys.executable, "-c", code], folder / "log", environment=os.environ, reads=reads)


def lives(process: Process) -> bool:
    now = table()
    return process.pid in now and now[process.pid][1] == process


def until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def test_its_first_line_is_what_it_says_first(tmp_path: Path) -> None:
    tried = program("import time; print('hello', flush=True); time.sleep(60)", tmp_path)
    assert tried.first_line(10) == "hello"
    tried.stop(5)
    assert tried.ended() == -signal.SIGTERM


def test_one_that_ends_unasked_is_a_fault_with_its_last_words(tmp_path: Path) -> None:
    tried = program("import sys; sys.exit('no disk left')", tmp_path)
    with pytest.raises(Fault, match="the tried one ended before it was told to: exit code 1") as fault:
        tried.first_line(10)
    assert fault.value.said == "no disk left"
    tried.stop(1)


def test_one_that_was_killed_is_named_with_the_signal(tmp_path: Path) -> None:
    tried = program("import time; time.sleep(60)", tmp_path)
    os.kill(tried.pid, signal.SIGKILL)
    assert until(lambda: tried.ended() is not None)
    with pytest.raises(Fault, match="SIGKILL"):
        tried.check()
    tried.stop(1)


def test_one_that_does_not_begin_is_a_fault(tmp_path: Path) -> None:
    tried = program("import time; time.sleep(60)", tmp_path)
    with pytest.raises(Fault, match="did not start within 0 s"):
        tried.first_line(0.2)
    tried.stop(1)


def test_one_that_ends_when_it_was_told_to_is_no_fault(tmp_path: Path) -> None:
    tried = program("", tmp_path)
    tried.expect_end()
    assert until(lambda: tried.ended() == 0)
    tried.check()
    tried.stop(1)


def test_children_in_sessions_of_their_own_end_with_it(tmp_path: Path) -> None:
    tried = program(WITH_A_CHILD.format(child=STUBBORN + "import time; time.sleep(60)"), tmp_path)
    tried.first_line(10)
    assert until(lambda: len(tried.family()) == 2)
    family = tried.family()
    tried.stop(5)
    assert not any(map(lives, family))


def test_children_of_one_that_was_killed_are_found_again(tmp_path: Path) -> None:
    tried = program(WITH_A_CHILD.format(child="import time; time.sleep(60)"), tmp_path)
    tried.first_line(10)
    assert until(lambda: len(tried.family()) == 2)
    family = tried.family()
    os.kill(tried.pid, signal.SIGKILL)
    assert until(lambda: tried.ended() is not None)
    tried.stop(1)
    assert not any(map(lives, family))


def test_a_stubborn_one_is_killed_at_once_if_somebody_is_in_a_hurry(tmp_path: Path) -> None:
    tried = program(STUBBORN + "print('ready', flush=True)\nimport time; time.sleep(60)", tmp_path)
    tried.first_line(10)
    tried.stop(1_000, in_a_hurry=lambda: True)
    assert tried.ended() == -signal.SIGKILL


def test_it_is_told_to_end_when_who_started_it_is_killed(tmp_path: Path) -> None:
    starter = (
        "import os, sys, time; from pathlib import Path; from loadtest.prove.processes import Program\n"
        "tried = Program('x', [sys.executable, '-c', 'import time; time.sleep(60)'], Path(sys.argv[1]) / 'log',\n"
        "                environment=os.environ)\n"
        "print(tried.pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", starter, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        pid = int(started.stdout.readline())
        _, process = table()[pid]
        started.kill()
    assert until(lambda: not lives(process))
