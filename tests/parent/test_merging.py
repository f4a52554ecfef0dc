"""What stands in the way of merging is said in a line, and asking for it reaches the processes that are forked."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from server.parent.merging import ask_for_merging
from server.parent.processes import fork, wait_for

PR_GET_MEMORY_MERGE = 68


def merges() -> int:
    """1: this process asks for it; 0: it does not; -1: the kernel knows no such thing."""
    return int(ctypes.CDLL(None).prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0))


def in_a_child(switch: Path) -> int:
    """What a grandchild says, whose parent has asked. In processes of their own: whoever has asked goes on asking."""

    def ask() -> int:
        ask_for_merging(switch)
        return wait_for(fork(merges))

    return wait_for(fork(ask))


def answer_of(switch: Path) -> str:
    reading, writing = os.pipe()

    def ask() -> int:
        os.write(writing, repr(ask_for_merging(switch)).encode())
        return 0

    try:
        assert wait_for(fork(ask)) == 0
        return os.read(reading, 1_000).decode()
    finally:
        os.close(reading)
        os.close(writing)


@pytest.fixture
def switch(tmp_path: Path) -> Path:
    if merges() < 0:
        pytest.skip("this kernel merges nothing for a program")
    return tmp_path / "run"


def test_whoever_is_forked_is_asked_for_too(switch: Path) -> None:
    switch.write_text("1\n")
    assert in_a_child(switch) == 1
    assert answer_of(switch) == "None"


@pytest.mark.parametrize("content", ["0\n", "2\n", None])
def test_a_kernel_that_does_not_look_is_named(switch: Path, content: str | None) -> None:
    if content is not None:
        switch.write_text(content)
    assert str(switch) in answer_of(switch)
