"""The floor of a fan-out: a program that loops `sock.send` of the same bytes over the same number of sockets.

Run as a process: `python floor.py COUNT SIZE`. It prints its port, accepts COUNT sockets, then sends SIZE bytes to
each of them every time it gets a byte on the first one, until that one is closed.
"""

from __future__ import annotations

import socket
import sys


def main() -> None:
    count, size = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    sockets = [listener.accept()[0] for _ in range(count)]
    for accepted in sockets:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    frame = b"\x81\x7e" + (size - 4).to_bytes(2, "big") + b"x" * (size - 4)
    while sockets[0].recv(1):
        for accepted in sockets:
            accepted.send(frame)


if __name__ == "__main__":
    main()
