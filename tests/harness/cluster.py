"""Nodes over one engine and one PostgreSQL, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.harness.server import ServerProcess


def node(folder: Path, name: str, *, engine: str, database: str, **environment: str) -> ServerProcess:
    """One, to be started."""
    options = ("--engine", engine, "--database", database)
    return ServerProcess(folder / name, options=options, environment=environment)


@contextmanager
def nodes(
    folder: Path, number: int, *, engine: str, database: str, **environment: str
) -> Iterator[list[ServerProcess]]:
    """So many of them, started together, up and running."""
    made = [node(folder, f"node{index}", engine=engine, database=database, **environment) for index in range(number)]
    with ExitStack() as running, ThreadPoolExecutor(number) as starting:
        for one in made:
            running.push(one)
        for started in [starting.submit(one.start) for one in made]:
            started.result()
        yield made
