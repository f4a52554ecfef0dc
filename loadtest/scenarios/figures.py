"""What each figure of a scenario means, and its unit. A figure that is not here is not in any result.

One table for reports, terminals and docs. Every latency is a client's: it contains the client's own delay, which
`late_p99` shows and `clients_cpu` bounds.
"""

from __future__ import annotations

from typing import Final

SECONDS, A_SECOND, COUNT, SHARE = "s", "/s", "", "of a core"

MEANING: Final[dict[str, tuple[str, str]]] = {
    "connect_seconds": (SECONDS, "from the first connection begun until the last person was welcome"),
    "connects_per_second": (A_SECOND, "connections that became welcome, on the average of that time"),
    "connect_p99": (SECONDS, "from the first packet of a connection to its welcome, 99 of 100"),
    "posts_per_second": (A_SECOND, "posts that were acknowledged: stored on disk"),
    "deliveries_per_second": (A_SECOND, "messages that reached somebody"),
    "ack_p50": (SECONDS, "from a post to its acknowledgement, the median"),
    "ack_p99": (SECONDS, "from a post to its acknowledgement, 99 of 100"),
    "seen_p50": (SECONDS, "from a post to each person who sees it, the median"),
    "seen_p99": (SECONDS, "from a post to each person who sees it, 99 of 100"),
    "seen_p99_before": (SECONDS, "the same before anything went wrong or slow"),
    "late_p99": (SECONDS, "how much later than planned people acted, because the harness had no time for them"),
    "broadcast_to": (COUNT, "people whom a broadcast had to reach"),
    "broadcast_median": (SECONDS, "from a broadcast's sending to its last receipt: the median of all broadcasts"),
    "broadcast_worst": (SECONDS, "the same, the worst of all broadcasts"),
    "cut_off": (COUNT, "connections that were cut off at once"),
    "recovery_seconds": (SECONDS, "from the cut until the last one was welcome and had all it had missed"),
    "recovery_p99": (
        SECONDS,
        "of one who was cut off: from its new connection's first packet to its welcome, 99 of 100",
    ),
    "posted_meanwhile": (COUNT, "posts that were acknowledged in that time"),
    "meanwhile_ack_p99": (SECONDS, "of these, from the post to its acknowledgement, 99 of 100"),
    "lost_by_kill": (COUNT, "connections that ended when a process of the server was killed, and were made again"),
    "kill_recovery_seconds": (SECONDS, "from the kill until the last of them was welcome and had all it had missed"),
    "kill_ack_p99": (SECONDS, "of posts that others made in that time: until the acknowledgement, 99 of 100"),
    "returns_per_second": (A_SECOND, "people who came again after they had left"),
    "slow_readers": (COUNT, "people who did not read, or only sipped"),
    "closed_for_slowness": (COUNT, "connections that the server ended for it (4002)"),
    "highest_rate": (A_SECOND, "the highest rate of posts that kept to the limit, with nothing lost"),
    "highest_rate_deliveries": (A_SECOND, "deliveries at that rate"),
    "highest_rate_seen_p99": (SECONDS, "from post to seen at that rate, 99 of 100"),
    "first_failing_rate": (A_SECOND, "the lowest rate of posts that did not"),
    "last_receipt": (SECONDS, "of a phase: from a broadcast's sending to its last receipt"),
    "recovery": (
        SECONDS,
        "of a phase: from the cut, or the kill, until the last one was welcome and had all it had missed",
    ),
    "server_cpu": (SHARE, "of a phase: what the busiest process used that listens on the server's port"),
    "machine_cpu": ("of all cores", "of a phase: how busy the machine was, whoever it was busy for"),
    "disk_wait": ("of the time", "of a phase: in which some process of the machine waited for a disk"),
    "clients_bottleneck_rate": (
        A_SECOND,
        "the highest rate at which the harness itself, and not the server, was busiest",
    ),
}


def told(name: str, value: float) -> str:
    """A figure as people read it."""
    unit = MEANING[name][0]
    if unit.startswith("of "):
        return f"{value:.0%} {unit}"
    if unit == SECONDS:
        return f"{value * 1e3:,.1f} ms" if value < 1 else f"{value:,.2f} s"
    return f"{value:,.0f}{unit}" if value >= 10 or unit == COUNT else f"{value:,.2f}{unit}"
