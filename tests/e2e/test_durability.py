"""Acknowledged means on disk: the server killed twenty times, and a wrong server that is caught."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.people import Frame, Talker, register, talk
from tests.harness.posters import Poster, gather, judge, stored_facts, wait_for
from tests.harness.server import ServerProcess

CLIENTS = 10
KILLS = 20
DATABASE = "hubbub.sqlite3"


def kill_while_they_post(server: ServerProcess, posters: list[Poster], kills: int) -> None:
    chance = random.Random(kills)
    for poster in posters:
        poster.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.1, 0.5))
        server.kill()
        server.start()
    for poster in posters:
        poster.finish()


@pytest.mark.slow
def test_killed_twenty_times_nothing_acknowledged_is_lost(data: Path) -> None:
    with ServerProcess(data) as server:
        posters = gather(server, count=CLIENTS)
        kill_while_they_post(server, posters, KILLS)
        assert wait_for(posters, 60) == []
        assert server.stop() == 0
    assert sum(poster.acknowledged for poster in posters) > KILLS * CLIENTS
    assert [str(finding) for finding in judge(posters, stored_facts(data / DATABASE))] == []


@pytest.mark.slow
def test_the_same_check_catches_a_server_that_acknowledges_before_the_commit(data: Path) -> None:
    with ServerProcess(data, program=["-m", "tests.harness.hasty_server"]) as server:
        posters = gather(server, count=CLIENTS)
        kill_while_they_post(server, posters, kills=4)
        wait_for(posters, 10)  # who resumes from what this server has lost may wait for ever
        server.stop()
    assert wait_for(posters, 30) == [], "nobody is left behind"
    kinds = {finding.kind.name for finding in judge(posters, stored_facts(data / DATABASE))}
    assert kinds & {"LOST", "SEQ_TWICE", "PHANTOM", "SEQ_CHANGED"}, kinds


def test_while_another_process_holds_the_write_lock_nobody_hears_of_a_new_post(data: Path) -> None:
    with ServerProcess(data) as server:
        answer, heard = post_under_lock(server, silent_for=1.0)
    assert (answer, heard) == (False, False)


def test_the_same_check_hears_the_server_that_acknowledges_before_the_commit(data: Path) -> None:
    with ServerProcess(data, program=["-m", "tests.harness.hasty_server"]) as server:
        answer, heard = post_under_lock(server, silent_for=3.0)
    assert answer
    assert heard


def post_under_lock(server: ServerProcess, silent_for: float) -> tuple[bool, bool]:
    """Post while somebody else holds the write lock.

    Whether the poster heard an answer, and the other one the message, before the lock was given up; afterwards both
    must come.
    """
    (_, ann_token), (bob, bob_token) = register(server.url, "ann"), register(server.url, "bob")
    with talk(server.websocket_url, ann_token) as ann, talk(server.websocket_url, bob_token) as bob_talks:
        room = ann.ask("create_room", kind="dm", members=[bob], nonce="lock")["room"]
        assert bob_talks.expect("joined")["room"] == room
        bob_talks.expect("joined")
        lock = sqlite3.connect(server.data / DATABASE, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        number = ann.say("post", room=room, nonce="held", text="not yet")
        answered = not silent(ann, silent_for, lambda frame: frame.get("id") == number)
        heard = not silent(bob_talks, 0.2, lambda frame: frame["op"] == "message")
        lock.execute("ROLLBACK")
        lock.close()
        if not answered:
            assert ann.wait(lambda frame: frame.get("id") == number)["op"] == "ok"
        if not heard:
            assert bob_talks.expect("message")["text"] == "not yet"
        return answered, heard


def silent(talker: Talker, seconds: float, wanted: Callable[[Frame], bool]) -> bool:
    """Whether nothing that is wanted arrives for so long."""
    try:
        talker.wait(wanted, seconds)
    except TimeoutError:
        return True
    return False
