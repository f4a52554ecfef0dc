"""Clients that post through kills and restarts, never give up on a post, and write down what they saw.

One thread a client, each with PyPI `websockets`; everything they claim ends in the checker. They know nothing of
the server's inside, and of the store only what its log holds in the end.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import psycopg
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from clients.checker import Checker
from clients.facts import Acknowledged, Began, CaughtUp, Closed, Delivered, Fact, GapTold, Posted, Refused, Stored
from clients.findings import Finding
from tests.harness.people import Frame, open_websocket, register, talk
from tests.harness.server import ServerProcess


class Poster(threading.Thread):
    """One client: posts one message after the other into one room, each until it is acknowledged.

    Parameters
    ----------
    who
        The user's id, as the log names authors.
    websocket_urls
        Where there are servers: another one with each connection.
    pause
        Seconds between an answer and the next post.
    """

    def __init__(self, who: str, websocket_urls: Sequence[str], token: str, room: str, pause: float = 0.002) -> None:
        super().__init__(name=who, daemon=True)
        self.who = who
        self.facts: list[Fact] = []
        self.acknowledged = 0
        self.room = room
        self._urls, self._token, self._pause = websocket_urls, token, pause
        self._number = 0
        self._lives = 0
        self._cursor: Frame | None = None
        self._ending = threading.Event()
        self._given_up = threading.Event()
        self._chance = random.Random(who)  # its own: hypothesis watches the shared one

    def finish(self) -> None:
        """Get the last post acknowledged, then end."""
        self._ending.set()

    def give_up(self) -> None:
        """End when the connection does, with or without an answer."""
        self._ending.set()
        self._given_up.set()

    def run(self) -> None:
        while not (self._ending.is_set() and self._is_idle) and not self._given_up.is_set():
            self._lives += 1
            connection = (self.who, self._lives)
            try:
                with open_websocket(self._urls[self._lives % len(self._urls)]) as websocket:
                    self._talk(websocket, connection)
            except (WebSocketException, OSError, TimeoutError, EOFError):
                time.sleep(self._chance.uniform(0.02, 0.1))
            self.facts.append(Closed(connection, time.monotonic()))

    _is_idle = True

    def _talk(self, websocket: ClientConnection, connection: tuple[str, int]) -> None:
        resume = {} if self._cursor is None else {"resume": {self.room: self._cursor}}
        websocket.send(json.dumps({"op": "hello", "token": self._token} | resume))
        self._hear_until(websocket, connection, "resumed" if resume else "welcome")
        while not (self._ending.is_set() and self._is_idle):
            self._post(websocket, connection)
            time.sleep(self._pause)

    def _post(self, websocket: ClientConnection, connection: tuple[str, int]) -> None:
        if self._is_idle:
            self._number += 1
            self._is_idle = False
        nonce, text = f"{self.who}-{self._number}", f"{self.who} says {self._number}"
        self.facts.append(Posted(self.who, self.room, nonce, text, connection, time.monotonic()))
        websocket.send(json.dumps({"op": "post", "id": self._number, "room": self.room, "nonce": nonce, "text": text}))
        answer = self._hear_until(websocket, connection, "ok", "error")
        if answer["op"] == "ok":
            self.facts.append(Acknowledged(self.who, self.room, nonce, answer["seq"], duplicate=answer["duplicate"]))
            self.acknowledged += 1
            self._is_idle = True
        else:
            self.facts.append(Refused(self.who, self.room, nonce))
            time.sleep(answer.get("retry_after", 100) / 1000)

    def _hear_until(self, websocket: ClientConnection, connection: tuple[str, int], *ops: str) -> Frame:
        while True:
            frame: Frame = json.loads(websocket.recv(timeout=20))
            self._note(frame, connection)
            if frame["op"] in ops:
                return frame

    def _note(self, frame: Frame, connection: tuple[str, int]) -> None:
        match frame:
            case {"op": "welcome", "rooms": rooms} if self._cursor is None:
                info = next(room for room in rooms if room["room"] == self.room)
                self._cursor = {"log": info["log"], "seq": info["last_seq"]}
                self.facts.append(Began(self.who, self.room, info["last_seq"]))
            case {"op": "resumed", "recovered": True, "to": through}:
                self.facts.append(CaughtUp(self.who, self.room, through))
            case {"op": "resumed", "last_seq": through}:
                self.facts.append(GapTold(self.who, self.room, through))
                self._move_to(through)
            case {"op": "message", "seq": seq, "from": author, "nonce": nonce, "text": text}:
                self.facts.append(
                    Delivered(self.who, self.room, seq, author["user"], nonce, text, connection, time.monotonic())
                )
                self._move_to(seq)
            case {"op": "joined" | "left", "seq": seq}:
                self.facts.append(Delivered(self.who, self.room, seq))
                self._move_to(seq)

    def _move_to(self, seq: int) -> None:
        assert self._cursor is not None
        self._cursor["seq"] = max(seq, self._cursor["seq"])


def gather(*servers: ServerProcess, count: int) -> list[Poster]:
    """So many people in two rooms, not yet posting. Of several servers they begin at each in turn."""
    server = servers[0]
    people = [register(server.url, f"poster{n}") for n in range(count)]
    rooms: list[str] = []
    for host in (0, 1):
        guests = [user for n, (user, _) in enumerate(people) if n % 2 == host and n != host]
        with talk(server.websocket_url, people[host][1]) as talker:
            created = talker.ask("create_room", kind="group", name="Kill", members=guests, nonce=f"k-{host}")
            rooms.append(created["room"])
    urls = [each.websocket_url for each in servers]
    return [
        Poster(user, urls[n % len(urls) :] + urls[: n % len(urls)], token, rooms[n % 2])
        for n, (user, token) in enumerate(people)
    ]


def wait_for(posters: list[Poster], seconds: float) -> list[str]:
    """Who did not get the last post acknowledged in time. They give up when the server goes."""
    end = time.monotonic() + seconds
    for poster in posters:
        poster.join(max(0.0, end - time.monotonic()))
    late = [poster for poster in posters if poster.is_alive()]
    for poster in late:
        poster.give_up()
    return [poster.who for poster in late]


_LOGS = "SELECT room_id, seq, kind, user_id, nonce, text FROM entries ORDER BY room_id, seq"


def stored_facts(database: Path) -> list[Stored]:
    """Every entry of every log, read from the file with the standard library's own SQLite."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return _stored(connection.execute(_LOGS))


def stored_in_postgres(url: str) -> list[Stored]:
    """The same of a PostgreSQL database."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return _stored(connection.execute(_LOGS))


def _stored(rows: Iterable[tuple[Any, ...]]) -> list[Stored]:
    return [
        Stored(room, seq, author, nonce, text) if kind == "message" else Stored(room, seq)
        for room, seq, kind, author, nonce, text in rows
    ]


def judge(posters: list[Poster], stored: Iterable[Stored]) -> list[Finding]:
    """All that the posters claim, held against the log."""
    checker = Checker()
    for fact in chain(*(poster.facts for poster in posters), stored):
        checker.feed(fact)
    return checker.findings()
