"""Who shares a room of a few is served by one worker: who goes where, and what becomes of the socket."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.accounts.tokens import token_hash
from server.corridors import Corridors, corridors_for
from server.gateway.arrivals import LONGEST_PAUSE, pause_among
from server.gateway.deflate import WIDEST
from server.gateway.dialects import Dialect, dialect
from server.gateway.gathering import Gathering, Move, home_of, is_crowded, move_of
from server.gateway.limits import GatewayLimits
from server.protocol.closing import CloseCode
from server.protocol.codec import JSON, MSGPACK
from server.protocol.hello_commands import Cursor, Hello
from server.sessions.messages import Open
from server.turns import Turns, memory_for
from tests.gateway.doorway import TOKEN, Client, Door, Worker, open_door, text, until

WORKERS = 2
ROOM_OF_1 = next(room for room in map("r_{}".format, range(100)) if home_of(room, WORKERS) == 1)


@pytest.fixture
def turns() -> Iterator[Turns]:
    made = Turns(memory_for(WORKERS), WORKERS)
    yield made
    os.close(made.memory)


@pytest.fixture
def corridors() -> Iterator[Corridors]:
    made = corridors_for(WORKERS)
    yield made
    made.close()


@pytest.fixture
def gathering(turns: Turns, corridors: Corridors) -> Gathering:
    for index in range(WORKERS):
        turns.is_open[index] = turns.is_reached[index] = True
        turns.takes_in[index] = corridors.generation
    return Gathering(0, turns, corridors)


@asynccontextmanager
async def two_doors(
    turns: Turns, corridors: Corridors, limits: GatewayLimits | None = None
) -> AsyncIterator[tuple[Door, Door]]:
    """Ann comes to the first, and is gathered with others at the second."""
    async with (
        open_door(worker=Worker(0, turns, corridors)) as first,
        open_door(limits, worker=Worker(1, turns, corridors)) as second,
    ):
        for door in (first, second):
            door.reader.gathers_in = ROOM_OF_1
        yield first, second


# --- who goes where ----------------------------------------------------------------------------------------------


@given(st.text(), st.integers(1, 200))
def test_everybody_finds_the_same_home(room: str, workers: int) -> None:
    assert home_of(room, workers) == home_of(room, workers)
    assert 0 <= home_of(room, workers) < workers


def test_homes_are_spread() -> None:
    homes = [home_of(f"r_{number:022d}", 10) for number in range(10_000)]
    assert all(800 < homes.count(worker) < 1_200 for worker in range(10))


def test_somebody_goes_to_the_home_of_their_room(gathering: Gathering) -> None:
    assert gathering.worker_for(ROOM_OF_1) == 1


def test_who_is_at_home_stays(turns: Turns, corridors: Corridors, gathering: Gathering) -> None:
    assert Gathering(1, turns, corridors).worker_for(ROOM_OF_1) is None


@pytest.mark.parametrize("trouble", ["gone", "full", "leaving", "of another program", "crowded"])
def test_nobody_is_sent_where_they_are_not_welcome(turns: Turns, gathering: Gathering, trouble: str) -> None:
    match trouble:
        case "gone":
            turns.is_reached[1] = False
        case "full":
            turns.is_full[1] = True
        case "leaving":
            turns.takes_in[1] = 0
        case "of another program":
            turns.takes_in[1] ^= 1
        case _:
            turns.people[1] = 3_000
    assert gathering.worker_for(ROOM_OF_1) is None


def test_who_is_behind_takes_in_later_those_who_belong_there(turns: Turns, gathering: Gathering) -> None:
    turns.is_open[1] = False
    assert gathering.worker_for(ROOM_OF_1) == 1


@given(st.floats(0, 20_000))
def test_chance_is_no_crowd(mean: float) -> None:
    """Rooms of ten fall to workers by chance: five times the deviation of that is not held against one."""
    assert not is_crowded(int(mean + 5 * (10 * mean) ** 0.5), mean)


def test_a_crowd_that_is_spread_over_more_workers_is_looked_at_less_often() -> None:
    pauses = [pause_among(workers) for workers in range(1, 200)]
    assert pauses == sorted(pauses)
    assert 0 < pauses[0] < pauses[-1] == LONGEST_PAUSE


@pytest.mark.parametrize("spoken", [dialect(JSON, None), dialect(MSGPACK, WIDEST)])
def test_what_is_said_of_a_socket_arrives_as_it_was(
    gathering: Gathering, corridors: Corridors, spoken: Dialect
) -> None:
    hello = Hello(token="t", id=7, resume={"r_1": Cursor(log="l", seq=4)}, passive=True, focus="r_1")
    move = Move.of(spoken, "192.0.2.1", b"h" * 32, hello)
    one, other = socket.socketpair()
    with one, other:
        assert gathering.hand_over(1, one.fileno(), move)
    arrived = move_of(corridors.inlet(1).recv(10_000))
    assert (arrived, arrived.dialect) == (move, spoken)


# --- what becomes of the socket ----------------------------------------------------------------------------------


async def test_ann_is_welcomed_by_the_worker_where_her_room_is(turns: Turns, corridors: Corridors) -> None:
    async with two_doors(turns, corridors) as (first, second):
        client = await first.websocket()
        await client.say({"op": "hello", "token": TOKEN, "id": 7, "resume": {"r_1": {"log": "l", "seq": 4}}})
        welcome = await client.hear()
        assert (welcome["op"], welcome["id"]) == ("welcome", 7)
        (opened,) = second.noted(Open)
        assert opened.resume["r_1"].seq == 4
        await until(lambda: not first.connections)
        assert (first.notes, len(second.connections)) == ([], 1)
        assert (first.gateway.counts.handed_over, second.gateway.counts.arrived) == (1, 1)
        assert (first.gateway.counts.opening, first.gateway.reactor.registered) == (0, 0)
        await _is_served(client)


async def test_addresses_are_counted_where_the_socket_is(turns: Turns, corridors: Corridors) -> None:
    async with two_doors(turns, corridors) as (first, second):
        client = await first.welcomed()
        assert (first.gateway.addresses.count("127.0.0.1"), second.gateway.addresses.count("127.0.0.1")) == (0, 1)
        client.reset()
        await until(lambda: not second.connections)
        assert second.gateway.addresses.count("127.0.0.1") == 0


async def test_nobody_is_handed_over_twice(turns: Turns, corridors: Corridors) -> None:
    """The second would send her back, if it asked."""
    async with two_doors(turns, corridors) as (first, second):
        second.reader.gathers_in = next(room for room in map("r_{}".format, range(100)) if home_of(room, WORKERS) == 0)
        await _is_served(await first.welcomed())
        assert (first.gateway.counts.arrived, second.gateway.counts.arrived) == (0, 1)


async def test_whose_token_was_revoked_on_the_way_is_not_let_in(turns: Turns, corridors: Corridors) -> None:
    async with two_doors(turns, corridors) as (first, second):
        second.reader.revoked = token_hash(TOKEN)
        client = await first.websocket()
        await client.say({"op": "hello", "token": TOKEN})
        assert await client.close_code() == CloseCode.TOKEN_REVOKED
        assert second.gateway.counts.arrived == 1


async def test_who_has_said_more_than_hello_stays_and_is_answered(turns: Turns, corridors: Corridors) -> None:
    """Part of a frame was heard here: nobody else could understand the rest."""
    async with two_doors(turns, corridors) as (first, second):
        client = await first.websocket()
        ping = text('{"op":"ping","id":9}')
        await client.send(text(f'{{"op":"hello","token":"{TOKEN}"}}') + ping[:5])
        assert (await client.hear())["op"] == "welcome"
        await client.send(ping[5:])
        assert (await client.hear())["op"] == "pong"
        assert (len(first.connections), len(second.connections)) == (1, 0)


async def test_what_is_said_meanwhile_is_heard_by_the_other_worker(turns: Turns, corridors: Corridors) -> None:
    async with two_doors(turns, corridors) as (first, second):
        client = await first.websocket()
        await client.say({"op": "hello", "token": TOKEN})
        await client.say({"op": "ping", "id": 9})
        heard = {(await client.hear())["op"], (await client.hear())["op"]}
        assert heard <= {"welcome", "pong", "error"}
        await _is_served(client)
        assert len(first.connections) + len(second.connections) == 1


async def test_where_nobody_takes_them_in_they_stay(turns: Turns, corridors: Corridors) -> None:
    async with two_doors(turns, corridors) as (first, second):
        turns.is_reached[1] = False
        await _is_served(await first.welcomed())
        assert (len(first.connections), len(second.connections)) == (1, 0)


async def test_a_worker_that_is_full_closes_them_and_says_why(turns: Turns, corridors: Corridors) -> None:
    """It was not known to be, when she was sent there."""
    async with two_doors(turns, corridors, GatewayLimits(max_connections=0)) as (first, second):
        client = await first.websocket()
        await client.say({"op": "hello", "token": TOKEN})
        assert await client.close_code() == CloseCode.OVER_CAPACITY
        assert second.gateway.counts.arrived == 0
        assert turns.is_full[1]


async def test_who_departs_takes_in_who_has_arrived_and_then_nobody(turns: Turns, corridors: Corridors) -> None:
    async with two_doors(turns, corridors) as (first, second):
        assert turns.takes_in[1] == corridors.generation
        second.gateway.departure.begin()
        await until(lambda: turns.takes_in[1] == 0)
        await _is_served(await first.welcomed())
        assert (len(first.connections), len(second.connections)) == (1, 0)


async def test_words_that_are_not_understood_cost_one_socket_only(turns: Turns, corridors: Corridors) -> None:
    async with two_doors(turns, corridors) as (first, second):
        one, other = socket.socketpair()
        with one, other:
            corridors.hand_over(1, b"\xc1", one.fileno())
            one.close()
            await until(lambda: other.recv(1) == b"" if _readable(other) else False)
        await _is_served(await first.welcomed())
        assert second.gateway.counts.arrived == 1


async def _is_served(client: Client) -> None:
    await client.say({"op": "ping", "id": 1})
    while (heard := await client.hear())["op"] != "pong" or heard["id"] != 1:
        pass


def _readable(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    return True
