"""A terminal that is closed, and one that is not: what SIGHUP means."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, signal, sys
from server.parent.terminal import Terminal
{before}
terminal = Terminal()
signal.signal(signal.SIGHUP, lambda *_: None)
sys.stdout.write("ready"); sys.stdout.flush()
signal.pause()
os.write(int(sys.argv[1]), b"gone" if terminal.is_gone() else b"there")
"""


def on_a_terminal(before: str, arguments: Sequence[str]) -> tuple[int, int]:
    """The process id of the program, and our end of its terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM.format(before=before), *arguments])
    return pid, terminal


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize(
    ("before", "closed", "answer"),
    [
        ("signal.signal(signal.SIGHUP, signal.SIG_DFL)", True, b"gone"),  # the tests themselves may run under nohup
        ("signal.signal(signal.SIGHUP, signal.SIG_DFL)", False, b"there"),
        ("signal.signal(signal.SIGHUP, signal.SIG_IGN)", True, b"there"),
    ],
    ids=["closed", "asked to read its settings", "closed under nohup"],
)
def test_it_is_gone_when_it_was_closed(before: str, closed: bool, answer: bytes) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    pid, terminal = on_a_terminal(before, [str(writing)])
    os.close(writing)
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 100)
    if closed:
        os.close(terminal)
    found = None
    for _ in range(400):  # until it was heard: it may not be waiting yet
        os.kill(pid, signal.SIGHUP)
        if select.select([reading], [], [], 0.05)[0]:
            found = os.read(reading, 10)
            break
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(reading)
    if not closed:
        os.close(terminal)
    assert found == answer
