"""A process, looked at from outside."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from loadtest.prove.processes import Program, table
from loadtest.prove.sampling import Sampler, Usage, pause_after, total, usage

MEGABYTE = 1_000_000


def test_what_a_process_holds_is_seen(tmp_path: Path) -> None:
    code = (
        "import time; files = [open('/dev/null') for _ in range(50)]; kept = bytearray(b'x') * 30_000_000\n"
        "print('holds', flush=True); time.sleep(60)"
    )
    holding = Program("holder", [sys.executable, "-c", code], tmp_path / "log", environment=os.environ, reads=True)
    try:
        holding.first_line(10)
        seen = usage(holding.pid)
        assert seen is not None
        assert 30 * MEGABYTE < seen.unique <= seen.proportional < 80 * MEGABYTE
        assert 50 <= seen.files < 70
        sample = Sampler({"holder": holding.family}).look(each=True)
        assert sample.groups["holder"].processes == 1
        assert sample.each is not None
        assert sample.each["holder"][0].files == seen.files
        assert sample.slab > MEGABYTE
        assert sample.busy > 0
    finally:
        holding.stop(5)


def test_a_process_that_has_ended_is_left_out(tmp_path: Path) -> None:
    code = "import time; time.sleep(60)"  # until it is told to end: one that ends by itself may be gone from the table
    ended = Program("short", [sys.executable, "-c", code], tmp_path / "log", environment=os.environ)
    _, process = table()[ended.pid]
    ended.stop(10)
    assert usage(ended.pid) is None
    assert Sampler({"short": lambda _: [process]}).look().groups["short"] == Usage()


def test_looking_takes_a_fiftieth_of_the_time_at_the_most() -> None:
    assert pause_after(0.001) == 1.0
    assert pause_after(0.1) == 5.0


def test_it_looks_when_it_is_due_and_not_before() -> None:
    now, spent = [0.0], [0.0]

    def cpu() -> float:
        spent[0] += 0.05  # each look begins and ends with this
        return spent[0]

    sampler = Sampler({}, clock=lambda: now[0], cpu=cpu)
    for moment in (0.0, 0.5, 2.4, 2.6, 5.2):
        now[0] = moment
        sampler.look_if_due()
    assert [sample.at for sample in sampler.samples] == [0.0, 2.6, 5.2]


def test_several_are_summed() -> None:
    one = Usage(processes=1, unique=3, proportional=5, cpu=0.5, files=7)
    assert total([one, one]) == Usage(processes=2, unique=6, proportional=10, cpu=1.0, files=14)
