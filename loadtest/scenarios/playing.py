"""What one process does of a scenario: it obeys orders, with its own part of the people, and tells its progress.

Whoever holds a player runs its crowd: `crowd.step` again and again, and after each of them a look at `has_news`. It
does not matter in whose loop: of a plain program, or of gevent. All that a player does happens in `obey`, or inside of
a step.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from clients.endpoint import Endpoint
from loadtest.crowd.crowd import Crowd
from loadtest.crowd.doors import sources_of
from loadtest.crowd.shifts import Shifts
from loadtest.ledger import Ledger
from loadtest.people import People
from loadtest.scenarios import machine
from loadtest.scenarios.doings import Coming, Company, Played, ignorers, played
from loadtest.scenarios.messages import Options, Order, Progress, Reach, Settle, Testify
from loadtest.scenarios.readings import Readings
from loadtest.scenarios.table import SCENARIOS
from loadtest.scenarios.talking import Rooms, Talk


class Player:
    """Plays these of the people.

    Parameters
    ----------
    mine
        Their numbers: best `range(player, options.connections, players)`.
    player
        The number of this process, from 0.
    shifts
        When its people come, where nobody said how many are to come a second; None: at any time.

    Attributes
    ----------
    crowd
        To be run by whoever holds this.
    """

    def __init__(
        self,
        crowd: Crowd,
        readings: Readings,
        people: People,
        endpoints: Sequence[Endpoint],
        mine: Sequence[int],
        options: Options,
        player: int,
        shifts: Shifts | None = None,
    ) -> None:
        self.crowd = crowd
        self._readings = readings
        self._company = Company(crowd, people, mine, Rooms(people, mine), readings, options, shifts)
        self._endpoints = endpoints
        self._player = player
        self._order = 0
        self._doing: Played | None = None
        self._settles = self._testifies = False
        self._is_done = False
        self._told_done = False
        self._talk: Talk | None = None
        self._delivered = self._gaps = 0
        self._busy: Collection[str] = ()
        self._servers: list[int] | None = None
        self._look: machine.Look | None = None

    @classmethod
    def of(
        cls,
        people: People,
        endpoints: Sequence[Endpoint],
        mine: Sequence[int],
        options: Options,
        player: int,
        shifts: Shifts | None = None,
    ) -> Player:
        """A player with a crowd of its own. Nobody connects before the first order."""
        readings = Readings()
        crowd = Crowd(
            people, mine, endpoints, readings, Ledger(), sources=sources_of(player), at_once=options.at_once,
            receive_buffer=SCENARIOS[options.scenario].receive_buffer, hurry=True,
        )  # fmt: skip
        return cls(crowd, readings, people, endpoints, mine, options, player, shifts)

    # --- orders --------------------------------------------------------------------------------------------------

    def obey(self, order: Order) -> None:
        """Do this from now on, in place of what was done before."""
        if self._doing is not None:
            self._doing.end()
        if self._talk is not None:
            self._talk.stop()
        self._count()
        self._readings.begin(order.number)
        self._order = order.number
        self._is_done = self._told_done = False
        if isinstance(order.doing, Reach):
            self._busy = order.doing.heads.keys()
        self._settles, self._testifies = isinstance(order.doing, Settle), isinstance(order.doing, Testify)
        self._look = machine.look(self._server_processes())
        label = str(order.number)
        self._talk = self._begin_talk(order, label) if order.talk else None
        self._doing = played(self._company, order.doing, label)

    def keep_to(self, shifts: Shifts | None, order: int) -> None:
        """Its people come in these shifts from now on, where they come in shifts at all and this is the order."""
        if isinstance(self._doing, Coming) and self._order == order:
            self._doing.keep_to(shifts)

    def _begin_talk(self, order: Order, label: str) -> Talk:
        company = self._company
        silent = set(ignorers(company, order.doing))
        talkers = [number for number in company.mine if number not in silent] if silent else company.mine
        rate = company.part(order.talk)
        return Talk(
            company.crowd, company.people, company.rooms, talkers, company.options.seed + order.number, rate, label,
            lambda: self._readings.now.late,
        )  # fmt: skip

    def _server_processes(self) -> list[int]:
        """Looked for once, by one process of the harness: to look through all of a machine takes a while."""
        if self._servers is None:
            local = [endpoint for endpoint in self._endpoints if endpoint.host in ("localhost", "127.0.0.1")]
            self._servers = machine.listening_processes(local) if self._player == 0 else []
        return self._servers

    # --- progress ------------------------------------------------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Whether the present order was obeyed to its end, and nobody was told. To be looked at after each step."""
        if self._doing is not None and not self._is_done and self._doing.done():
            self._is_done = True
            self._readings.now.figures.update(self._doing.figures())
            if self._look is not None:
                self._readings.now.figures.update(machine.between(self._look, machine.look(self._server_processes())))
        return self._is_done and not self._told_done

    def progress(self) -> Progress:
        """How it is, and what was measured since the last time this was asked."""
        done = self.has_news or self._is_done
        ledger = self.crowd.ledger
        first_time = done and not self._told_done
        self._told_done = done
        self._count()
        return Progress(
            player=self._player,
            order=self._order,
            done=done,
            wanted=self.crowd.wanted,
            connected=self.crowd.connected,
            ready=self.crowd.ready,
            measured=self._readings.take(),
            heads=ledger.busy() if first_time and self._settles else {},
            ledger=self._testimony() if first_time and self._testifies else b"",
        )

    def _testimony(self) -> bytes:
        """Of all rooms in which anybody posted or saw anything, here or in another process: in the others there is
        nothing to be judged, and of a million people's small rooms they are nearly all."""
        ledger = self.crowd.ledger
        return ledger.export(self.crowd.readers({*self._busy, *ledger.busy()}))

    def _count(self) -> None:
        """What the crowd and its ledger count by themselves is the present order's."""
        counts = self._readings.now.counts
        counts["delivered"] += self.crowd.delivered - self._delivered
        counts["gaps"] += self.crowd.ledger.gaps - self._gaps
        self._delivered, self._gaps = self.crowd.delivered, self.crowd.ledger.gaps
