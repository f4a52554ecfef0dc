"""SIGTERM and Ctrl-C, as an operator sends them: who is served until when, and that a restart loses nobody anything."""

from __future__ import annotations

import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed

from clients.accounts import register as sign_up
from clients.checker import Checker
from clients.client import open_client
from clients.facts import Acknowledged, Fact
from server.protocol.closing import CloseCode
from tests.bench.crowd import Crowd
from tests.bench.seed import seed
from tests.harness.people import PASSWORD, call, close_code, register, talk
from tests.harness.posters import gather, stored_facts, wait_for
from tests.harness.server import ServerProcess
from tests.harness.witness import talk_and_watch

DATABASE = "hubbub.sqlite3"
LONG = ["--drain", "600"]
"""More time than any of these tests takes: whatever ends does not end by it."""


@pytest.mark.slow
async def test_restarted_under_traffic_everything_acknowledged_is_there_once(data: Path) -> None:
    """Half of the crowd does what `reconnect` asks, half knows no such event. Each restart is under way with posts."""
    people, posts, restarts = 4, 75, 2
    facts: list[Fact] = []
    with ServerProcess(data, options=["--drain", "1.5"]) as server:  # the stubborn stay until it is over
        stubborn = gather(server, count=people)
        accounts = [await sign_up(server.url, f"obedient{n}", PASSWORD) for n in range(people)]
        async with open_client(server.url, accounts[0].token) as host:
            guests = [account.user.user for account in accounts[1:]]
            room = (await host.create_room("group", "Restarts", guests)).room
        for poster in stubborn:
            poster.start()
        with trio.fail_after(90):
            async with trio.open_nursery() as nursery:
                for account in accounts:
                    last = people + people * posts
                    nursery.start_soon(talk_and_watch, server.url, account.token, room, posts, last, facts)
                for restart in range(1, restarts + 1):
                    part = people * posts * restart // (restarts + 1)
                    while sum(isinstance(fact, Acknowledged) for fact in facts) < part:  # noqa: ASYNC110 - a list
                        await trio.sleep(0.01)
                    assert await trio.to_thread.run_sync(server.stop) == 0
                    await trio.to_thread.run_sync(server.start)
        for poster in stubborn:
            poster.finish()
        assert await trio.to_thread.run_sync(wait_for, stubborn, 30) == []
        assert await trio.to_thread.run_sync(server.stop) == 0
    checker = Checker()
    for fact in [*facts, *(fact for poster in stubborn for fact in poster.facts), *stored_facts(data / DATABASE)]:
        checker.feed(fact)
    assert [str(finding) for finding in checker.findings()] == []
    assert sum(isinstance(fact, Acknowledged) for fact in facts) == people * posts
    assert all(poster.acknowledged for poster in stubborn)


def test_while_it_drains_it_is_not_ready_lets_nobody_in_and_serves_those_inside(data: Path) -> None:
    with ServerProcess(data, options=LONG) as server:
        (_, ann_token), (bob, bob_token) = register(server.url, "ann"), register(server.url, "bob")
        with talk(server.websocket_url, ann_token) as ann, talk(server.websocket_url, bob_token) as bob_talks:
            room = ann.ask("create_room", kind="dm", members=[bob], nonce="drain")["room"]
            admin = server.admin_url
            assert call(admin, "/readyz")[0] == 200
            server.process.send_signal(signal.SIGTERM)
            assert ann.expect("reconnect").keys() == {"op", "after", "window"}
            bob_talks.expect("reconnect")
            assert call(admin, "/readyz")[0] == 503
            with socket.socket() as late:
                assert late.connect_ex(server.address) != 0
            assert ann.post(room, "still here")["op"] == "ok"
            assert bob_talks.expect("message")["text"] == "still here"
        assert server.process.wait(20) == 0


def test_who_does_not_leave_is_closed_when_the_time_is_up(data: Path) -> None:
    with ServerProcess(data, options=["--drain", "1.5"]) as server:
        _, token = register(server.url, "ann")
        with talk(server.websocket_url, token) as ann:
            server.process.send_signal(signal.SIGTERM)
            ann.expect("reconnect")
            assert close_code(ann.websocket) == CloseCode.DRAINING
        assert server.process.wait(20) == 0


def test_a_crowd_that_reads_nothing_does_not_make_the_stop_a_bad_one(data: Path) -> None:
    people = seed(data, [500])
    with ServerProcess(data, options=["--drain", "2"]) as server, closing(Crowd()) as crowd:
        crowd.connect(server.address, people.arrivals())
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0


def test_ctrl_c_asks_nobody_and_closes_all_at_once(data: Path) -> None:
    with ServerProcess(data, options=LONG) as server:
        _, token = register(server.url, "ann")
        with talk(server.websocket_url, token) as ann:
            server.process.send_signal(signal.SIGINT)
            with pytest.raises(ConnectionClosed) as closed:
                ann.expect("reconnect")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == CloseCode.DRAINING
        assert server.process.wait(20) == 0


def test_a_second_signal_does_not_wait_for_anybody(data: Path) -> None:
    with ServerProcess(data, options=LONG) as server:
        _, token = register(server.url, "ann")
        with talk(server.websocket_url, token) as ann:
            server.process.send_signal(signal.SIGTERM)
            ann.expect("reconnect")
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(20) == -signal.SIGINT
            assert close_code(ann.websocket) == 1006
