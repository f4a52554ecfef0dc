"""A master's port that is taken ends locust with one line, and not with a traceback or with workers that wait for ever.

Locust means to do so, and compares the words of the failure with those of an older ZeroMQ.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from locust.exception import RPCError
from locust.rpc import zmqrpc

_IN_USE: Final = "Socket bind failure: Address already in use"  # what `MasterRunner` looks for


class _Server(zmqrpc.Server):
    def __init__(self, host: str, port: int) -> None:
        try:
            super().__init__(host, port)  # type: ignore[no-untyped-call]
        except RPCError as error:
            if not str(error).startswith(_IN_USE):
                raise
            _end_workers()
            raise RPCError(_IN_USE) from error


def _end_workers() -> None:
    """Those that this master has forked: they would wait for an answer of whoever has the port, and it for them."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with suppress(OSError):
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)


def say_if_taken() -> None:
    """To be called when a locustfile is imported: from then on a master looks at its port in this way."""
    zmqrpc.Server = _Server  # type: ignore[misc]  # the name under which a runner finds it
