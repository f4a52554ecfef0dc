"""Workers of one machine over SQLite, with a Valkey of their own, to be broken. One of them owns all rooms.

What is killed is started again by the parent, as in earnest; to mend it is to wait until that has been done.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from clients.facts import Stored
from tests.bench.seed import Person, seed
from tests.chaos.actions import Trouble
from tests.chaos.stage import PATIENCE, START_SECONDS
from tests.chaos.trouble import Way
from tests.harness.posters import stored_facts
from tests.harness.server import ServerProcess

ROLLED = ("every worker runs the new program", "the new program does not work")
"""One way or the other it is over: a successor that is killed before it is ready ends a roll, and no harm is done."""


class Workers:
    """The server runs from `begin` to the end of the block.

    Parameters
    ----------
    folder
        For the data directory and the log.
    count
        How many workers.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._server = ServerProcess(folder / "data", options=("--workers", str(count)))
        self._stopped: dict[int, int] = {}
        self._killed: dict[int, int] = {}
        self._engine = 0
        self._rolls = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in tuple(self._stopped):
            self._wake_node(worker)
        self._server.kill()

    def seed(self, sizes: list[int]) -> list[list[Person]]:
        """People in rooms of these sizes, before there is a server."""
        return seed(self._server.data, sizes).rooms

    def begin(self) -> None:
        self._server.start(START_SECONDS)

    @property
    def urls(self) -> list[str]:
        return [self._server.url]

    def stored(self) -> Iterator[Stored]:
        """Every entry of every log."""
        return iter(stored_facts(self._server.data / "hubbub.sqlite3"))

    # --- what can be broken --------------------------------------------------------------------------------------

    def ways(self, trouble: Trouble, node: int | None) -> list[Way]:
        """What breaks, and what mends it."""
        match trouble:
            case Trouble.ENGINE_KILLED:
                return [(self._kill_engine, self._await_engine)]
            case Trouble.ROLLED:
                return [(self._roll, self._await_rolled)]
        assert node is not None, "this happens to a worker"
        match trouble:
            case Trouble.NODE_KILLED:
                return [(partial(self._end, node, signal.SIGKILL), partial(self._await_node, node))]
            case Trouble.NODE_RESTARTED:
                return [(partial(self._end, node, signal.SIGTERM), partial(self._await_node, node))]
            case Trouble.NODE_STOPPED:
                return [(partial(self._stop_node, node), partial(self._wake_node, node))]
        raise AssertionError(f"workers over SQLite know no such trouble: {trouble}")

    def _await_node(self, node: int) -> None:
        _until(lambda: self._worker(node) != self._killed[node], f"there is another worker {node}")

    def _stop_node(self, node: int) -> None:
        self._stopped[node] = self._worker(node)
        os.kill(self._stopped[node], signal.SIGSTOP)

    def _wake_node(self, node: int) -> None:
        """Unless it was killed, because it did not do what it was told."""
        with suppress(ProcessLookupError):
            os.kill(self._stopped.pop(node), signal.SIGCONT)

    def _kill_engine(self) -> None:
        self._engine = self._engine_there() or 0
        os.kill(self._engine, signal.SIGKILL)

    def _await_engine(self) -> None:
        _until(lambda: self._engine_there() not in (None, self._engine), "there is another engine")

    def _roll(self) -> None:
        """One worker after the other makes way for the program as it is now."""
        self._rolls = self._said(*ROLLED)
        self._server.process.send_signal(signal.SIGUSR2)

    def _await_rolled(self) -> None:
        _until(lambda: self._said(*ROLLED) > self._rolls, "the workers are rolled")

    def _end(self, node: int, how: signal.Signals) -> None:
        self._killed[node] = self._worker(node)
        with suppress(ProcessLookupError):  # it is being replaced just now
            os.kill(self._killed[node], how)

    def _worker(self, node: int) -> int:
        """Its process, as it is now."""
        served = re.findall(rf"a worker serves .*worker={node} worker_pid=(\d+)", self._server.log.read_text())
        return int(served[-1])

    def _engine_there(self) -> int | None:
        """The process of the Valkey that the parent has started."""
        parent = self._server.process.pid
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with suppress(OSError):
                if "valkey" in Path(f"/proc/{child}/comm").read_text():
                    return int(child)
        return None

    def _said(self, *phrases: str) -> int:
        """How often the log says one of these."""
        log = self._server.log.read_text()
        return sum(map(log.count, phrases))


def _until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)
