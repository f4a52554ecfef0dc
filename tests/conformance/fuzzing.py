"""Runs cases of the Autobahn suite against an echoing gateway, by kosoku in a process of its own.

Of its own, because kosoku's client lives in asyncio, and because the client should not share the server's core.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import trio

from tests.conformance.verdicts import Verdict

_CLIENT = Path(__file__).parent / "kosoku_client.py"
_MOST_AT_ONCE = 4


async def run_cases(port: int, patterns: list[str], seconds: float) -> list[Verdict]:
    """The verdicts of all cases that match one of `patterns` (`6.*`), in the suite's order.

    Raises
    ------
    trio.TooSlowError
        They took more than `seconds`.
    """
    command = [sys.executable, str(_CLIENT), f"ws://127.0.0.1:{port}/v1/ws", str(_MOST_AT_ONCE), *patterns]
    with trio.fail_after(seconds):
        finished = await trio.run_process(command, capture_stdout=True)
    return msgspec.json.decode(finished.stdout, type=list[Verdict])
