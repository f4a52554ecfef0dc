"""People who talk to the server through a websocket library that nobody here wrote (PyPI `websockets`)."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PASSWORD = "correct horse battery"

Frame = dict[str, Any]


def call(
    url: str, path: str, body: object = None, *, token: str | None = None, method: str | None = None
) -> tuple[int, Any]:
    """One HTTP call: the status and the JSON of the answer (None if it has no body)."""
    request = urllib.request.Request(
        url + path,
        method=method or ("GET" if body is None else "POST"),
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}),
    )
    try:
        with urllib.request.urlopen(request, timeout=15) as response:
            return response.status, _decoded(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _decoded(error.read())


def _decoded(body: bytes) -> Any:
    return json.loads(body) if body else None


def register(url: str, name: str) -> tuple[str, str]:
    """Sign up: the user's id and a token."""
    status, answer = call(url, "/v1/register", {"name": name, "password": PASSWORD})
    assert status == 201, answer
    return answer["user"]["user"], answer["token"]


class Talker:
    """One open, welcomed websocket. Frames that were not asked for wait in `heard` until somebody looks."""

    def __init__(self, websocket: ClientConnection, token: str, resume: Frame | None = None, **hello: object) -> None:
        self.websocket = websocket
        self.heard: deque[Frame] = deque()
        self._number = 0
        named = {"resume": resume} if resume is not None else {}
        websocket.send(json.dumps({"op": "hello", "token": token} | named | hello))
        self.welcome = self.expect("welcome")

    def say(self, op: str, **fields: object) -> int:
        """Send a command; returns its id."""
        self._number += 1
        self.websocket.send(json.dumps({"op": op, "id": self._number} | fields))
        return self._number

    def ask(self, op: str, **fields: object) -> Frame:
        """Send a command and wait for its reply, `ok` or `error`."""
        number = self.say(op, **fields)
        return self.wait(lambda frame: frame.get("id") == number)

    def expect(self, op: str) -> Frame:
        """The next frame with this `op`."""
        return self.wait(lambda frame: frame["op"] == op)

    def wait(self, wanted: Callable[[Frame], bool], seconds: float = 15) -> Frame:
        """The first frame that is wanted, already heard or still to come; the others are kept in order."""
        for frame in self.heard:
            if wanted(frame):
                self.heard.remove(frame)
                return frame
        while True:
            frame = json.loads(self.websocket.recv(timeout=seconds))
            if wanted(frame):
                return frame
            self.heard.append(frame)

    def post(self, room: str, text: str, nonce: str | None = None) -> Frame:
        return self.ask("post", room=room, nonce=nonce or secrets.token_hex(8), text=text)

    def close(self) -> None:
        self.websocket.close()

    def __enter__(self) -> Talker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def close_code(websocket: ClientConnection, seconds: float = 15) -> int:
    """Reads until the server closes, and tells with which code (1006: without one)."""
    try:
        while True:
            websocket.recv(timeout=seconds)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


def open_websocket(websocket_url: str, compression: str | None = None, **options: Any) -> ClientConnection:
    """A websocket without a hello. What nobody looks at is kept: read no further, its goodbye would not be heard."""
    options = {"max_size": None, "max_queue": None, "open_timeout": 15} | options
    return connect(websocket_url, compression=compression, legacy=True, **options)


def talk(websocket_url: str, token: str, resume: Frame | None = None, **hello: object) -> Talker:
    """A websocket, welcomed. `hello`: what else it says in it."""
    return Talker(open_websocket(websocket_url), token, resume, **hello)
