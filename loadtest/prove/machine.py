"""What this machine is and what it allows: read once, before anything is started.

Everything comes from proc(5), sysctl and getrlimit(2), so none of it needs a privilege. What a kernel does not tell is
None, never a guess. Nothing here decides: that is `forecast.py`.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

_SYSCTL: Final = Path("/proc/sys")
_CGROUPS: Final = Path("/sys/fs/cgroup")
_CAP_SYS_ADMIN: Final = 1 << 21  # include/uapi/linux/capability.h
_ALL_USERS: Final = [0, 0, 2**32 - 1]  # how the machine's own user namespace maps them: user_namespaces(7)


class Machine(Struct, frozen=True, kw_only=True):
    """Memory in bytes, `tcp_memory` and `tcp_memory_used` in pages; None where the kernel does not say, or has none.

    Attributes
    ----------
    cores
        That this process may use.
    memory_limit
        Of the cgroup, beside what is used of it; None without one that is lower than the machine's memory.
    files_of_process
        RLIMIT_NOFILE, hard; `files_ceiling` is what root may raise it to (fs.nr_open).
    keeps_sockets
        Whether a worker may have more clients than files (`server/gateway/fixed_files.py`); not said by reports of
        before.
    files_most, files_open
        Of the whole machine (fs.file-max, fs.file-nr). The limit is None for who is beyond it: it does not hold for
        processes with CAP_SYS_ADMIN (`alloc_empty_file` in Linux, fs/file_table.c).
    tcp_memory
        net.ipv4.tcp_mem: below the first nobody cares, above the second buffers shrink, above the third data is lost.
    ports
        The first and last port that the kernel chooses for who connects.
    tracked
        The most connections netfilter follows, and how many it does; None where it does not follow those of loopback.
    processes_most, processes
        The lowest limit of processes and threads, and how many there are.
    """

    processor: str
    system: str
    kernel: str
    cores: int
    memory: int
    available: int
    memory_limit: int | None
    page: int
    disk_free: int
    files_of_process: int
    files_ceiling: int
    keeps_sockets: bool = False
    files_most: int | None
    files_open: int
    tcp_memory: tuple[int, int, int]
    tcp_memory_used: int
    ports: tuple[int, int]
    listen_queue: int
    tracked: tuple[int, int] | None
    processes_most: int
    processes: int
    load: tuple[float, float, float]


def read_machine(folder: Path, *, keeps_sockets: bool = False) -> Machine:
    """How this machine is now; `folder` is where data will lie, or below what will be made. Whether it keeps sockets is
    the server's to find out.
    """
    memory = meminfo()
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = _number("fs/nr_open")
    low, pressure, most = _numbers("net/ipv4/tcp_mem")
    first, last = _numbers("net/ipv4/ip_local_port_range")
    return Machine(
        processor=_processor(),
        system=_system(),
        kernel=platform.release(),
        cores=len(os.sched_getaffinity(0)),
        memory=memory["MemTotal"],
        available=memory["MemAvailable"],
        memory_limit=_left_in_cgroup(memory["MemTotal"]),
        page=os.sysconf("SC_PAGE_SIZE"),
        disk_free=_disk_free(folder),
        files_of_process=ceiling if files == resource.RLIM_INFINITY else files,
        files_ceiling=ceiling,
        keeps_sockets=keeps_sockets,
        files_most=None if _may_administer() else _number("fs/file-max"),
        files_open=_numbers("fs/file-nr")[0],
        tcp_memory=(low, pressure, most),
        tcp_memory_used=tcp_pages(),
        ports=(first, last),
        listen_queue=_number("net/core/somaxconn"),
        tracked=_tracked(),
        processes_most=_most_processes(),
        processes=_processes(),
        load=os.getloadavg(),
    )


def kernel_settings() -> dict[str, str]:
    """The settings that a report names, by the names sysctl(8) has for them; those this kernel has."""
    found: dict[str, str] = {}
    for name in _REPORTED:
        with suppress(OSError):
            found[name] = " ".join((_SYSCTL / name.replace(".", "/")).read_text().split())
    return found


_REPORTED: Final = (
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_ehash_entries",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_max_syn_backlog",
    "net.core.somaxconn",
    "net.netfilter.nf_conntrack_max",
    "fs.file-max",
    "fs.nr_open",
    "kernel.pid_max",
    "kernel.threads-max",
    "vm.overcommit_memory",
    "vm.swappiness",
)


def meminfo() -> dict[str, int]:
    """/proc/meminfo, in bytes (and counts, where it has such)."""
    found = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, value, *unit = line.split()
        found[name.rstrip(":")] = int(value) * (1024 if unit else 1)
    return found


def tcp_pages() -> int:
    """Pages that TCP uses for buffers now, of all sockets."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        name, *fields = line.split()
        if name == "TCP:":
            return int(fields[fields.index("mem") + 1])
    return 0


def _number(name: str) -> int:
    return _numbers(name)[0]


def _numbers(name: str) -> list[int]:
    return [int(each) for each in (_SYSCTL / name).read_text().split()]


def _may_administer() -> bool:
    """Whether this process has CAP_SYS_ADMIN in the machine's own user namespace, which alone counts for limits."""
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    mapped = [int(each) for each in Path("/proc/self/uid_map").read_text().split()]
    return bool(int(effective.split()[1], 16) & _CAP_SYS_ADMIN) and mapped == _ALL_USERS


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _disk_free(folder: Path) -> int:
    """Where `folder` is, or will be."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def _processes() -> int:
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])


def _most_processes() -> int:
    of_user, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    limits = [_number("kernel/pid_max"), _number("kernel/threads-max")]
    return min(limits if of_user == resource.RLIM_INFINITY else [*limits, of_user])


def _tracked() -> tuple[int, int] | None:
    """netfilter's limit, and what it follows; None where a connection over loopback, made for this, is not followed."""
    count = _SYSCTL / "net/netfilter/nf_conntrack_count"
    if not count.exists():
        return None
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        followed = int(count.read_text())
    return (_number("net/netfilter/nf_conntrack_max"), followed) if followed else None


def _left_in_cgroup(memory: int) -> int | None:
    """Bytes that are left below the tightest limit of the cgroups this process is in (cgroups(7))."""
    left = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            left += _left_below(_CGROUPS, path, "memory.max", "memory.current", memory)
        elif "memory" in controllers.split(","):
            left += _left_below(_CGROUPS / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes", memory)
    return min(left, default=None)


def _left_below(root: Path, path: str, limit: str, usage: str, memory: int) -> list[int]:
    """What each group from this one upwards leaves; a group whose files are not there leaves everything."""
    left = []
    group = root / path.strip("/")
    for each in (group, *group.parents):
        with suppress(OSError, ValueError):  # `max` is no number
            most = int((each / limit).read_text())
            if most < memory:  # version 1 says nearly 2**63 where there is none
                left.append(max(most - int((each / usage).read_text()), 0))
        if each == root:
            break
    return left
