"""What a run will take and what the machine allows, before anything is started. Arithmetic: nothing is read here.

The rules:
- Whatever can be seen to run out is a `Check`. One that fails is a refusal, with the exact commands that raise the
  limit, and what a run without them could be.
- Numbers that were measured stand at the top, each with where it comes from. Memory is an expectation to compare with
  what is measured, and refuses only where it is plain that there is not enough: what the kernel gives back when it is
  needed, and what is waited for, only make a run slower.
- Limits that protect the server from strangers are lifted for the run, and listed: all who come, come from here.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

from loadtest.prove.machine import Machine

WORKER_CONNECTIONS: Final = 18_000
"""Of one worker, where it may open 20,000 files; the rest is for the database, for other workers, and for a storm, when
who was cut off comes again before the server has noticed."""

KEPT_CONNECTIONS: Final = 84_000
"""Of one worker that keeps sockets without descriptors: twelve for a million, which gather rooms of a few, and of which
one that is killed takes a twelfth of all people with it. Rather than be more than gather, they have more people
each."""

PLAYER_CONNECTIONS: Final = 19_000
"""Of one locust process, where it may open 20,000 files."""

_WORKER_OTHER_FILES: Final = 1_000
_PLAYER_OTHER_FILES: Final = 500
_RESERVED_FILES: Final = 300  # of a worker, which no connection may take
WORKERS_THAT_GATHER: Final = 20
"""As many as gather rooms of a few (`server/parts.py`): up to there a worker for each 18,000 is as good, and of these
one that is killed takes fewer people with it."""

_ONE_WORKER_IS_ENOUGH: Final = 2_000
"""Connections below which a second core is worth less than what workers tell each other."""

_ADDRESSES_EACH: Final = 8
"""Addresses of 127.0.0.0/8 from which a locust process comes, and no other one (`crowd/doors.py`)."""

_PORTS_EACH: Final = 2
"""Of one connection: who was cut off leaves its port waiting for a minute (TIME_WAIT), and comes by another one."""

_KERNEL_PAIR: Final = 8_430
"""Bytes of slab for both ends of a connection over loopback: two sockets, files, inodes and entries of epoll; measured
on Linux 6.18 with a million of them."""

_KERNEL_NAME: Final = 900
"""Bytes of slab for each descriptor of a socket on a machine on which something lists what is open: a name below
/proc/<pid>/fd, which is given back when memory is short. Both ends have one, but not a server's that is kept."""

_BUFFER_PAGES: Final = 2
"""Of one connection on which something is on its way: an skb at each end holds a page. The server waits with what is
for many while TCP's memory is nearly under pressure, so more than that is not in use."""

_SERVER_EACH, _SERVER_EACH_GATHERED, _SERVER_EACH_SCATTERED = 1_400, 1_680, 3_200
"""Bytes; measured with 18,000, with a million in twelve workers that gather rooms of a few, and in 56 that do not."""

_PARENT_BASE: Final = 25_000_000
_WORKER_BASE: Final = 29_000_000  # once it has been used; measured with 56
_KEEPING_BASE: Final = 13_000_000  # more of one that keeps sockets without descriptors; measured with 16
_OWNER_EACH: Final = 120  # bytes, of one worker: the members of a room, whether they have come or not
_HARNESS_EACH: Final = 430  # bytes, 220 of them for moments; measured with a million
_HARNESS_MASTER: Final = 75_000_000
_PLAYER_BASE: Final = 6_000_000  # measured with 53 and 69
_DISK_EACH: Final = 2_000  # bytes: a user, a token, memberships, indices, and the write-ahead log beside them
_MEMORY_RESERVE: Final = 500_000_000  # for everything else that lives here

_SEEDED_A_SECOND: Final = 20_000
_STARTED_A_SECOND: Final = 2.0  # processes of either kind
_CONNECTS_A_SECOND_AND_CORE: Final = 900  # of both ends together; measured with a million
_RETURNS_A_SECOND_AND_CORE: Final = 215  # of those who were cut off while others talk; measured with 20,000
_DELIVERED_A_SECOND_AND_CORE: Final = 20_000  # of a broadcast; a million took a prototype 23 s
_SMALL_ROOMS, _BROADCASTS, _SETTLING = 10.0, 5, 15.0


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody wants to see.

    Attributes
    ----------
    workers, players
        Processes of the server, and of locust; None: as many as it takes.
    serves
        Whether the server is started here; otherwise it is somewhere else, and may be on another machine.
    hold
        Seconds for which everybody stays while nothing else happens.
    heartbeat
        Seconds of silence after which the server asks whether somebody is there.
    storm
        How many are cut off at once; None: as the load does it, a share.
    growth
        The first number of people at which they pause on their way, so that costs can be looked at; 0: they do not.
    kills
        Whether one of several workers is killed in the end.
    kills_owner
        Whether that is the one that owns all rooms.
    """

    connections: int
    scenario: str = "proof"
    workers: int | None = None
    players: int | None = None
    serves: bool = True
    hold: float = 10.0
    heartbeat: float = 30.0
    storm: int | None = None
    growth: int = 0
    kills: bool = True
    kills_owner: bool = False


class Check(Struct, frozen=True, kw_only=True):
    """Something of which there is only so much.

    Attributes
    ----------
    remedy
        Commands that raise it, as they are to be typed; and why, where there is none.
    slower
        What is slower with less, where a run goes on all the same; empty: nothing is begun with less.
    """

    what: str
    needed: int
    allowed: int
    unit: str = ""
    remedy: tuple[str, ...] = ()
    slower: str = ""

    @property
    def holds(self) -> bool:
        return self.needed <= self.allowed


class MemoryPart(Struct, frozen=True, kw_only=True):
    """Expected bytes: `base` with nobody there, and `each` for each connection.

    Attributes
    ----------
    yields
        Whether a run goes on without it, more slowly: it is given back, or waited for.
    """

    what: str
    base: int
    each: int
    yields: bool = False

    def of(self, connections: int) -> int:
        return self.base + self.each * connections


class Forecast(Struct, frozen=True, kw_only=True):
    """See the top of this file. `seconds` are those of each step; `settings` the server's, as environment variables."""

    connections: int
    workers: int
    players: int
    sources: int
    memory: tuple[MemoryPart, ...]
    seconds: dict[str, float]
    settings: dict[str, str]
    checks: tuple[Check, ...]

    @property
    def refusals(self) -> tuple[Check, ...]:
        """What there is not enough of to begin."""
        return tuple(check for check in self.checks if not check.holds and not check.slower)

    @property
    def bytes_expected(self) -> int:
        return sum(part.of(self.connections) for part in self.memory)

    @property
    def seconds_expected(self) -> float:
        return sum(self.seconds.values())


def forecast(machine: Machine, wish: Wish) -> Forecast:
    """What this wish takes on this machine."""
    workers = (wish.workers or _workers(machine, wish.connections)) if wish.serves else 0
    players = wish.players or _players(machine, wish.connections)
    sources = _ADDRESSES_EACH * players if wish.serves else 1
    memory = _memory(machine, wish, workers, players)
    return Forecast(
        connections=wish.connections,
        workers=workers,
        players=players,
        sources=sources,
        memory=memory,
        seconds=_seconds(machine, wish, workers, players),
        settings=_settings(machine, wish, workers) if wish.serves else {},
        checks=_checks(machine, wish, workers, players, sources, memory),
    )


# --- how many of what ----------------------------------------------------------------------------------------


def _workers(machine: Machine, connections: int) -> int:
    room = max(min(WORKER_CONNECTIONS, machine.files_of_process - _WORKER_OTHER_FILES), 1)
    if machine.keeps_sockets and connections > room * WORKERS_THAT_GATHER:
        return min(math.ceil(connections / KEPT_CONNECTIONS), WORKERS_THAT_GATHER)
    least = 1 if connections <= _ONE_WORKER_IS_ENOUGH else machine.cores
    return max(math.ceil(connections / room), least)


def _players(machine: Machine, connections: int) -> int:
    room = max(min(PLAYER_CONNECTIONS, machine.files_of_process - _PLAYER_OTHER_FILES), 1)
    least = 1 if connections <= _ONE_WORKER_IS_ENOUGH else machine.cores
    return max(math.ceil(connections / room), least)


def _ports(machine: Machine) -> int:
    first, last = machine.ports
    return last - first + 1


# --- what it takes -------------------------------------------------------------------------------------------


def _memory(machine: Machine, wish: Wish, workers: int, players: int) -> tuple[MemoryPart, ...]:
    names = 2 if wish.serves and not _keeps(machine, wish, workers) else 1
    buffers = min(_BUFFER_PAGES * wish.connections, machine.tcp_memory[1]) * machine.page
    server = MemoryPart(
        what="server",
        base=_PARENT_BASE + _worker_base(machine, wish, workers) * workers,
        each=_server_each(workers) + _OWNER_EACH,
    )
    return (
        *((server,) if wish.serves else ()),
        MemoryPart(what="kernel: sockets", base=0, each=_KERNEL_PAIR if wish.serves else _KERNEL_PAIR // 2),
        MemoryPart(what="kernel: names, given back", base=0, each=_KERNEL_NAME * names, yields=True),
        MemoryPart(what="kernel: buffers, for moments", base=buffers, each=0, yields=True),
        MemoryPart(what="harness", base=_HARNESS_MASTER + _PLAYER_BASE * players, each=_HARNESS_EACH),
    )


def _keeps(machine: Machine, wish: Wish, workers: int) -> bool:
    """Whether its workers are to have more people than files."""
    return workers > 0 and _share(wish.connections, workers) + _WORKER_OTHER_FILES > machine.files_of_process


def _worker_base(machine: Machine, wish: Wish, workers: int) -> int:
    return _WORKER_BASE + (_KEEPING_BASE if _keeps(machine, wish, workers) else 0)


def _server_each(workers: int) -> int:
    if workers == 1:
        return _SERVER_EACH
    return _SERVER_EACH_GATHERED if workers <= WORKERS_THAT_GATHER else _SERVER_EACH_SCATTERED


def _seconds(machine: Machine, wish: Wish, workers: int, players: int) -> dict[str, float]:
    users = wish.connections
    steps = {"seed": 1 + users / _SEEDED_A_SECOND, "start the server": 1 + workers / _STARTED_A_SECOND}
    return (steps if wish.serves else {}) | {
        "start locust": 1 + players / _STARTED_A_SECOND,
        "connect": users / (_CONNECTS_A_SECOND_AND_CORE * machine.cores),
        "hold": wish.hold,
        "the other phases": _others(machine, wish, workers),
    }


def _others(machine: Machine, wish: Wish, workers: int) -> float:
    """Small rooms, broadcasts, storm, the kill of a worker, settling and checking, in a `proof`."""
    returns = _RETURNS_A_SECOND_AND_CORE * machine.cores
    storm = round(wish.connections / 5) if wish.storm is None else wish.storm
    killed = wish.connections / workers if wish.kills and workers > 1 else 0
    broadcasts = _BROADCASTS * wish.connections / (_DELIVERED_A_SECOND_AND_CORE * machine.cores)
    return _SMALL_ROOMS * max(1, workers // 10) + broadcasts + (storm + killed) / returns + _SETTLING


def _settings(machine: Machine, wish: Wish, workers: int) -> dict[str, str]:
    """All others have their defaults. Limits of connections are those of each worker, and the kernel spreads evenly."""
    share = math.ceil(wish.connections / workers)
    wanted = share + math.ceil(share / 5)
    most = max(wanted if machine.keeps_sockets else min(wanted, machine.files_of_process - _RESERVED_FILES), 1_000)
    plenty = "1000000"
    return {
        "HUBBUB_MAX_CONNECTIONS": str(most),
        "HUBBUB_MAX_CONNECTIONS_PER_ADDRESS": str(most),
        "HUBBUB_CONNECTS_PER_SECOND": plenty,
        "HUBBUB_CONNECTS_PER_SECOND_PER_ADDRESS": plenty,
        "HUBBUB_MAX_HANDSHAKES": str(most),
        "HUBBUB_MAX_MEMBERS_PER_ROOM": str(max(100_000, wish.connections)),
        "HUBBUB_COMMANDS_PER_SECOND": plenty,
        "HUBBUB_COMMANDS_PER_SECOND_PER_USER": plenty,
        "HUBBUB_BYTES_PER_SECOND": "1000000000",
        "HUBBUB_BYTES_PER_SECOND_PER_USER": "1000000000",
        "HUBBUB_HELLO_DEADLINE": "60",
        "HUBBUB_HANDSHAKE_DEADLINE": "60",
        "HUBBUB_HEARTBEAT_MS": str(round(wish.heartbeat * 1_000)),
    }


# --- whether there is as much --------------------------------------------------------------------------------


def _checks(
    machine: Machine, wish: Wish, workers: int, players: int, sources: int, memory: tuple[MemoryPart, ...]
) -> tuple[Check, ...]:
    return (
        *_of_files(machine, wish, workers, players),
        *_of_the_network(machine, wish, sources),
        *_of_memory(machine, wish, memory),
        *_of_processes(machine, workers, players),
    )


def _of_files(machine: Machine, wish: Wish, workers: int, players: int) -> list[Check]:
    ends = 2 if wish.serves else 1
    checks = [_files("locust process", machine, _share(wish.connections, players) + _PLAYER_OTHER_FILES)]
    if wish.serves and not machine.keeps_sockets:
        checks.insert(0, _files("worker", machine, _share(wish.connections, workers) + _WORKER_OTHER_FILES))
    if machine.files_most is not None:
        needed = machine.files_open + wish.connections * ends + 1_000 * (workers + players)
        command = f"sudo sysctl -w fs.file-max={_rounded(needed)}"
        what, allowed = "open files, all together", machine.files_most
        checks.append(Check(what=what, needed=needed, allowed=allowed, remedy=(command,)))
    return checks


def _share(connections: int, processes: int) -> int:
    return math.ceil(connections / processes)


def _files(who: str, machine: Machine, needed: int) -> Check:
    higher = [f"sudo sysctl -w fs.nr_open={_rounded(needed)}"] if needed > machine.files_ceiling else []
    raising = f"sudo prlimit --pid $$ --nofile={_rounded(needed)}:{_rounded(needed)}"
    return Check(
        what=f"open files of a {who}",
        needed=needed,
        allowed=machine.files_of_process,
        remedy=(*higher, f"{raising}  # in the shell you start this from; or take more processes"),
    )


def _of_the_network(machine: Machine, wish: Wish, sources: int) -> list[Check]:
    needed_pages = machine.tcp_memory_used + wish.connections * _BUFFER_PAGES * (1 if wish.serves else 0.5)
    low = max(machine.tcp_memory[0], _rounded(math.ceil(needed_pages)))
    pressure, most = (
        max(each, round(low * more)) for each, more in zip(machine.tcp_memory[1:], (1.25, 1.5), strict=True)
    )
    checks = [
        Check(
            what="ports to come from",
            needed=wish.connections * _PORTS_EACH if wish.serves else wish.connections,
            allowed=_ports(machine) * sources,
            remedy=('sudo sysctl -w net.ipv4.ip_local_port_range="1024 65535"',),
        ),
        Check(
            what="pages for TCP's buffers (net.ipv4.tcp_mem)",
            needed=math.ceil(needed_pages),
            allowed=machine.tcp_memory[1],
            remedy=(f'sudo sysctl -w net.ipv4.tcp_mem="{low} {pressure} {most}"',),
            slower="a broadcast waits until others have been read",
        ),
    ]
    if machine.tracked is not None:
        limit, now = machine.tracked
        needed = now + wish.connections * _PORTS_EACH
        command = f"sudo sysctl -w net.netfilter.nf_conntrack_max={_rounded(needed)}"
        checks.append(Check(what="connections that netfilter follows", needed=needed, allowed=limit, remedy=(command,)))
    return checks


def _of_memory(machine: Machine, wish: Wish, memory: tuple[MemoryPart, ...]) -> list[Check]:
    least = [part for part in memory if not part.yields]
    needed, wanted = (sum(part.of(wish.connections) for part in parts) + _MEMORY_RESERVE for parts in (least, memory))
    left = machine.available if machine.memory_limit is None else min(machine.available, machine.memory_limit)
    fit = max(left - _MEMORY_RESERVE - sum(part.base for part in least), 0) // sum(part.each for part in least)
    disk = wish.connections * _DISK_EACH if wish.serves else 0
    fewer = f"hubbub prove --connections {_below(fit)}  # no setting gives a machine more memory"
    slower = "the kernel looks for memory it can take back, and what is for many waits"
    return [
        Check(what="memory", needed=needed, allowed=left, unit="bytes", remedy=(fewer,)),
        Check(what="memory, with what yields", needed=wanted, allowed=left, unit="bytes", slower=slower),
        Check(
            what="disk, where temporary files are",
            needed=disk,
            allowed=machine.disk_free,
            unit="bytes",
            remedy=("TMPDIR=/somewhere/larger hubbub prove …",),
        ),
    ]


def _of_processes(machine: Machine, workers: int, players: int) -> list[Check]:
    needed = machine.processes + 10 * workers + 4 * players + 50
    return [
        Check(
            what="processes and threads",
            needed=needed,
            allowed=machine.processes_most,
            remedy=(
                f"sudo sysctl -w kernel.pid_max={_rounded(needed)} kernel.threads-max={_rounded(needed)}",
                f"sudo prlimit --pid $$ --nproc={_rounded(needed)}:{_rounded(needed)}",
            ),
        )
    ]


def _rounded(number: int) -> int:
    """Up, to two digits, so that there is room and a number one can say."""
    step: int = 10 ** max(len(str(number)) - 2, 0)
    return math.ceil(number / step) * step


def _below(number: int) -> int:
    """Down, to two digits."""
    step: int = 10 ** max(len(str(number)) - 2, 0)
    return number // step * step
