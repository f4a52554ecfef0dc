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


class Breakable(Protocol):
    """What there is to break. Each call returns when it is done."""

    def kill_node(self, node: int) -> None: ...
    def start_node(self, node: int) -> None: ...
    def leave_node(self, node: int) -> None: ...
    def stop_node(self, node: int) -> None: ...
    def wake_node(self, node: int) -> None: ...
    def kill_engine(self) -> None: ...
    def start_engine(self) -> None: ...
    def kill_database(self) -> None: ...
    def start_database(self) -> None: ...
    def cut_from_engine(self, node: int) -> None: ...
    def join_to_engine(self, node: int) -> None: ...
    def cut_from_database(self, node: int) -> None: ...
    def join_to_database(self, node: int) -> None: ...


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
                self._break(event)
                time.sleep(event.lasts)
                self._mend(event)
            except Exception as error:
                self.failures.append(f"{event}: {error!r:.300}")
        mended.set()
        self._over.wait()

    def _break(self, event: Event) -> None:
        stage, node = self._stage, event.node
        match event.trouble:
            case Trouble.ENGINE_KILLED:
                stage.kill_engine()
            case Trouble.DATABASE_KILLED:
                stage.kill_database()
            case Trouble.NODE_KILLED:
                stage.kill_node(_of(node))
            case Trouble.NODE_RESTARTED:
                stage.leave_node(_of(node))
            case Trouble.NODE_STOPPED:
                stage.stop_node(_of(node))
            case Trouble.CUT_FROM_ENGINE:
                stage.cut_from_engine(_of(node))
            case Trouble.CUT_FROM_DATABASE:
                stage.cut_from_database(_of(node))
            case Trouble.CUT_FROM_BOTH:
                stage.cut_from_engine(_of(node))
                stage.cut_from_database(_of(node))

    def _mend(self, event: Event) -> None:
        stage, node = self._stage, event.node
        match event.trouble:
            case Trouble.ENGINE_KILLED:
                stage.start_engine()
            case Trouble.DATABASE_KILLED:
                stage.start_database()
            case Trouble.NODE_KILLED | Trouble.NODE_RESTARTED:
                stage.start_node(_of(node))
            case Trouble.NODE_STOPPED:
                stage.wake_node(_of(node))
            case Trouble.CUT_FROM_ENGINE:
                stage.join_to_engine(_of(node))
            case Trouble.CUT_FROM_DATABASE:
                stage.join_to_database(_of(node))
            case Trouble.CUT_FROM_BOTH:
                stage.join_to_engine(_of(node))
                stage.join_to_database(_of(node))


def _place(event: Event) -> tuple[int | None, bool]:
    """What is in trouble: a node; the engine or the database."""
    return event.node, event.trouble is Trouble.DATABASE_KILLED


def _of(node: int | None) -> int:
    assert node is not None, "this happens to a node"
    return node
