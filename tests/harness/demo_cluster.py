"""`make cluster`: three nodes, a Valkey and a PostgreSQL on this machine, until Ctrl-C. Nothing of it is kept.

The terminal sends Ctrl-C to every process before it. So what is started here lives in a session of its own, and is
stopped in order by this process: nodes first, then what they stand on.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.harness.cluster import nodes
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.harness.server import ServerProcess
from tests.harness.valkey import ValkeyProcess

NODES = 3
STOP_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Before the terminal."""
    command = [sys.executable, "-m", "tests.harness.demo_cluster", "inside"]
    inside = subprocess.Popen(command, start_new_session=True, preexec_fn=_end_with_the_terminal)
    try:
        sys.exit(inside.wait())
    except KeyboardInterrupt:
        print("\nstopping …", flush=True)
        inside.terminate()
        sys.exit(inside.wait(STOP_SECONDS))


def _end_with_the_terminal() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def run() -> None:
    """All of it, until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        tempfile.TemporaryDirectory(prefix="hubbub-cluster-") as folder,
        closing(PostgresProcess()) as postgres,
        ValkeyProcess() as engine,
    ):
        database = PostgresServer(postgres.start().url).database()
        with nodes(Path(folder), NODES, engine=engine.url, database=database) as running:
            try:
                _tell(running, engine, database)
                while True:
                    signal.pause()
            finally:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                for node in running:
                    node.stop(STOP_SECONDS)


def _tell(running: list[ServerProcess], engine: ValkeyProcess, database: str) -> None:
    for number, node in enumerate(running, 1):
        print(f"node {number}: {node.url}  or: hubbub chat {node.url} --name YOU")
        print(f"        operators: {node.admin_url}/readyz  log: {node.log}  kill it: kill -9 {node.process.pid}")
    print(f"Valkey: {engine.url}  kill it: kill -9 {engine.process.pid} (there is no way back here)")
    print(f"PostgreSQL: {database}")
    print("Say something at one node, read it at another; kill one, and its rooms go on. Ctrl-C ends it.", flush=True)


if __name__ == "__main__":
    run() if sys.argv[1:] == ["inside"] else main()
