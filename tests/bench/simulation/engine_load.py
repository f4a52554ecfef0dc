"""What all nodes together say through the engine in a second: deliveries, heads, acknowledgements, beats. Pure.

The rules, from the code:
- A node beats once a second, less often where there are many: it publishes to itself, raises its number, and reads
  those of all (`server/cluster/era.py`, `membership.py`).
- A node tells every other one once a second how far the logs reach, if a room of its own that the other has a relay of
  had an entry in the last ten seconds (`server/relays/heads.py`).
- A link acknowledges with the next packet the other way, or alone after a while (`actors/distribution/link.py`).

Taken to be so: all pairs of nodes are alike, and packets come at random (Poisson), each alone. Where a node says more
to another within one turn of its scheduler it is one packet; so on busy links these are upper bounds.
"""

from __future__ import annotations

from math import exp
from typing import Final

from msgspec import Struct

from actors.distribution.link import LinkLimits
from server.cluster.era import Timing
from server.cluster.membership import slowness
from server.relays.heads import EVERY_SECONDS
from tests.bench.simulation.relaying import HEADS_TOLD, Counted

_COMMANDS_A_BEAT: Final = 3
_ACKNOWLEDGES_WITHIN: Final = LinkLimits().acknowledge


class EngineLoad(Struct, frozen=True, kw_only=True):
    """Commands a second, all nodes together.

    Attributes
    ----------
    posts
        Packets of posts, answers and entries.
    heads, acknowledgements
        Packets.
    beats
        Commands for them; `entries` are the numbers that are read by these.
    """

    nodes: int
    posts: float
    heads: float
    acknowledgements: float
    beats: float
    entries: float

    @property
    def packets(self) -> float:
        return self.posts + self.heads + self.acknowledgements

    @property
    def commands(self) -> float:
        return self.packets + self.beats


def engine_load(nodes: int, posts_a_second: float, post: Counted) -> EngineLoad:
    """Of so many posts of all nodes together, of which the average makes `post`."""
    pairs = nodes * (nodes - 1)
    entries = posts_a_second * post.delivered / pairs if pairs else 0.0
    packets = posts_a_second * post.packets / pairs if pairs else 0.0
    heads, beats = heads_a_second(entries), nodes * beats_a_second(nodes)
    return EngineLoad(
        nodes=nodes,
        posts=packets * pairs,
        heads=heads * pairs,
        acknowledgements=acknowledgements_a_second(packets + heads) * pairs,
        beats=beats * _COMMANDS_A_BEAT,
        entries=beats * nodes,
    )


def beats_a_second(nodes: int) -> float:
    """Of one of so many nodes."""
    return 1 / (Timing().beat * slowness(nodes))


def dead_after(nodes: int) -> float:
    """Seconds of silence after which one of so many nodes is dead to the others, if nobody has told it anything."""
    return Timing().dead * slowness(nodes)


def heads_a_second(entries: float) -> float:
    """From one node to another, if so many entries a second go there: there is one unless the last seconds had none."""
    return (1 - exp(-entries * HEADS_TOLD * EVERY_SECONDS)) / EVERY_SECONDS


def acknowledgements_a_second(packets: float) -> float:
    """That travel alone, from one node to another, if so many packets a second go each way.

    After the first packet that is not acknowledged either a packet goes back soon enough, or an acknowledgement does;
    then it begins anew.
    """
    if not packets:
        return 0.0
    nothing_goes_back = exp(-packets * _ACKNOWLEDGES_WITHIN)
    return packets * nothing_goes_back / (2 - nothing_goes_back)
