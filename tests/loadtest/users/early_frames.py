"""A server whose first messages come in one piece with its answer to the upgrade: a program, because gevent is not for
pytest's process. Prints what the client was told."""

from __future__ import annotations

import json
import socket

import gevent
import gevent.socket
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request, TextMessage

from loadtest.users.websocket import Target, open_websocket

FIRST = [str(number) for number in range(33)]


def serve(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    protocol = WSConnection(ConnectionType.SERVER)
    while not any(isinstance(event, Request) for event in protocol.events()):
        protocol.receive_data(sock.recv(4096))
    sock.sendall(protocol.send(AcceptConnection()) + b"".join(protocol.send(TextMessage(data)) for data in FIRST))
    sock.recv(1)
    sock.sendall(protocol.send(TextMessage("end")))
    sock.close()


def main() -> None:
    listener = gevent.socket.create_server(("127.0.0.1", 0))
    serving = gevent.spawn(serve, listener)
    websocket = open_websocket(Target("127.0.0.1", listener.getsockname()[1], False, "/", (), {}, None, False), 30)
    heard = [message.data for message in websocket.read(30)]
    websocket.send("more", 30)
    while heard[-1:] != ["end"]:
        heard += [message.data for message in websocket.read(30)]
    serving.join(30)
    websocket.abort()
    print(json.dumps(heard))


main()
