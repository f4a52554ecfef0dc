"""How logs are read and by whom; what is not looked at, and how a finding is told."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from threading import Thread

import pytest

from clients.checker import Checker
from clients.endpoint import Endpoint, endpoint_of
from clients.facts import Acknowledged, Delivered, Fact, Followed, Opened, Posted, Stored
from clients.findings import Finding, Kind
from loadtest.crowd.entries import Entry
from loadtest.ledger import Ledger
from loadtest.people import People
from loadtest.scenarios import machine
from loadtest.scenarios.logs import LogReader, Unreadable
from loadtest.scenarios.telling import in_words
from loadtest.scenarios.verdict import judge, reading_plan
from tests.loadtest.scenarios.double import Double, Lie

PEOPLE = People.made(30, "all,each:10")


@pytest.fixture
def double() -> Iterator[Double]:
    with Double(PEOPLE) as running:
        yield running


def ledger_of_a_post() -> bytes:
    """Of a process whose only person said something in the room of all."""
    ledger = Ledger()
    ledger.was_posted(0, PEOPLE.room(0), 1, "hello", 1, time.monotonic())
    return ledger.export([])


# --- who reads ---


def test_few_members_read_many_rooms() -> None:
    assert reading_plan(PEOPLE, [0, 1, 2, 3]) == {0: [0, 1], 10: [2], 20: [3]}
    assert reading_plan(PEOPLE, [2]) == {10: [2]}


def test_without_every_ledger_nothing_is_judged_and_that_is_said(double: Double) -> None:
    verdict = judge(PEOPLE, [double.endpoint], [ledger_of_a_post(), b""])
    assert verdict.unchecked == ["1 of 2 processes did not tell what they saw"]
    assert judge(PEOPLE, [double.endpoint], []).unchecked


def test_a_server_that_is_gone_leaves_all_logs_unchecked() -> None:
    with Double(PEOPLE) as gone:
        endpoint = gone.endpoint
    (unchecked,) = judge(PEOPLE, [endpoint], [ledger_of_a_post()]).unchecked
    assert unchecked.startswith(f"the log of {PEOPLE.room(0)}: no connection")


def test_there_is_an_end_to_reading(double: Double) -> None:
    verdict = judge(PEOPLE, [double.endpoint], [ledger_of_a_post()], seconds=0.0)
    assert (verdict.rooms_read, len(verdict.unchecked)) == (0, 1)
    assert "no time left" in verdict.unchecked[0]


def test_a_room_that_the_people_do_not_know_is_not_left_out_silently(double: Double) -> None:
    ledger = Ledger()
    ledger.was_shown(0, Entry("r_elsewhere", 1))
    verdict = judge(PEOPLE, [double.endpoint], [ledger.export([])])
    assert verdict.unchecked == ["the log of r_elsewhere: the people know of no such room"]


def test_what_nobody_posted_there_is_nothing_to_be_judged(double: Double) -> None:
    verdict = judge(PEOPLE, [double.endpoint], [Ledger().export([])])
    assert (verdict.findings, verdict.unchecked, verdict.rooms_read) == ([], [], 0)


def test_a_log_is_refused_with_the_same_words_for_the_same_reason() -> None:
    with (
        Double(PEOPLE, Lie.HIDES) as hiding,
        LogReader(hiding.endpoint, PEOPLE.token(0), time.monotonic() + 10.0) as log,
        pytest.raises(Unreadable, match="answers `log` with forbidden"),
    ):
        list(log.read(PEOPLE.room(0), 0))


def test_a_reader_comes_again_while_the_server_is_full_and_not_where_it_is_unwelcome() -> None:
    statuses = ["503 Service Unavailable", "503 Service Unavailable", "403 Forbidden"]

    def refuse(listener: socket.socket) -> None:
        for status in statuses:
            sock, _ = listener.accept()
            with sock:
                sock.recv(4_096)
                sock.sendall(f"HTTP/1.1 {status}\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = Thread(target=refuse, args=(listener,))
        refusing.start()
        endpoint = endpoint_of(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(Unreadable, match="403"):
            LogReader(endpoint, PEOPLE.token(0), time.monotonic() + 30.0)
        refusing.join(10)


# --- the log from where a run began ---


def test_what_a_log_holds_from_before_is_nobodys_promise() -> None:
    checker = Checker()
    checker.feed(Opened("r", 7))
    checker.feed(Stored("r", 8))
    assert checker.findings() == []
    checker.feed(Stored("r", 10))
    assert [finding.kind for finding in checker.findings()] == [Kind.LOG_GAP]


# --- in words ---


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((Acknowledged("u_a", "r", "n1", 3),), "u_a was told that n1 is entry 3."),
        ((Posted("u_a", "r", "n1", "c0", at=-2.5),), "u_a posted n1 (digest of the text: c0), 2.5 s before the end."),
        ((Delivered("u_b", "r", 4, "u_a", "n1", "c0"),), "u_b was given entry 4: n1 of u_a (digest of the text: c0)."),
        ((Stored("r", 4),), "the log holds as entry 4: no message."),
        (
            (Followed("u_b", "r", 2, 9, readers=500),),
            "u_b and 499 others were given entries 3 to 9, each once and in order.",
        ),
    ],
)
def test_facts_are_sentences(facts: tuple[Fact, ...], words: str) -> None:
    assert in_words(Finding(Kind.LOST, "r", facts)) == f"acknowledged, and not in the log. {words}"


# --- the machine ---


def test_who_listens_is_found_and_what_they_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert machine.listening_processes([Endpoint("127.0.0.1", port, tls=False)]) == [os.getpid()]
    assert machine.listening_processes([Endpoint("127.0.0.1", port, tls=False)]) == []


def test_between_two_looks_shares_are_told_and_nothing_where_the_time_is_too_short() -> None:
    before = machine.Look(at=10.0, busy=100.0, idle=50.0, disk=1.0, servers={1: 5.0, 2: 5.0, 3: 1.0})
    after = machine.Look(at=12.0, busy=103.0, idle=51.0, disk=1.5, servers={1: 6.0, 2: 6.8})
    assert machine.between(before, after) == {
        "machine_cpu": pytest.approx(0.75),
        "disk_wait": pytest.approx(0.25),
        "server_cpu": pytest.approx(0.9),
    }
    assert machine.between(before, machine.Look(10.1, 101.0, 50.0, None, {})) == {}


def test_the_present_can_be_looked_at() -> None:
    look = machine.look([os.getpid(), 2**22 + 1])
    assert look.busy > 0
    assert list(look.servers) == [os.getpid()]
