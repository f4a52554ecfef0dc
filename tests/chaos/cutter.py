"""A cable that can be cut: passes bytes on between a node and what it depends on, until it is told not to.

Run as a process of its own, `python cutter.py HOST:PORT …`, one cable each. It prints the ports it listens on in one
line, and takes orders on stdin, a line each, answered by `done`: `cut N`, `heal N`. While a cable is cut nothing goes
through either way and nothing is closed, as when a switch has lost power: who waits hears nothing. What was on its way
comes when it is healed, as TCP would have it.

A thread for each direction of each connection, so that one end that does not read keeps nobody else waiting.
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress

_MOST = 256 * 1024


class Cable:
    """One place to listen on, and where it leads."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._whole = threading.Event()
        self._whole.set()
        self.port: int = self._listener.getsockname()[1]

    def cut(self) -> None:
        """Let nothing through."""
        self._whole.clear()

    def heal(self) -> None:
        """Let everything through again."""
        self._whole.set()

    def serve(self) -> None:
        """Take connections until the process ends."""
        while True:
            near, _ = self._listener.accept()
            _begin(self._connect, near)

    def _connect(self, near: socket.socket) -> None:
        self._whole.wait()
        try:
            far = socket.create_connection(self._target, timeout=5.0)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        for end, other in ((near, far), (far, near)):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _begin(self._pass_on, end, other)

    def _pass_on(self, end: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := end.recv(_MOST):
                self._whole.wait()
                other.sendall(data)
        self._whole.wait()
        for one in (end, other):
            with suppress(OSError):  # the other direction may have done it
                one.shutdown(socket.SHUT_RDWR)


def _begin(work: object, *given: object) -> None:
    threading.Thread(target=work, args=given, daemon=True).start()  # type: ignore[arg-type]


def main() -> None:
    cables = [Cable((host, int(port))) for host, port in (given.rsplit(":", 1) for given in sys.argv[1:])]
    for cable in cables:
        _begin(cable.serve)
    print(*(cable.port for cable in cables), flush=True)
    for order, number in map(str.split, sys.stdin):
        cable = cables[int(number)]
        (cable.cut if order == "cut" else cable.heal)()
        print("done", flush=True)


if __name__ == "__main__":
    main()
