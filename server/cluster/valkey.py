"""The engine as what carries bytes between nodes: a channel for each node, and the beats of all.

A node has two connections: one on which it hears (its own channel, and one that is everybody's), one on which it says
everything. They live and end together (`era.py`): whatever was on its way on either is lost then, so all nodes are down
to this one until both are there again, and every link between nodes begins anew. Nothing is ever said twice.

After a loss it is tried again at once, and then every `RETRY_SECONDS`: others wait for it, and there are few of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import trio

from actors import TaskContext
from server.cluster.engine_url import EngineUrl
from server.cluster.era import Channels, EngineCounts, Era, Hears, Timing
from server.cluster.trouble import EngineTrouble

RETRY_SECONDS: Final = 0.5

log = logging.getLogger(__name__)


class EngineLink:
    """This node's way to all others.

    Parameters
    ----------
    url
        Where the engine is.
    cluster
        The name of the cluster: several may share an engine.
    node
        This node's name; no other node ever had it.

    Attributes
    ----------
    trouble
        Why it is not up, in one line; empty before the first try, and while it is up.
    counts
        What was said and heard.
    """

    __slots__ = ("_changed", "_channels", "_era", "_hears", "_timing", "_url", "counts", "trouble")

    def __init__(self, url: EngineUrl, cluster: str, node: str, timing: Timing) -> None:
        self._url = url
        self._channels = Channels(cluster, node)
        self._timing = timing
        self._hears: Hears
        self._changed: Callable[[bool], None]
        self._era: Era | None = None
        self.counts = EngineCounts()
        self.trouble = ""

    @property
    def up(self) -> bool:
        """Whether others can be heard and told."""
        return self._era is not None

    @property
    def live(self) -> frozenset[str]:
        """The other nodes that live, as far as this one sees."""
        return frozenset() if self._era is None else self._era.live

    def open(self, hears: Hears, changed: Callable[[bool], None]) -> None:
        """Before it runs.

        Parameters
        ----------
        hears
            Who is told what comes, and who is there.
        changed
            Called with whether it is up, when that has changed.
        """
        self._hears = hears
        self._changed = changed

    def send(self, node: str, data: bytes) -> bool:
        """Say this to a node; never waits. False: it cannot be said now. What is empty is heard by nobody there."""
        return self._era is not None and self._era.send(node, data)

    async def run(self, context: TaskContext) -> None:
        """Keep up the connections until cancelled; then say good-bye. Ready when they are up, or could not be made."""
        while True:
            tried = trio.current_time()
            await self._one_era(context)
            context.started()
            await trio.sleep(max(0.0, tried + RETRY_SECONDS - trio.current_time()))

    async def _one_era(self, context: TaskContext) -> None:
        """Until it is lost. Its trouble is said once, not at every try. Who is stopped tells nobody of it."""
        era = Era(self._url, self._channels, self._hears, self._timing, self.counts)
        try:
            await era.live_on(lambda: self._began(context, era))
        except EngineTrouble as trouble:
            self.counts.losses += self.up
            if str(trouble) != self.trouble:
                self.trouble = str(trouble)
                log.error("the other nodes cannot be reached: %s", trouble)
        except Exception:
            self._ended(era)
            raise
        self._ended(era)

    def _ended(self, era: Era) -> None:
        was_up, self._era = self.up, None
        era.ended()
        if was_up:
            self._changed(False)

    def _began(self, context: TaskContext, era: Era) -> None:
        self._era = era
        self.trouble = ""
        self._changed(True)
        context.started()
        log.info("linked to the engine %s", self._url)
