"""Everything that is measured, as families of plain values: what is counted, and what is looked at when somebody asks.

The rule: looking costs nobody else anything that they would notice. Mailboxes are gone through a slice at a time, with
everybody's turn in between (0.1 us for each actor); the kernel is asked in a thread; all else is a few numbers.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import trio

from actors import Dynamic, Inbox, Mailboxes, Node, System, mailboxes
from server.gateway.reactor import ReactorStatistics
from server.metrics.counts import Counts, GatewayCounts, RoomCounts, StoreCounts
from server.metrics.exposition import Family, Sample, counter, gauge, histogram
from server.operators.cluster_families import cluster_families
from server.operators.environment import OperatorEnvironment
from server.operators.process import ProcessFigures, read_process
from server.protocol.closing import CloseCode
from server.tcp_memory import TcpLimits, tcp_limits, tcp_pages

SLICE: Final = 2_000
"""Mailboxes looked at in one go: about 0.2 ms."""

_NAMED_CODES: Final = frozenset({*CloseCode, *range(1000, 1016)})
"""Any other is a client's own invention, of which there can be thousands."""


async def families(environment: OperatorEnvironment) -> list[Family]:
    """All of them, as they are now."""
    system, counts = environment.system, environment.counts
    process, tcp = await trio.to_thread.run_sync(lambda: (read_process(), tcp_pages()))
    dynamics = {name: system.dynamic(name) for name in environment.dynamics}
    waiting = {name: await _mailboxes(dynamic) for name, dynamic in dynamics.items()}
    return [
        *_connections(counts.gateway, environment.reactor.statistics(), environment.heartbeat()),
        *_outbound(counts.gateway),
        *_rooms(counts.rooms),
        *_store(counts.store, environment.log_file_bytes()),
        *_inboxes(environment.inboxes),
        *_actors(dynamics, waiting),
        *_system(system, counts),
        *_process(process),
        *_tcp(tcp, tcp_limits()),
        *(() if environment.cluster is None else cluster_families(environment.cluster)),
    ]


async def _mailboxes(dynamic: Dynamic) -> Mailboxes:
    children = iter(list(dynamic.children()))
    waiting = longest = 0
    while some := list(islice(children, SLICE)):
        found = mailboxes(some)
        waiting, longest = waiting + found.waiting, max(longest, found.longest)
        await trio.lowlevel.checkpoint()
    return Mailboxes(waiting, longest)


def _connections(counts: GatewayCounts, sockets: ReactorStatistics, heartbeat: float) -> Iterator[Family]:
    ready = sockets.registered - counts.opening - counts.closing
    by_state = {"opening": counts.opening, "ready": ready, "closing": counts.closing}
    closes: dict[tuple[str, str], int] = {}
    for (by, code), count in counts.closes.items():
        key = by, str(int(code)) if code in _NAMED_CODES else "other"
        closes[key] = closes.get(key, 0) + count
    yield counter("hubbub_sockets_accepted", "Sockets accepted, or refused at the door.", Sample(counts.accepted))
    yield gauge("hubbub_http_sockets", "Sockets that are plain HTTP now.", Sample(counts.handshaking))
    yield counter(
        "hubbub_handshakes", "Sockets and requests by outcome.", *_pairs("outcome", "reason", counts.handshakes)
    )
    yield gauge("hubbub_websockets", "Open websockets by state.", *_each("state", by_state))
    yield gauge("hubbub_websockets_paused", "Websockets that are not read at the moment.", Sample(sockets.paused))
    yield gauge("hubbub_websockets_kept", "Websockets that have no descriptor.", Sample(sockets.kept))
    yield gauge("hubbub_heartbeat_seconds", "Silence until a ping, for newcomers.", Sample(heartbeat), across="most")
    moved = {"arrived": counts.arrived, "handed_over": counts.handed_over}
    yield counter("hubbub_websockets_moved", "Websockets handed between workers.", *_each("way", moved))
    yield counter("hubbub_closes", "Ended websockets by who closed, and code.", *_pairs("by", "code", closes))


def _outbound(counts: GatewayCounts) -> Iterator[Family]:
    queues = list(counts.queues)
    yield gauge("hubbub_outbound_queues", "Websockets for which bytes wait.", Sample(len(queues)))
    yield gauge(
        "hubbub_outbound_congested",
        "Websockets that are fed from the log until their queue is empty.",
        Sample(sum(queue.late is not None for queue in queues)),
    )
    yield gauge("hubbub_outbound_bytes", "Bytes that wait for sockets.", Sample(sum(queue.waiting for queue in queues)))
    yield gauge(
        "hubbub_outbound_longest_bytes",
        "Bytes in the longest queue.",
        Sample(max((queue.waiting for queue in queues), default=0)),
        across="most",
    )
    yield counter(
        "hubbub_events_encoded", "Events turned into frames, once for all in a dialect.", Sample(counts.encoded)
    )


def _rooms(counts: RoomCounts) -> Iterator[Family]:
    yield counter("hubbub_fan_outs", "Slices of what rooms tell many sessions.", Sample(counts.fan_outs))
    yield counter("hubbub_fan_out_pauses", "Waits of fan-outs for sockets to be read.", Sample(counts.pauses))
    yield counter("hubbub_deliveries", "Sessions told something by a room.", Sample(counts.deliveries))


def _store(counts: StoreCounts, log_file: int) -> Iterator[Family]:
    yield counter("hubbub_messages", "New messages on disk.", Sample(counts.messages))
    yield histogram("hubbub_commit_seconds", "Time from a batch to the disk.", counts.commit_seconds)
    yield histogram("hubbub_commit_changes", "Changes in a commit.", counts.commit_changes)
    yield counter("hubbub_commits_failed", "Commits that failed.", Sample(counts.failed_commits))
    yield histogram("hubbub_reader_portion_seconds", "Time of a portion of questions.", counts.portion_seconds)
    yield histogram("hubbub_reader_portion_questions", "Questions in a portion.", counts.portion_questions)
    yield gauge("hubbub_log_file_bytes", "Size of the write-ahead log.", Sample(log_file), across="most")


def _inboxes(inboxes: Mapping[str, Inbox]) -> Iterator[Family]:
    now = {name: inbox.statistics() for name, inbox in inboxes.items()}
    yield gauge("hubbub_inbox_waiting", "Messages that wait for a task.", *_fields("inbox", now, "waiting"))
    yield gauge("hubbub_inbox_peak", "The most that ever waited.", *_fields("inbox", now, "peak"), across="most")
    yield gauge("hubbub_inbox_limit", "How many may wait.", *_fields("inbox", now, "limit"), across="most")
    yield counter("hubbub_inbox_taken", "Messages taken.", *_fields("inbox", now, "taken"))
    yield counter("hubbub_inbox_dropped", "Messages refused for want of room.", *_fields("inbox", now, "dropped"))


def _actors(dynamics: Mapping[str, Dynamic], waiting: Mapping[str, Mailboxes]) -> Iterator[Family]:
    numbers = {name: len(dynamic) for name, dynamic in dynamics.items()}
    yield gauge("hubbub_actors", "Actors.", *_each("kind", numbers))
    yield gauge("hubbub_mailbox_waiting", "Messages in all mailboxes.", *_fields("kind", waiting, "waiting"))
    yield gauge(
        "hubbub_mailbox_longest",
        "Messages in the fullest mailbox.",
        *_fields("kind", waiting, "longest"),
        across="most",
    )
    yield counter("hubbub_actor_crashes", "Crashes.", *_fields("kind", dynamics, "crashes"))
    yield counter("hubbub_actor_overruns", "Crashes for taking too long.", *_fields("kind", dynamics, "overruns"))
    yield counter("hubbub_actor_restarts", "Restarts.", *_fields("kind", dynamics, "restarts"))
    yield counter(
        "hubbub_actor_quarantines",
        "Times an actor had crashed too often to be started again at once.",
        *_fields("kind", dynamics, "quarantines"),
    )


def _system(system: System, counts: Counts) -> Iterator[Family]:
    restarts = dict(_restarts(system.describe(most=0)))
    collections = {str(age): of["collections"] for age, of in enumerate(gc.get_stats())}
    yield counter("hubbub_restarts", "Restarts of tasks and supervisors.", *_each("path", restarts))
    yield counter("hubbub_actors_started", "Actors started.", Sample(system.births))
    yield counter("hubbub_dead_letters", "Messages to actors that had stopped.", Sample(system.dead_letters.count))
    yield gauge("hubbub_scheduler_ready", "Actors that wait for their turn.", Sample(system.scheduler.ready))
    yield histogram("hubbub_scheduler_lag_seconds", "How late a timer's message is handled.", counts.lag)
    yield histogram("hubbub_long_rounds_seconds", "Rounds of the loop in which others waited.", counts.long_rounds)
    yield counter("hubbub_gc_freezes", "Times what had lived long was frozen.", Sample(system.freezes))
    yield counter("hubbub_gc_collections", "Collections.", *_each("generation", collections))


def _restarts(node: Node, above: str = "") -> Iterator[tuple[str, int]]:
    """Of this place in the tree and of all below it, by path."""
    path = f"{above}{node.id}"
    yield path, node.restarts
    for child in node.children:
        yield from _restarts(child, f"{path}/")


def _process(now: ProcessFigures) -> Iterator[Family]:
    """By the names that all of Prometheus' own clients use."""
    yield counter("process_cpu_seconds", "User and system CPU time.", Sample(now.cpu_seconds), across="each")
    yield gauge("process_resident_memory_bytes", "Resident memory.", Sample(now.resident_bytes), across="each")
    yield gauge("process_open_fds", "Open file descriptors.", Sample(now.open_files), across="each")
    yield gauge("process_max_fds", "The limit of them.", Sample(now.most_files), across="each")


def _tcp(pages: int | None, limits: TcpLimits) -> Iterator[Family]:
    """Of the machine: every process sees the same."""
    page = os.sysconf("SC_PAGE_SIZE")
    bounds = {"comfortable": limits.comfortable, "pressure": limits.pressure, "most": limits.most}
    if pages is not None:
        yield gauge(
            "hubbub_tcp_memory_bytes", "The kernel's memory for TCP in use.", Sample(pages * page), across="most"
        )
    yield gauge(
        "hubbub_tcp_memory_limit_bytes",
        "Its bounds: fan-outs wait, the kernel makes windows small, it refuses.",
        *_each("bound", {name: bound * page for name, bound in bounds.items()}),
        across="most",
    )


def _fields(label: str, things: Mapping[str, object], field: str) -> tuple[Sample, ...]:
    return _each(label, {name: getattr(thing, field) for name, thing in things.items()})


def _each(label: str, values: Mapping[str, float]) -> tuple[Sample, ...]:
    return tuple(Sample(value, ((label, name),)) for name, value in values.items())


def _pairs(first: str, second: str, values: Mapping[tuple[str, str], float]) -> tuple[Sample, ...]:
    return tuple(Sample(value, ((first, one), (second, two))) for (one, two), value in sorted(values.items()))
