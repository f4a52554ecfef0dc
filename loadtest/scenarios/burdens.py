"""How much everybody had to do in a phase, and who of them bounded it. Pure; `machine.py` looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from loadtest.scenarios.messages import PhaseResult

SERVER_CPU, MACHINE_CPU, DISK_WAIT = "server_cpu", "machine_cpu", "disk_wait"
"""Of a phase's figures: shares of one core that the busiest of the server's processes used; of all cores that were
busy; of the time in which some process waited for the disk. Missing where nobody could see them."""

FULL: Final = 0.9  # of a core, or of all: as good as full on a machine where something else always runs
DISK_FULL: Final = 0.3
_LITTLE: Final = 0.5  # of a core


@dataclass(frozen=True, slots=True)
class Burden:
    """Shares, from 0; of one core, but `machine` of all of them. None where it is not known."""

    client: float
    server: float | None = None
    machine: float | None = None
    disk: float | None = None

    @staticmethod
    def of(phase: PhaseResult) -> Burden:
        return Burden(
            client=max(phase.clients_cpu, default=0.0),
            server=phase.figures.get(SERVER_CPU),
            machine=phase.figures.get(MACHINE_CPU),
            disk=phase.figures.get(DISK_WAIT),
        )

    @property
    def is_of_the_clients(self) -> bool:
        """Whether the busiest process of the harness was full, and the server's were not."""
        return self.client >= FULL and (self.server is None or self.server < FULL)


def bounded_by(burden: Burden) -> str:
    """Who was the bottleneck, in words."""
    shares = f"the busiest process of the harness used {burden.client:.0%} of a core"
    if burden.server is None:
        shares += ", of the server nothing could be seen"
    else:
        shares += f", that of the server {burden.server:.0%}"
    if burden.client >= FULL and burden.server is not None and burden.server >= FULL:
        return f"the server's CPU bounded it, and the harness' own was full as well: {shares}"
    if burden.is_of_the_clients:
        return f"the harness' own CPU bounded it: {shares}"
    if burden.server is not None and burden.server >= FULL:
        return f"the server's CPU bounded it: {shares}"
    if burden.machine is not None and burden.machine >= FULL:
        others = max(burden.client, burden.server or 0.0) < _LITTLE
        much = ", with many processes or with something else that ran here" if others else ""
        return f"the machine's CPU bounded it, all cores were {burden.machine:.0%} busy{much}: {shares}"
    if burden.disk is not None and burden.disk >= DISK_FULL:
        return f"the disk bounded it, it was waited for in {burden.disk:.0%} of the time: {shares}"
    return f"no CPU was full, so something waited: {shares}"
