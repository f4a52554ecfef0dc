"""Another process that takes the write lock of a database, says so, and keeps it until its standard input ends."""

from __future__ import annotations

import sys

import pysqlite3.dbapi2 as driver


def hold(database: str) -> None:
    connection = driver.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    print("locked", flush=True)
    sys.stdin.read()
    connection.execute("ROLLBACK")
    connection.close()


if __name__ == "__main__":
    hold(sys.argv[1])
