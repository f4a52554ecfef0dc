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
        *(Sample(phases[phase], (("link", phase),)) for phase in ("none", "opening", "up")),
        across="most",
    )
    yield counter("hubbub_nodes_dead", "Nodes that were taken for dead.", Sample(counts.dead))
    outstanding = sum(peer.outstanding for peer in peers)
    yield gauge("hubbub_links_outstanding_bytes", "Told to other nodes, and not acknowledged.", Sample(outstanding))
    yield gauge(
        "hubbub_links_questions",
        "Questions between this node and others that are not answered, by who is to answer.",
        Sample(sum(peer.questions for peer in peers), (("to", "others"),)),
        Sample(sum(peer.asked_here for peer in peers), (("to", "here"),)),
    )
    yield gauge(
        "hubbub_links_watches",
        "Actors that are watched over a link, by where they live.",
        Sample(sum(peer.watched for peer in peers), (("at", "others"),)),
        Sample(sum(peer.watchers for peer in peers), (("at", "here"),)),
    )
    losses = node.distribution.losses()
    yield counter(
        "hubbub_links_losses",
        "What came to nothing between nodes.",
        Sample(losses.resets, (("what", "session"),)),
        Sample(losses.not_understood, (("what", "not understood"),)),
        Sample(losses.undelivered, (("what", "undelivered"),)),
    )
    yield gauge("hubbub_shards", "Shards whose rooms live here.", Sample(len(node.ownership.owned)))
    lapses = Sample(node.ownership.term)
    yield counter("hubbub_lease_lapses", "How often this node could not renew its lease in time.", lapses)
