"""Every kind of broken promise is found through the ledgers of several processes, as by a checker that is told all.

A server is played that keeps its promises, but for one. Its clients are those of three processes, each with a ledger of
its own; beside them a checker is fed with every single fact.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.checker import Checker
from clients.endpoint import endpoint_of
from clients.facts import Acknowledged, Began, CaughtUp, Closed, Delivered, GapTold, Posted, Refused, Stored
from clients.findings import Finding, Kind
from loadtest.accounts import Accounts
from loadtest.crowd.members import Members
from loadtest.crowd.standing import READY, Standing
from loadtest.crowd.watcher import Watcher
from loadtest.ledger import Ledger, Reader
from server.protocol.entries import Joined, MessageEntry
from server.protocol.errors import ErrorCode
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Hello
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.protocol.replies import Error, Ok, Resumed
from tests.harness.played import AT, Numbered, commands, frames, message, switched, welcome

PROCESSES, PEOPLE, ROOMS = 3, 7, 2
DEADLINE_PASSED = 11.0
ENDPOINT = endpoint_of("http://127.0.0.1:1")
ROSTER = Numbered(ROOMS)


class Process:
    """One of several that play clients: every third of the people."""

    def __init__(self, nth: int) -> None:
        self.ledger = Ledger()
        self.members = Members(ROSTER, Standing(range(nth, PEOPLE, PROCESSES)), Watcher(), self.ledger, self)

    def is_open(self, slot: int) -> None:
        pass

    def retry_in(self, slot: int, seconds: float) -> None:
        pass

    def leave_in(self, slot: int, after: int, window: int) -> None:
        raise AssertionError("nobody asked for it")

    def export(self) -> bytes:
        members = self.members
        return self.ledger.export(
            Reader(members.numbers[slot], room, began, reached, members.states[slot] & READY > 0)
            for slot, room, began, reached in members.everywhere()
        )


@dataclass
class World:
    """The played server, its clients, and the checker that is told everything."""

    chance: Random
    clock: float = 100.0
    processes: list[Process] = field(default_factory=lambda: [Process(nth) for nth in range(PROCESSES)])
    checker: Checker = field(default_factory=Checker)
    logs: dict[str, list[Stored]] = field(default_factory=lambda: defaultdict(list))
    sent: dict[str, list[AnyEvent]] = field(default_factory=lambda: defaultdict(list))

    def member(self, number: int) -> tuple[Members, int]:
        return self.processes[number % PROCESSES].members, number // PROCESSES

    def connection(self, number: int) -> tuple[str, int]:
        members, slot = self.member(number)
        return ROSTER.user(number), members.lives[slot]

    # --- what the server does as it should ---

    def arrive(self, number: int) -> list[Post]:
        """It connects, and recovers what it missed. What it says again is returned."""
        members, slot = self.member(number)
        (hello,) = commands(members.receive(slot, switched(members.begin(slot, ENDPOINT, self.clock))))
        assert isinstance(hello, Hello)
        heads = [len(self.sent[f"r_{room}"]) for room in range(ROOMS)]
        said = self.tell(number, welcome(*heads))
        for nth, head in enumerate(heads):
            room = f"r_{nth}"
            if room not in (hello.resume or {}):
                self.checker.feed(Began(ROSTER.user(number), room, head))
                continue
            for event in self.sent[room][hello.resume[room].seq :]:
                self.tell(number, event)
            if self.chance.random() < 0.2:
                said += self.tell(number, Resumed(room=room, recovered=False, last_seq=head))
                self.checker.feed(GapTold(ROSTER.user(number), room, head))
            else:
                said += self.tell(number, Resumed(room=room, recovered=True, to=head, last_seq=head))
                self.checker.feed(CaughtUp(ROSTER.user(number), room, head))
        return said

    def leave(self, number: int) -> None:
        members, slot = self.member(number)
        if members.speeches.unanswered(slot):
            self.checker.feed(Closed(self.connection(number), self.clock))
        members.lost(slot)

    def tell(self, number: int, event: AnyEvent) -> list[Post]:
        """Say something to one client. An entry is a fact; what the client says is, too."""
        if isinstance(event, MessageEntry):
            entry = event.room, event.seq, event.from_.user, event.nonce, event.text
            self.checker.feed(Delivered(ROSTER.user(number), *entry, self.connection(number), self.clock))
        elif isinstance(event, Joined):
            self.checker.feed(Delivered(ROSTER.user(number), event.room, event.seq))
        members, slot = self.member(number)
        return self.heard(number, members.receive(slot, frames(event)))

    def heard(self, number: int, said: bytes) -> list[Post]:
        posts = [command for command in commands(said) if isinstance(command, Post)]
        for post in posts:
            fact = Posted(ROSTER.user(number), post.room, post.nonce, post.text, self.connection(number), self.clock)
            self.checker.feed(fact)
        return posts

    def posts(self, number: int, room: int) -> Post:
        members, slot = self.member(number)
        (post,) = self.heard(number, members.speeches.post(slot, room, "said", ""))
        return post

    def entry(self, number: int, post: Post) -> MessageEntry:
        room = int(post.room[2:])
        return message(len(self.sent[post.room]) + 1, post.text, post.nonce, room, ROSTER.user(number))

    def store(self, entry: MessageEntry) -> None:
        self.logs[entry.room].append(Stored(entry.room, entry.seq, entry.from_.user, entry.nonce, entry.text))

    def answer(self, number: int, post: Post, seq: int, *, duplicate: bool = False) -> None:
        who = ROSTER.user(number), post.room, post.nonce
        self.checker.feed(Acknowledged(*who, seq, duplicate))
        self.tell(number, Ok(id=post.id, room=post.room, seq=seq, at=AT, duplicate=duplicate))

    def refuse(self, number: int, post: Post, code: ErrorCode) -> None:
        self.checker.feed(Refused(ROSTER.user(number), post.room, post.nonce, final=code is ErrorCode.FORBIDDEN))
        self.tell(number, Error(id=post.id, code=code, message="no"))

    def deliver(self, entry: MessageEntry | Joined, but: int | None = None) -> None:
        """To everybody who is there, but one."""
        self.sent[entry.room].append(entry)
        for number in range(PEOPLE):
            if number != but and self.is_here(number):
                self.tell(number, entry)

    def is_here(self, number: int) -> bool:
        members, slot = self.member(number)
        return bool(members.states[slot] & READY)

    # --- what goes on ---

    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            self.clock += 0.5
            self.chance.choice([self.a_post, self.a_post, self.a_join, self.a_return, self.a_lost_answer])()

    def somebody(self) -> int:
        return self.chance.choice([number for number in range(PEOPLE) if self.is_here(number)])

    def a_post(self) -> None:
        number = self.somebody()
        post = self.posts(number, self.chance.randrange(ROOMS))
        if self.chance.random() < 0.2:
            self.refuse(number, post, ErrorCode.UNAVAILABLE)
            members, slot = self.member(number)
            (post,) = self.heard(number, members.speeches.retry(slot))
        entry = self.entry(number, post)
        self.store(entry)
        self.answer(number, post, entry.seq)
        self.deliver(entry)

    def a_join(self) -> None:
        room = f"r_{self.chance.randrange(ROOMS)}"
        joined = Joined(room=room, seq=len(self.sent[room]) + 1, user=User(user="u_x", name="x"), at=AT)
        self.logs[room].append(Stored(room, joined.seq))
        self.deliver(joined)

    def a_return(self) -> None:
        number = self.somebody()
        self.leave(number)
        if self.chance.random() < 0.5:
            self.a_post()
        self.arrive(number)

    def a_lost_answer(self) -> None:
        number = self.somebody()
        post = self.posts(number, 0)
        entry = self.entry(number, post)
        self.store(entry)
        self.leave(number)
        self.deliver(entry)
        again = next(said for said in self.arrive(number) if said.id == post.id)
        self.answer(number, again, entry.seq, duplicate=True)

    # --- the end ---

    def found(self) -> tuple[list[Finding], list[Finding]]:
        """By the checker that was told everything, and by the accounts."""
        for log in self.logs.values():
            for stored in log:
                self.checker.feed(stored)
        rooms = [ROSTER.room(room) for room in range(ROOMS)]
        ends = {room: max((entry.seq for entry in self.logs[room]), default=0) for room in rooms}
        for number in range(PEOPLE):
            for room in rooms:
                if self.is_here(number):
                    self.checker.feed(CaughtUp(ROSTER.user(number), room, ends[room]))
        accounts = Accounts([process.export() for process in self.processes], ROSTER)
        condensed = [finding for room in accounts.rooms() for finding in accounts.judge(room, self.logs[room])]
        return self.checker.findings(self.clock), condensed


Fault = Callable[[World, int, Post], None]


def forgets(world: World, number: int, post: Post) -> None:
    world.answer(number, post, len(world.sent[post.room]) + 1)


def stores_twice(world: World, number: int, post: Post) -> None:
    for first in (True, False):
        entry = world.entry(number, post)
        world.store(entry)
        if first:
            world.answer(number, post, entry.seq)
        world.deliver(entry)


def delivers_twice(world: World, number: int, post: Post) -> None:
    properly(world, number, post)
    world.tell(world.somebody(), world.sent[post.room][-1])


def delivers_what_is_not_stored(world: World, number: int, post: Post) -> None:
    world.refuse(number, post, ErrorCode.FORBIDDEN)
    entry = world.entry(number, post)
    world.deliver(entry)
    world.logs[post.room].append(Stored(post.room, entry.seq))


def delivers_what_is_nowhere(world: World, number: int, post: Post) -> None:
    properly(world, number, post)
    ahead = len(world.sent[post.room]) + 1_000
    world.tell(world.somebody(), message(ahead, "from nowhere", "x", int(post.room[2:])))


def changes_the_content(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    changed = message(entry.seq, f"{post.text}!", post.nonce, int(post.room[2:]), ROSTER.user(number))
    world.store(changed)
    world.answer(number, post, entry.seq)
    world.deliver(changed)


def delivers_other_content_than_it_stores(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.answer(number, post, entry.seq)
    world.deliver(message(entry.seq, f"{post.text}!", post.nonce, int(post.room[2:]), ROSTER.user(number)))


def says_that_somebody_else_wrote_it(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.answer(number, post, entry.seq)
    world.deliver(message(entry.seq, post.text, post.nonce, int(post.room[2:]), "u_mallory"))


def tells_one_reader_something_else(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.answer(number, post, entry.seq)
    other = world.somebody()
    world.deliver(entry, but=other)
    world.tell(other, message(entry.seq, f"{post.text}?", post.nonce, int(post.room[2:]), ROSTER.user(number)))


def reorders(world: World, number: int, post: Post) -> None:
    reader = world.somebody()
    entry = world.entry(number, post)
    world.store(entry)
    world.answer(number, post, entry.seq)
    world.deliver(entry, but=reader)
    joined = Joined(room=post.room, seq=entry.seq + 1, user=User(user="u_x", name="x"), at=AT)
    world.logs[post.room].append(Stored(post.room, joined.seq))
    world.deliver(joined)
    world.tell(reader, entry)


def skips_a_reader(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.answer(number, post, entry.seq)
    world.deliver(entry, but=world.somebody())
    properly(world, number, world.posts(number, 0))


def says_all_was_recovered(world: World, number: int, post: Post) -> None:
    properly(world, number, post)
    reader = world.somebody()
    through = len(world.sent[post.room]) + 1
    world.tell(reader, Resumed(room=post.room, recovered=True, to=through, last_seq=through))
    world.checker.feed(CaughtUp(ROSTER.user(reader), post.room, through))


def skips_a_seq_in_the_log(world: World, number: int, post: Post) -> None:
    world.answer(number, post, len(world.sent[post.room]) + 1)
    world.deliver(world.entry(number, post))
    properly(world, number, world.posts(number, int(post.room[2:])))


def gives_one_post_two_seqs(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.leave(number)
    world.deliver(entry)
    (again,) = world.arrive(number)
    world.answer(number, again, entry.seq + 100, duplicate=True)


def never_answers(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.deliver(entry)
    world.clock += DEADLINE_PASSED


def refuses_what_it_stores(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.refuse(number, post, ErrorCode.FORBIDDEN)
    world.deliver(entry)


def calls_a_first_answer_a_duplicate(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.answer(number, post, entry.seq, duplicate=True)
    world.deliver(entry)


def properly(world: World, number: int, post: Post) -> None:
    entry = world.entry(number, post)
    world.store(entry)
    world.answer(number, post, entry.seq)
    world.deliver(entry)


FAULTS: dict[Fault, Kind] = {
    forgets: Kind.LOST,
    stores_twice: Kind.STORED_TWICE,
    delivers_twice: Kind.DELIVERED_TWICE,
    delivers_what_is_not_stored: Kind.SEQ_TWICE,
    delivers_what_is_nowhere: Kind.PHANTOM,
    changes_the_content: Kind.FORGED,
    delivers_other_content_than_it_stores: Kind.FORGED,
    says_that_somebody_else_wrote_it: Kind.FORGED,
    tells_one_reader_something_else: Kind.SEQ_TWICE,
    reorders: Kind.DISORDER,
    skips_a_reader: Kind.SILENT_GAP,
    says_all_was_recovered: Kind.SILENT_GAP,
    skips_a_seq_in_the_log: Kind.LOG_GAP,
    gives_one_post_two_seqs: Kind.SEQ_CHANGED,
    never_answers: Kind.UNANSWERED,
    refuses_what_it_stores: Kind.REFUSED_YET_STORED,
    calls_a_first_answer_a_duplicate: Kind.WRONG_DUPLICATE,
}


def played(seed: int, fault: Fault) -> tuple[set[Kind], list[Finding]]:
    """Something goes on, one thing goes wrong (or does not), something goes on: the kinds that the checker finds which
    was told all, and what the accounts find.
    """
    world = World(Random(seed))
    with mock.patch.object(time, "monotonic", side_effect=lambda: world.clock):
        for number in range(PEOPLE):
            world.arrive(number)
        world.go_on(6)
        number = world.somebody()
        fault(world, number, world.posts(number, 0))
        world.go_on(4)
        full, condensed = world.found()
    return {finding.kind for finding in full}, condensed


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_who_keeps_every_promise_is_found_to(seed: int) -> None:
    assert played(seed, properly) == (set(), [])


@pytest.mark.parametrize("fault", FAULTS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_is_found_by_who_is_told_everything_is_found_in_the_accounts(fault: Fault, seed: int) -> None:
    full, condensed = played(seed, fault)
    assert {finding.kind for finding in condensed} == full
    assert FAULTS[fault] in full
    assert all(finding.facts for finding in condensed)


def test_there_is_a_fault_of_every_kind() -> None:
    assert set(FAULTS.values()) == set(Kind)
