"""Every part crashes, one at a time, while people post: the process lives, and nobody misses or doubles a line."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.harness.crashing_server import KINDS, PAUSE, ROUNDS
from tests.harness.posters import gather, judge, stored_facts, wait_for
from tests.harness.server import ServerProcess

ENOUGH = 20
"""Posts of each; a busy machine takes longer for them than the crashes do."""


@pytest.mark.slow
def test_whatever_crashes_nothing_acknowledged_is_lost_doubled_or_reordered(data: Path) -> None:
    with ServerProcess(data, program=["-m", "tests.harness.crashing_server"]) as server:
        posters = gather(server, count=10)
        for poster in posters:
            poster.start()
        server.process.send_signal(signal.SIGUSR1)
        time.sleep(1 + len(KINDS) * ROUNDS * PAUSE)
        end = time.monotonic() + 60
        while min(poster.acknowledged for poster in posters) <= ENOUGH and time.monotonic() < end:
            time.sleep(0.05)
        for poster in posters:
            poster.finish()
        assert wait_for(posters, 60) == []
        assert server.process.poll() is None, "the process lives"
        crashes = Counter(re.findall(r"crashed: Sabotage\('(\w+)'\)", server.log.read_text()))
        assert server.stop() == 0
    assert all(poster.acknowledged > ENOUGH for poster in posters)
    assert [str(finding) for finding in judge(posters, stored_facts(data / "hubbub.sqlite3"))] == []
    assert {kind for kind in KINDS if crashes[kind] == 0} == set(), "every kind of crash happened"
