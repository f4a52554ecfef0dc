"""All chatting people of a run: who comes next, what they saw, and whether every promise was kept.

In a worker it numbers the people of that process and sends what they saw to the master when they have gone; the master,
or the only process, holds it against the logs. A run that is interrupted is judged, too: the end of the master is held
up until every worker has told, within a stated time.
"""

from __future__ import annotations

import logging
from itertools import count
from typing import Final

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.exception import StopTest
from locust.rpc import Message
from locust.runners import MasterRunner, Runner, WorkerRunner

from loadtest.people import People
from loadtest.scenarios.messages import Verdict
from loadtest.scenarios.verdict import judge
from loadtest.testimony import Testimony, Witnesses
from loadtest.users.flags import endpoints_of, people_of

TELL_WITHIN: Final = 30.0  # seconds until the last worker has told what it saw
JUDGE_WITHIN: Final = 120.0  # seconds for reading the logs

_LEAVE: Final = "hubbub_leave"
_LEDGER: Final = "hubbub_ledger"
_log = logging.getLogger("hubbub")


class Gathering:
    """Those of this process.

    Attributes
    ----------
    people
        Whom the manifest knows.
    witnesses
        Where all users of this process write what they see.
    """

    def __init__(self, environment: Environment, runner: Runner) -> None:
        assert environment.parsed_options is not None
        self.people: People = people_of(environment.parsed_options, 0)
        self.witnesses = Witnesses()
        self._environment = environment
        self._runner = runner
        self._freed: list[int] = []
        self._numbers = count()
        self._testimonies: list[Testimony] = []
        self._ledgers: dict[str, bytes] = {}
        self._all_told = Event()
        events = environment.events
        events.test_start.add_listener(self._start)
        events.test_stop.add_listener(self._stop)
        if isinstance(runner, WorkerRunner):
            runner.register_message(_LEAVE, lambda **_: gevent.spawn(runner.stop))
            events.quitting.add_listener(lambda **_: runner.stop())
        if isinstance(runner, MasterRunner):
            runner.register_message(_LEDGER, self._told)
            events.test_stopping.add_listener(self._wait_for_all)

    # --- who comes -------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        """Of somebody who is not here yet. Workers take turns: 0, 3, 6 … of three.

        Raises
        ------
        StopTest
            All are here.
        """
        number = self._freed.pop() if self._freed else self._index + next(self._numbers) * self._workers
        if number >= self.people.count:
            raise StopTest(f"there are {self.people.count} people, and this would be one more")
        return number

    def left(self, number: int, testimony: Testimony | None) -> None:
        """Somebody has gone, and somebody else may be them from now on, with a new memory."""
        self._freed.append(number)
        if testimony is not None:
            self._testimonies.append(testimony)

    @property
    def _index(self) -> int:
        return self._runner.worker_index if isinstance(self._runner, WorkerRunner) else 0

    @property
    def _workers(self) -> int:
        parsed = self._environment.parsed_options
        assert parsed is not None
        return max(parsed.expect_workers, self._index + 1) if isinstance(self._runner, WorkerRunner) else 1

    # --- beginning and end -----------------------------------------------------------------------------------

    def _start(self, **_: object) -> None:
        self.witnesses = Witnesses()
        self._numbers = count()
        self._freed.clear()
        self._testimonies.clear()
        self._ledgers.clear()
        self._all_told.clear()

    def _stop(self, **_: object) -> None:
        """All users of this process have gone."""
        if isinstance(self._runner, MasterRunner):
            return
        readers = [reader for testimony in self._testimonies for reader in testimony.readers()]
        ledger = self.witnesses.ledger.export(readers)
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(_LEDGER, {"ledger": ledger})
        else:
            self._judge([ledger])

    def _wait_for_all(self, **_: object) -> None:
        """Let all workers stop, and wait for what they tell: locust's own end would not."""
        assert isinstance(self._runner, MasterRunner)
        members = [client.id for client in self._runner.clients.all]
        for member in members:
            self._runner.send_message(_LEAVE, client_id=member)
        with gevent.Timeout(TELL_WITHIN, False):
            while not self._ledgers.keys() >= set(members):
                self._all_told.clear()
                self._all_told.wait()
        self._judge([self._ledgers.get(member, b"") for member in members])

    def _told(self, msg: Message, **_: object) -> None:
        self._ledgers[msg.node_id] = msg.data["ledger"]
        self._all_told.set()

    def _judge(self, ledgers: list[bytes]) -> None:
        verdict = judge(self.people, endpoints_of(self._environment.host), ledgers, JUDGE_WITHIN)
        good = not verdict.findings and not verdict.unchecked
        if not good:
            self._environment.process_exit_code = 1
        for line in _in_words(verdict):
            _log.log(logging.INFO if good else logging.ERROR, line)


def _in_words(verdict: Verdict) -> list[str]:
    return [
        f"checked: {verdict.posts} posts, {verdict.readers} readers, {verdict.entries_read} entries of "
        f"{verdict.rooms_read} rooms: {verdict.broken} broken promises",
        *(f"  unchecked: {line}" for line in verdict.unchecked),
        *(f"  broken: {found.kind} in {found.room}: {found.words}" for found in verdict.findings[:10]),
    ]
