"""The gateway alone: memory of an idle connection, and CPU of a delivery beside a loop of `sock.send`.

`python -m tests.bench.gateway_quick` prints one JSON object a figure. Behind the gateway stand sessions that do nothing
but pass on, and one room that tells them all: so what is measured is the way from a room to the sockets, not what the
chat does. The other figures here measure the whole server; this one says which part of them is the gateway's.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import time
from functools import partial

import trio

from actors import Actor, ActorSpec, Address, DynamicSpec, FreezePolicy, Restart, SupervisorSpec, TaskSpec, run
from server.gateway.asgi import Message, Receive, Send
from server.gateway.connection import Connection
from server.gateway.gateway import Gateway
from server.gateway.heartbeats import Heartbeats
from server.gateway.limits import GatewayLimits
from server.gateway.listener import Listener
from server.gateway.parsing import ParserPool
from server.gateway.reactor import Reactor
from server.protocol.entries import MessageEntry
from server.protocol.objects import User
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Limits, Pong, Welcome
from server.sessions.messages import Open, Said
from server.store.questions import Done
from server.store.user_messages import FindIdentity, Identity
from tests.bench import measure
from tests.bench.crowd import Crowd
from tests.bench.gateway.contestants import MEMBERS, Contestant, event_of, frame_bytes, loop
from tests.bench.gateway.delivering import delivering_round, warm
from tests.bench.gateway.figures import FLOOR, medians
from tests.bench.stage import CLIENT_CPU, pinned, started, tell

FEW, MANY = 1_000, 7_000
SOME_TEXT = "x" * 100
SERVE = (sys.executable, "-m", "tests.bench.gateway_quick", "--serve")


# --- the server process ------------------------------------------------------------------------------------------


class EveryToken:
    """Every token is good, and stands for a session of its own."""

    def __init__(self) -> None:
        self._given = 0

    def tell(self, question: object, /) -> bool:
        assert isinstance(question, FindIdentity)
        self._given += 1
        me = User(user=f"u_{self._given}", name="x")
        identity = Identity(user=me, session=f"s_{self._given}", device=None, administrator=False)
        return question.reply_to.answer(Done(question.ref, identity))


class PassingSession(Actor):
    """Welcomes its connection, and passes on what the room tells it."""

    __slots__ = ("_connection",)

    def __init__(self, identity: Identity) -> None:
        self._connection: Address | None = None

    def receive(self, message: object) -> None:
        match message:
            case Outgoing() if self._connection is not None:
                self._connection.tell(message)
            case Open():
                self._connection = message.connection
                self.watch(message.connection)
                message.connection.tell(Outgoing([WELCOME]))
                self._room().tell(self.address)
            case Said():
                self._room().tell("go")
                message.connection.tell(Outgoing([Pong()], answers=1))
            case _:
                self.stop()

    def _room(self) -> Address:
        room = self.system.whereis("room")
        assert room is not None
        return room


class OneRoom(Actor):
    """Tells one message to all sessions, each time it is told to."""

    __slots__ = ("_seq", "_sessions")

    def __init__(self) -> None:
        self._sessions: list[Address] = []
        self._seq = 0

    def receive(self, message: object) -> None:
        if isinstance(message, Address):
            self._sessions.append(message)
            return
        self._seq += 1
        entry = MessageEntry(
            room="r_1", seq=self._seq, at="2026-01-01T00:00:00.000Z", from_=SENDER, text=SOME_TEXT, reactions=()
        )
        delivery = Outgoing([entry])
        for session in self._sessions:
            session.tell(delivery)


SENDER = User(user="u_1", name="ann")
WELCOME = Welcome(
    me=SENDER,
    session="s",
    node="n",
    heartbeat=900_000,
    features=(),
    limits=Limits(frame=65_536, text=4_000, unanswered=32),
    rooms=[],
)


async def no_app(_scope: Message, _receive: Receive, _send: Send) -> None:
    raise NotImplementedError


def serve() -> None:
    """Print the port, and serve until the input ends."""
    limits = GatewayLimits(
        heartbeat_seconds=900.0, max_connections=19_000, max_connections_per_address=19_000,
        connects_per_second=1_000_000, connects_per_second_per_address=1_000_000,
    )  # fmt: skip
    reactor = Reactor()
    gateway = Gateway(
        limits=limits, reactor=reactor, parsers=ParserPool(limits.partial_bytes), reader=EveryToken(), app=no_app
    )
    listening = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    tree = SupervisorSpec(
        "gateway",
        [
            ActorSpec("room", OneRoom, name="room"),
            DynamicSpec("sessions", PassingSession),
            TaskSpec("reactor", reactor.run),
            TaskSpec("heartbeats", Heartbeats(reactor, limits).run),
            DynamicSpec("connections", partial(Connection, gateway), restart=Restart.TEMPORARY),
            TaskSpec("listener", Listener(gateway, [listening]).run),
        ],
    )
    print(listening.getsockname()[1], flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        trio.run(partial(run, tree, freeze=FreezePolicy()))


# --- the client process ------------------------------------------------------------------------------------------


def idle_memory(rest: float) -> None:
    with started(*SERVE) as (server, address):
        crowd = Crowd()
        memory = {}
        used_before, begin = measure.cpu_seconds(server.pid), time.perf_counter()
        for number in range(1, MANY + 1):
            crowd.connect(address, [("t", None)])
            if number == FEW:
                crowd.run(lambda: False, rest)
                memory[FEW] = measure.proportional_memory(server.pid)
                used_before, begin = measure.cpu_seconds(server.pid), time.perf_counter()
        taken, used = time.perf_counter() - begin, measure.cpu_seconds(server.pid) - used_before
        crowd.run(lambda: False, rest)
        memory[MANY] = measure.proportional_memory(server.pid)
        crowd.close()
    tell(
        "gateway_idle_connection",
        bytes_per_connection=round((memory[MANY] - memory[FEW]) / (MANY - FEW)),
        server_us_per_connect=round(used / (MANY - FEW) * 1e6),
        connects_per_second_one_by_one=round((MANY - FEW) / taken),
    )


def deliveries(rounds: int, seconds: float) -> None:
    """Interleaved: what else runs on this machine hits all of them alike."""
    with contextlib.closing(Crowd()) as crowd, started(*SERVE) as (server, address):
        peers = crowd.connect(address, [("t", None)] * MEMBERS)
        gateway = Contestant("gateway", server.pid, peers, lambda: peers[0].say(b'{"op":"rooms"}'), b'{"op":"message"')
        with loop(crowd, FLOOR, frame_bytes(event_of(crowd, gateway))) as floor:
            warm(crowd, [gateway, floor])
            pairs = [(gateway, floor)]
            found = medians(each for _ in range(rounds) for each in delivering_round(crowd, pairs, [], seconds))
    for who, figures in found.items():
        tell("gateway_delivery", who=who, **figures)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--serve", action="store_true", help="be the server (the benchmark starts it)")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=1.0, help="length of one turn in a round")
    arguments.add_argument("--rest", type=float, default=3.0, help="seconds before memory is read")
    given = arguments.parse_args()
    if given.serve:
        serve()
        return
    with pinned(CLIENT_CPU):
        idle_memory(given.rest)
        deliveries(given.rounds, given.seconds)


if __name__ == "__main__":
    main()
