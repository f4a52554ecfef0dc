"""Waiting for what has to come, with a limit."""

from __future__ import annotations

from collections.abc import Callable

import trio

SECONDS = 10.0


async def until(condition: Callable[[], object], what: str) -> None:
    """Until `condition` holds; that it never does is an error in the words of `what`."""
    with trio.move_on_after(SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody tells a test
            await trio.sleep(0.005)
        return
    raise AssertionError(f"in vain: {what}")
