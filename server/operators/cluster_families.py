"""What a node of several measures beside what any process does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from server.metrics.exposition import Family, Sample, counter, gauge

if TYPE_CHECKING:  # it loads the client of the engine, which a single process does not need
    from server.cluster.node import ClusterNode


def cluster_families(node: ClusterNode) -> Iterator[Family]:
    """As they are now."""
    link, counts = node.link, node.link.counts
    peers = node.distribution.statistics()
    phases = Counter(peer.phase for peer in peers)
    yield gauge("hubbub_engine_up", "Whether other nodes can be heard and told.", Sample(float(link.up)))
    yield counter("hubbub_engine_losses", "How often the engine was lost.", Sample(counts.losses))
    yield counter(
        "hubbub_node_packets",
        "Packets by direction; one holds all that was told since the last.",
        Sample(counts.said, (("direction", "said"),)),
        Sample(counts.heard, (("direction", "heard"),)),
    )
    yield counter(
        "hubbub_node_bytes",
        "Their bytes.",
        Sample(counts.said_bytes, (("direction", "said"),)),
        Sample(counts.heard_bytes, (("direction", "heard"),)),
    )
    yield gauge(
        "hubbub_nodes",
        "Other nodes by what the link with them is.",
        *(Sample(phases[phase], (("link", phase),)) for phase in ("opening", "up")),
        across="most",
    )
    outstanding = sum(peer.outstanding for peer in peers)
    yield gauge("hubbub_links_outstanding_bytes", "Told to other nodes, and not acknowledged.", Sample(outstanding))
    yield gauge("hubbub_shards", "Shards whose rooms live here.", Sample(len(node.ownership.owned)))
    lapses = Sample(node.ownership.term)
    yield counter("hubbub_lease_lapses", "How often this node could not renew its lease in time.", lapses)
