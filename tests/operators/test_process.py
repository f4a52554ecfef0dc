"""The process as the kernel sees it, against what else is known of it."""

from __future__ import annotations

import os
import resource
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.operators.process import read_process


@pytest.mark.parametrize("is_told", [True, False])
def test_files_are_counted_by_new_kernels_and_by_us(is_told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_told:  # Linux 6.1 and older: the size of a folder of /proc is always 0
        monkeypatch.setattr(os, "stat", lambda _: os.stat_result((0,) * 10))
    with ExitStack() as opened:
        before = read_process().open_files
        for _ in range(50):
            opened.enter_context(Path(os.devnull).open())
        assert read_process().open_files == before + 50


def test_time_and_memory_are_those_of_this_process() -> None:
    before = read_process()
    spent = time.process_time()
    held = bytearray(b"x") * (64 * 1024 * 1024)
    while time.process_time() < spent + 0.05:
        pass
    now = read_process()
    assert now.cpu_seconds > before.cpu_seconds
    assert now.resident_bytes - before.resident_bytes > len(held) // 2
    assert now.most_files == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
