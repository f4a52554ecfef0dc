"""A worker's place: what the parent gives to the process that it forks.

The same values hold for every process that takes this place, but the node's name: that is new with each.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from server.corridors import Corridors
from server.parent.run_directory import RunDirectory
from server.settings import Settings
from server.turns import Door, Turns


class Role(Enum):
    """Whether rooms live here."""

    OWNER = "owner"
    """Rooms live here; with SQLite, there is one such worker, and it writes for all."""
    GATEWAY = "gateway"
    """Connections and sessions only: it passes on what concerns a room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlace:
    """See the top of this file.

    Parameters
    ----------
    index
        From 0; what operators call this worker.
    workers
        How many there are.
    node
        The name of this process among all nodes of the cluster.
    settings
        As the parent last read them.
    reread
        The settings as they are in file, environment and command line now. Raises `WrongSetting`.
    listener
        This worker's own, of as many as there are workers on the one port. To be closed here when it leaves.
    turns
        At the doors of all workers.
    corridors
        Into all workers, of which one is its own.
    admin
        Where operators are answered, if anywhere: one socket that all workers have.
    run
        Where sockets between the workers of this parent lie.
    engine
        The URL of the engine.
    ready_pipe
        Where `ready` tells the parent.
    """

    index: int
    workers: int
    role: Role
    node: str
    settings: Settings
    reread: Callable[[], Settings]
    listener: socket.socket
    turns: Turns
    corridors: Corridors
    admin: socket.socket | None
    run: RunDirectory
    engine: str
    ready_pipe: int

    def door(self) -> Door:
        """This worker's."""
        return Door(self.turns, self.index, self.listener)

    def ready(self) -> None:
        """Tell the parent that this worker serves. Once."""
        os.write(self.ready_pipe, READY)
        os.close(self.ready_pipe)


READY = b"."


def role_of(index: int, *, owners: int) -> Role:
    """Rooms live on the first `owners` workers."""
    return Role.OWNER if index < owners else Role.GATEWAY
