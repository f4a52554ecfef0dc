"""Children: alone, mortal, and told apart by how they end. Forked by programs of their own: pytest has threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server.parent.processes import in_words, niceness_among

ROOT = Path(__file__).parents[2]


def program(text: str, **options: object) -> subprocess.CompletedProcess[str]:
    imports = "import os, signal, sys, time\nfrom server.parent.processes import *\n"
    return subprocess.run(
        [sys.executable, "-c", imports + text],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=ROOT,
        check=False,
        **options,  # type: ignore[call-overload]
    )


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("lambda: 0", 0),
        ("lambda: 7", 7),
        ("lambda: sys.exit(3)", 3),
        ("lambda: sys.exit('a line')", 1),
        ("lambda: 1 / 0", 1),
        ("lambda: os.kill(os.getpid(), signal.SIGKILL)", -9),
    ],
)
def test_how_a_child_ends_is_told(work: str, code: int) -> None:
    assert program(f"print(wait_for(fork({work})))").stdout.splitlines() == [str(code)]


def test_what_a_child_raises_is_a_traceback_and_nothing_of_the_parents_runs_in_it() -> None:
    ended = program("try: print(wait_for(fork(lambda: 1 / 0)))\nfinally: print('the end of', os.getpid())")
    assert "ZeroDivisionError" in ended.stderr
    assert ended.stdout.count("the end of") == 1


def test_what_was_not_written_yet_is_written_once() -> None:
    assert program("print('once', end=''); wait_for(fork(lambda: 0))").stdout == "once"


def test_a_child_has_a_session_and_default_signals_of_its_own() -> None:
    ended = program(
        "signal.signal(signal.SIGTERM, lambda *_: None); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])\n"
        "def look():\n"
        "    print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,\n"
        "          signal.pthread_sigmask(signal.SIG_BLOCK, ()))\n"
        "    return 0\n"
        "wait_for(fork(look))\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, ()) == {signal.SIGHUP})"
    )
    assert ended.stdout.splitlines() == ["True True set()", "True"]


def test_a_child_dies_with_its_parent() -> None:
    """Whose end, however it came, the reader of this pipe sees when nobody holds the other end any more."""
    reading, writing = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", "from server.parent.processes import *\nimport time\nfork(lambda: time.sleep(600))\n"
         f"import os; os.write({writing}, b'.'); time.sleep(600)"],
        pass_fds=[writing],
        cwd=ROOT,
    )  # fmt: skip
    os.close(writing)
    try:
        assert os.read(reading, 1) == b"."
        parent.send_signal(signal.SIGKILL)
        assert os.read(reading, 1) == b"", "both are gone"
    finally:
        parent.kill()
        parent.wait()
        os.close(reading)


def test_another_program_gets_the_descriptors_it_is_given_and_no_other() -> None:
    ended = program(
        "given, kept = os.open('/dev/null', os.O_RDONLY), os.open('/dev/null', os.O_RDONLY)\n"
        "command = [sys.executable, '-c', 'import os; print(sorted(os.listdir(\"/proc/self/fd\"), key=int)[:-1])']\n"
        "wait_for(spawn(command, inherited=[given]))\n"
        "print(given)"
    )
    listed, given = ended.stdout.splitlines()
    assert listed == f"['0', '1', '2', '{given}']"


def test_ends_in_words() -> None:
    assert [in_words(code) for code in (0, 7, -9, -200)] == ["exit code 0", "exit code 7", "SIGKILL", "signal 200"]


def test_many_workers_preempt_nobody_nor_do_the_threads_they_start() -> None:
    ended = program(
        "import threading\n"
        "def work():\n"
        "    preempt_nobody()\n"
        "    of_threads = []\n"
        "    def look(): of_threads.append(os.sched_getscheduler(threading.get_native_id()))\n"
        "    one = threading.Thread(target=look); one.start(); one.join()\n"
        "    print([os.sched_getscheduler(0), *of_threads] == [os.SCHED_BATCH] * 2)\n"
        "    return 0\n"
        "wait_for(fork(work))\n"
        "print(os.sched_getscheduler(0) == os.SCHED_OTHER, is_crowded(3 * cores()), is_crowded(3 * cores() - 1))\n"
    )
    assert ended.stdout.splitlines() == ["True", "True True False"], ended.stderr


@pytest.mark.parametrize(
    ("processes", "processors", "nice"), [(3, 1, 5), (6, 2, 5), (56, 2, 15), (1_000, 2, 19), (1, 2, 0)]
)
def test_the_more_there_are_the_nicer_is_each(processes: int, processors: int, nice: int) -> None:
    assert niceness_among(processes, processors) == nice


@pytest.mark.parametrize("processes", range(3, 60))
def test_those_who_give_way_weigh_together_about_as_much_as_one_who_does_not(processes: int) -> None:
    together = processes * 1.25 ** -niceness_among(processes, 1)
    assert 1 / 1.25 <= together <= 1.0
