"""What operators may look at: one frozen value, made where the tree is wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors import Inbox, System
from server.gateway.reactor import Reactor
from server.http_api.environment import Readiness
from server.metrics.counts import Counts

if TYPE_CHECKING:
    from server.cluster.node import ClusterNode


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorEnvironment:
    """See the top of this file.

    Parameters
    ----------
    heartbeat
        Seconds of silence until a ping, for whoever comes now.
    log_file_bytes
        The size of the database's write-ahead log.
    inboxes
        Those of tasks, by the task's name. There is a `reader` among them.
    dynamics
        The ids of the dynamic supervisors.
    cluster
        What makes this process one of several, if it is.
    """

    system: System
    counts: Counts
    reactor: Reactor
    heartbeat: Callable[[], float]
    log_file_bytes: Callable[[], int]
    inboxes: Mapping[str, Inbox]
    dynamics: tuple[str, ...]
    readiness: Readiness
    cluster: ClusterNode | None = None
