"""Makes things go wrong at their time, and mends them: a thread for each, beside those who post.

What is in trouble is left alone by the others until it is mended, however long that takes. What a thread has started
may be made to end with it (`PR_SET_PDEATHSIG` looks at threads), so threads stay until all
is over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from tests.chaos.actions import Event, Trouble

Way = tuple[Callable[[], None], Callable[[], None]]


class Breakable(Protocol):
    """What there is to break."""

    def ways(self, trouble: Trouble, node: int | None) -> Sequence[Way]:
        """What breaks, and what mends it. Each call returns when it is done."""
        ...


class Troublemaker:
    """Runs a schedule.

    Parameters
    ----------
    say
        Is told what happens, when it does.

    Attributes
    ----------
    failures
        What could not be broken or mended: then the run proves nothing.
    """

    def __init__(self, stage: Breakable, events: Sequence[Event], say: Callable[[str], None]) -> None:
        self.failures: list[str] = []
        self._over = threading.Event()
        self._places = {place: threading.Lock() for place in map(_place, events)}
        self._mended = [threading.Event() for _ in events]
        self._stage = stage
        self._say = say
        self._begin = 0.0
        self._threads = [
            threading.Thread(target=self._run, args=(event, mended), name=event.trouble, daemon=True)
            for event, mended in zip(events, self._mended, strict=True)
        ]

    def start(self) -> float:
        """When it began, on the clock of `time.monotonic`."""
        self._begin = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self._begin

    def wait(self) -> None:
        """Until everything is mended."""
        for mended in self._mended:
            mended.wait()

    def close(self) -> None:
        """Nothing of what was started is needed any more."""
        self._over.set()

    def _run(self, event: Event, mended: threading.Event) -> None:
        time.sleep(max(0.0, self._begin + event.at - time.monotonic()))
        with self._places[_place(event)]:
            self._say(str(event))
            try:
                ways = self._stage.ways(event.trouble, event.node)
                for breaks, _ in ways:
                    breaks()
                time.sleep(event.lasts)
                for _, mends in ways:
                    mends()
            except Exception as error:
                self.failures.append(f"{event}: {error!r:.300}")
        mended.set()
        self._over.wait()


def _place(event: Event) -> tuple[int | None, bool]:
    """What is in trouble: a node; the engine or the database."""
    return event.node, event.trouble is Trouble.DATABASE_KILLED
