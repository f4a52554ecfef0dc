"""The four promises, kept at every step of every history that hypothesis can think of.

Each `seq` follows the one before; the same nonce gets the same `seq`; live entries never overtake recovery; every
reader sees the same order. And what follows for people: nothing acknowledged is lost, nothing comes twice, and the
posts of one person stand in the order in which they were made.
"""

from __future__ import annotations

import trio
import trio.testing
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from server.protocol.events import MessageEntry
from tests.sessions.simulation import Client, World

PEOPLE = 3


class Histories(RuleBasedStateMachine):
    """What can happen to three people in a room."""

    clock: trio.testing.MockClock

    @initialize(mailbox=st.sampled_from([2, 5, 10_000]))
    def begin(self, mailbox: int) -> None:
        self.world = World(PEOPLE, trio.current_time, session_mailbox=mailbox)
        for client in self.world.clients:
            client.connect()
        self.world.run()

    def client(self, number: int) -> Client:
        return self.world.clients[number]

    @rule(number=st.integers(0, PEOPLE - 1), count=st.integers(1, 4))
    def post(self, number: int, count: int) -> None:
        for _ in range(count):
            self.client(number).post()

    @rule(number=st.integers(0, PEOPLE - 1))
    def resend(self, number: int) -> None:
        if self.client(number).may_resend:
            self.client(number).resend()

    @rule(number=st.integers(0, PEOPLE - 1))
    def come_or_go(self, number: int) -> None:
        client = self.client(number)
        if client.socket is None:
            client.connect()
        else:
            client.disconnect()

    @rule(number=st.integers(0, PEOPLE - 1))
    def socket_is_full(self, number: int) -> None:
        if self.client(number).welcomed:
            self.client(number).congest()

    @rule(number=st.integers(0, PEOPLE - 1))
    def socket_drains(self, number: int) -> None:
        self.client(number).drain()

    @rule(which=st.integers(0, 50), count=st.integers(1, 5))
    def someone_handles_messages(self, which: int, count: int) -> None:
        busy = [box for box in self.world.boxes if box.waiting]
        if busy:
            box = busy[which % len(busy)]
            for _ in range(count):
                if box.alive and box.waiting:
                    box.step()

    @rule()
    def all_messages_are_handled(self) -> None:
        self.world.run_messages()

    @precondition(lambda self: self.world.disk.writes)
    @rule(most=st.integers(1, 6))
    def commit(self, most: int) -> None:
        self.world.disk.commit(most, lands=True, says_so=True)

    @precondition(lambda self: self.world.disk.writes)
    @rule(most=st.integers(1, 6), lands=st.booleans())
    def commit_with_unknown_outcome(self, most: int, lands: bool) -> None:
        self.world.disk.commit(most, lands=lands, says_so=False)

    @precondition(lambda self: self.world.disk.reads)
    @rule(fails=st.sampled_from([False, False, False, True]))
    def read(self, fails: bool) -> None:
        self.world.disk.read(fails=fails)

    @rule(full=st.booleans())
    def writer_is_full(self, full: bool) -> None:
        self.world.disk.writer.full = full

    @rule(full=st.booleans())
    def reader_is_full(self, full: bool) -> None:
        self.world.disk.reader.full = full

    @rule()
    def room_crashes(self) -> None:
        self.world.crash_room()

    @rule(number=st.integers(0, PEOPLE - 1))
    def session_crashes(self, number: int) -> None:
        self.world.crash_session(self.client(number))

    @rule()
    def a_second_passes(self) -> None:
        """Nobody is so slow that a refusal takes longer than posts are held back for it."""
        self.world.run_messages()
        self.clock.jump(1.0)
        self.world.fire_timers()

    def teardown(self) -> None:
        """All is well again: after a while everybody has everything, and every post has its place."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.disk.writer.full = world.disk.reader.full = False
        for _ in range(60):
            world.run()
            if all(client.is_content for client in world.clients):
                break
            for client in world.clients:
                if client.socket is None:
                    client.connect()
                elif client.may_resend:
                    client.resend()
            world.run_messages()
            self.clock.jump(1.0)
            world.fire_timers()
        world.run()
        for client in world.clients:
            self.check(client)

    def check(self, client: Client) -> None:
        log = self.world.disk.log
        own = [e.nonce for e in log if isinstance(e, MessageEntry) and e.from_.user == client.user.user]
        assert client.cursor == len(log), "nobody misses anything"
        assert own == client.outbox, "each post once, in the order in which they were made"
        assert list(client.acknowledged) == client.outbox, "and each is acknowledged"


async def test_whatever_happens_the_promises_hold(autojump_clock: trio.testing.MockClock) -> None:
    autojump_clock.autojump_threshold = float("inf")

    class Timed(Histories):
        clock = autojump_clock

    run_state_machine_as_test(
        Timed,
        settings=settings(
            max_examples=150,
            stateful_step_count=50,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
