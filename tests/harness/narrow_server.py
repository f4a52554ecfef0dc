"""The real server as a process that may have few open files, as under a low `ulimit -n`."""

from __future__ import annotations

import resource

from server.cli.main import main

FILES = 128

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    main()
