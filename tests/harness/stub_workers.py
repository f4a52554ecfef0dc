"""A program whose parent is the real one, and whose workers say who they are: for tests of the parent alone.

A worker answers each line of a connection with who it is, as JSON; but `die` by being killed. A program is a file of
two lines, which the tests rewrite to make a new version of it:

    from tests.harness.stub_workers import main
    main(version="2")
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from server.listening import PortTrouble, url_of
from server.logs import configure_logs
from server.parent.application import Application, GaveUp
from server.parent.engine import EngineTrouble
from server.parent.handing_over import CannotTakeOver, taken_out_of
from server.parent.place import WorkerPlace
from server.parent.starting import run_parent
from server.settings import Settings, load
from server.store.errors import StoreError

MISTAKE = 5


def main(
    version: str,
    *,
    begin: Callable[[WorkerPlace], None] = lambda _: None,
    prepare: Callable[[Settings], int] = lambda _: 0,
) -> None:
    """The program.

    Parameters
    ----------
    version
        What its workers say they are.
    begin
        What a worker does before it is ready.
    prepare
        In place of a migration.
    """
    settings = reread()
    configure_logs("info", "text")
    application = Application(
        modules=("json",),
        make=lambda: None,
        prepare=prepare,
        work=lambda place: StubWorker(place, version, begin).run(),
        reread=reread,
        open_admin=lambda _: None,
        announce=lambda listener, _: print(f"hubbub is serving on {url_of(listener)}", flush=True),
        owners=1,
        leave_seconds=settings.drain,
        mistakes=frozenset({MISTAKE}),
    )
    assert isinstance(settings.workers, int)
    try:
        sys.exit(run_parent(settings, settings.workers, application, taken_out_of(os.environ)))
    except GaveUp as gave_up:
        print(f"hubbub: {gave_up.line}", file=sys.stderr)
        sys.exit(gave_up.code)
    except (PortTrouble, StoreError, EngineTrouble, CannotTakeOver) as trouble:
        print(f"hubbub: {trouble}", file=sys.stderr)
        sys.exit(1)


def reread() -> Settings:
    file = os.environ.get("STUB_SETTINGS")
    options = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    given = {name.removeprefix("--"): value for name, value in options.items()}
    return load(given, {}, Path(file) if file else None).settings


class StubWorker:
    """Sockets, one after the other; SIGTERM ends it when nobody is connected, and lets nobody in any more."""

    def __init__(self, place: WorkerPlace, version: str, begin: Callable[[WorkerPlace], None]) -> None:
        self.place = place
        self.version = version
        self.begin = begin
        self.said = place.settings
        self.stopping = False
        self.door = place.door()
        self.selector = selectors.DefaultSelector()

    def run(self) -> int:
        self.begin(self.place)
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writing)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGHUP, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.place.listener.setblocking(False)
        self.selector.register(self.place.listener, selectors.EVENT_READ)
        self.selector.register(reading, selectors.EVENT_READ)
        self.place.ready()
        while not self.stopping or len(self.selector.get_map()) > 1:
            for key, _ in self.selector.select():
                if key.fileobj is self.place.listener:
                    self.accept()
                elif isinstance(key.fileobj, socket.socket):
                    self.answer(key.fileobj)
                else:
                    self.hear(os.read(reading, 100))
        return 0

    def hear(self, numbers: bytes) -> None:
        if signal.SIGHUP in numbers:
            self.said = self.place.reread()
        if signal.SIGTERM in numbers and not self.stopping:
            self.stopping = True
            while self.accept():
                pass
            self.selector.unregister(self.place.listener)
            self.place.listener.close()

    def accept(self) -> bool:
        try:
            accepted, _ = self.place.listener.accept()
        except BlockingIOError:
            return False
        self.door.let_in(1, len(self.selector.get_map()), time.monotonic())
        self.selector.register(accepted, selectors.EVENT_READ)
        return True

    def answer(self, sock: socket.socket) -> None:
        asked = sock.recv(100)
        if asked == b"die\n":
            os.kill(os.getpid(), signal.SIGKILL)
        if asked:
            place = self.place
            who = {"index": place.index, "role": place.role.value, "node": place.node, "engine": place.engine}
            now = {"version": self.version, "pid": os.getpid(), "parent": os.getppid(), "drain": self.said.drain}
            sock.sendall(json.dumps(who | now).encode() + b"\n")
        else:
            self.selector.unregister(sock)
            sock.close()
