"""What this machine says of itself."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
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


NOBODY = 65_534
ASKED = """
import os, sys
from pathlib import Path
from loadtest.prove.machine import read_machine
read_machine(Path("/"))  # while what it imports may be read
if sys.argv[1]:
    os.setgroups([])
    os.setuid(int(sys.argv[1]))
print(read_machine(Path("/")).files_most)
"""


def test_whoever_is_not_root_is_held_to_the_machines_limit_of_files() -> None:
    command = [sys.executable, "-c", ASKED, str(NOBODY) if os.geteuid() == 0 else ""]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert asked.stdout.strip() == Path("/proc/sys/fs/file-max").read_text().strip(), asked.stderr
