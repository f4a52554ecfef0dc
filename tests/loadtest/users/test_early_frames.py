"""Messages that come in one piece with the answer to the upgrade are messages: a busy machine joins them to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("early_frames.py")


def test_messages_that_come_with_the_answer_to_the_upgrade_are_kept() -> None:
    ended = subprocess.run(
        [sys.executable, str(PROGRAM)], capture_output=True, text=True, timeout=90, env={"PYTHONPATH": str(ROOT)}
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [*map(str, range(33)), "end"]
