"""The project's own client under observation: what it posts and sees becomes facts for the checker."""

from __future__ import annotations

import trio

from clients.client import Client, open_client
from clients.facts import Acknowledged, Began, CaughtUp, Delivered, Fact, GapTold, Posted
from clients.happenings import Missed
from server.protocol.entries import Joined, MessageEntry


class Witness:
    """Writes down what one client posts and sees in one room."""

    def __init__(self, client: Client, room: str, facts: list[Fact]) -> None:
        self.client = client
        self.room = room
        self.facts = facts
        self.who = client.me.user
        # What the welcome said: entries may have come since, and wait to be read.
        facts.append(Began(self.who, room, client.rooms_known[room].last_seq))

    async def post(self, count: int) -> None:
        """A post may be sent more often than it is given, so each counts as tried twice."""
        for number in range(count):
            nonce, text = f"{self.who} {number}", f"{self.who} says {number}"
            self.facts += [Posted(self.who, self.room, nonce, text)] * 2
            posted = await self.client.post(self.room, text, nonce=nonce)
            self.facts.append(Acknowledged(self.who, self.room, nonce, posted.seq, posted.duplicate))

    async def watch(self, until: int) -> None:
        """Read up to the entry `until`."""
        seq = 0
        while seq < until:
            event = await anext(self.client)
            match event:
                case MessageEntry():
                    seq = event.seq
                    author, nonce = event.from_.user, event.nonce
                    self.facts.append(Delivered(self.who, self.room, seq, author, nonce, event.text))
                case Joined():
                    seq = event.seq
                    self.facts.append(Delivered(self.who, self.room, seq))
                case Missed():
                    seq = event.through
                    self.facts.append(GapTold(self.who, self.room, seq))
        self.facts.append(CaughtUp(self.who, self.room, until))


async def talk_and_watch(url: str, token: str, room: str, posts: int, last: int, facts: list[Fact]) -> None:
    """Post so many messages, and read everything up to the entry `last`."""
    async with open_client(url, token) as client:
        witness = Witness(client, room, facts)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(witness.watch, last)
            nursery.start_soon(witness.post, posts)
