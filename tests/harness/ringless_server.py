"""The real server as a process that may have few open files, on a system that allows no io_uring."""

from __future__ import annotations

import resource

from server.cli.main import main
from server.gateway import ring
from tests.harness.narrow_server import FILES

_NO_SUCH_CALL = 1_000_000

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    ring._SETUP = _NO_SUCH_CALL  # type: ignore[misc]  # as where a filter answers ENOSYS
    main()
