"""How many rows a second the store takes, beside what the disk itself allows. One JSON object a line.

    python tests/bench/store_quick.py [DIRECTORY [postgresql://…]]

A batch of n appends in one commit, in n / 2 rooms, is measured beside a bare loop that writes as many bytes to a file
in the same directory and calls fdatasync. The difference is what SQL, group commit and the thread hop cost. The second
argument is an empty database on a PostgreSQL server, to be measured in place of SQLite.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from sqlalchemy import insert

from server.store.batches import Batch, commit
from server.store.log_messages import Append, NewMessage
from server.store.opening import Store, open_store
from server.store.tables import rooms, users

SIZES = (1, 10, 100, 500, 1_000)
SECONDS = 2.0
TEXT = "What somebody says is seldom longer than this, and often shorter."
ROW_BYTES = 200  # of a page, roughly: the row and its place in the index of nonces
AT = 1_750_000_000_000
PEOPLE = 100
ROOMS = max(SIZES) // 2


class Nobody:
    def answer(self, message: object, /) -> bool:
        return True


def main() -> None:
    parent = Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()
    directory = Path(tempfile.mkdtemp(prefix="store-bench-", dir=parent))
    try:
        with open_store(directory, database=sys.argv[2] if len(sys.argv) > 2 else "") as store:
            for figure in figures(store, directory):
                print(json.dumps(figure), flush=True)
    finally:
        shutil.rmtree(directory)


def figures(store: Store, directory: Path) -> Iterator[dict[str, object]]:
    populate(store)
    heads = dict.fromkeys((f"r_{number}" for number in range(ROOMS)), 0)
    for size in SIZES:
        bare, _ = measured(bare_loop(directory, size))
        commits, cpu = measured(appending(store, heads, size))
        yield {
            "figure": "store_commit",
            "rows": size,
            "rows_per_s": round(commits * size),
            "ms_per_commit": round(1e3 / commits, 3),
            "cpu_ms_per_commit": round(cpu * 1e3, 3),
            "bare_fdatasync_rows_per_s": round(bare * size),
            "bare_fdatasync_ms": round(1e3 / bare, 3),
            "wal_bytes": store.log_file.size(),
        }


def populate(store: Store) -> None:
    person = {"password_hash": "", "administrator": False, "created_at": AT}
    room = {"log": "l", "kind": "group", "last_seq": 0, "members": 0, "creator": "u_0", "digest": b"", "created_at": AT}
    with store.writing.begin() as connection:
        connection.execute(insert(users), [person | {"id": f"u_{n}", "name": str(n)} for n in range(PEOPLE)])
        connection.execute(insert(rooms), [room | {"id": f"r_{n}", "nonce": str(n)} for n in range(ROOMS)])


def appending(store: Store, heads: dict[str, int], size: int) -> Callable[[], None]:
    names, refs = list(heads)[: max(1, size // 2)], count()
    nobody = Nobody()

    def append() -> None:
        appends = [
            Append(
                names[number % len(names)], 1, 0, next(refs),
                NewMessage(f"u_{number % PEOPLE}", secrets.token_urlsafe(16), TEXT), nobody,
            )
            for number in range(size)
        ]  # fmt: skip
        batch = Batch(appends, {name: heads[name] for name in names}, (), (), ())
        heads.update(commit(store.writing, batch, AT).heads)

    return append


def bare_loop(directory: Path, size: int) -> Callable[[], None]:
    descriptor = os.open(directory / f"bare-{size}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    data = b"x" * (ROW_BYTES * size)

    def write() -> None:
        os.write(descriptor, data)
        os.fdatasync(descriptor)

    return write


def measured(step: Callable[[], None]) -> tuple[float, float]:
    """Steps a second, and seconds of processor time (all threads) a step."""
    steps, began, cpu = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - began) < SECONDS:
        step()
        steps += 1
    return steps / elapsed, (time.process_time() - cpu) / steps


if __name__ == "__main__":
    main()
