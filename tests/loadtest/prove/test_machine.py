"""What this machine says of itself."""

from __future__ import annotations

import resource
from pathlib import Path

from loadtest.prove.machine import kernel_settings, meminfo, read_machine


def test_it_is_as_the_kernel_tells_others(tmp_path: Path) -> None:
    machine = read_machine(tmp_path / "not" / "there")
    assert machine.memory == meminfo()["MemTotal"] > machine.available > 0
    assert machine.files_of_process == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert 0 < machine.ports[0] < machine.ports[1] < 65_536
    assert machine.tcp_memory == tuple(sorted(machine.tcp_memory))
    assert 0 < machine.processes < machine.processes_most
    assert machine.disk_free > 0


def test_settings_have_the_names_that_sysctl_takes() -> None:
    found = kernel_settings()
    assert found["net.core.somaxconn"].isdecimal()
    assert all("/" not in name and "\t" not in value for name, value in found.items())
