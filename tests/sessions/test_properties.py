"""The four promises, kept at every step of every history that hypothesis can think of.

Each `seq` follows the one before; the same nonce gets the same `seq`; live entries never overtake recovery; every
reader sees the same order. And what follows for people: nothing acknowledged is lost, nothing comes twice, and the
posts of one person stand in the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Callable

import trio
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.protocol.entries import MessageEntry
from tests.sessions.simulation import ROOM, Client, World

PEOPLE = 3
EXAMPLES = 400


class History:
    """What can happen to three people in a room, one step after the other."""

    def __init__(self, clock: trio.testing.MockClock, session_mailbox: int) -> None:
        self.clock = clock
        self.world = World(PEOPLE, trio.current_time, session_mailbox)
        for client in self.world.clients:
            client.connect()
        self.world.run()

    # --- what people do ---------------------------------------------------------------------------------------

    def post(self, client: Client, count: int, reaches_the_store: bool) -> None:
        for _ in range(count):
            client.post()
        if reaches_the_store:
            self.world.run_messages()

    def resend(self, client: Client) -> None:
        if client.may_resend:
            client.resend()

    def come_or_go(self, client: Client) -> None:
        if client.socket is None:
            client.connect()
        else:
            client.disconnect()

    def leave_or_join(self, client: Client) -> None:
        """Who has posts without an answer stays until they have one."""
        client.wants_in = not client.wants_in
        client.move()

    def socket_is_full(self, client: Client) -> None:
        if client.welcomed:
            client.congest()

    def socket_drains(self, client: Client) -> None:
        client.drain()

    # --- how messages travel ----------------------------------------------------------------------------------

    def someone_handles_messages(self, which: int, count: int) -> None:
        busy = [box for box in self.world.boxes if box.waiting]
        if busy:
            box = busy[which % len(busy)]
            for _ in range(count):
                if box.alive and box.waiting:
                    box.step()

    def all_but_one_session_handle_messages(self, client: Client) -> None:
        self.world.run_messages(but=client.session)

    def all_messages_are_handled(self) -> None:
        self.world.run_messages()

    # --- what the store does ----------------------------------------------------------------------------------

    def commit(self, most: int) -> None:
        self.world.disk.commit(most, lands=True, says_so=True)

    def commit_with_unknown_outcome(self, most: int, lands: bool) -> None:
        self.world.disk.commit(most, lands=lands, says_so=False)

    def commit_one_by_one(self) -> None:
        """So that a session that is not listening misses several deliveries."""
        while self.world.disk.writes:
            self.world.disk.commit(1, lands=True, says_so=True)
            room = self.world.find(ROOM)
            while room is not None and room.waiting:
                room.step()

    def read(self, fails: bool) -> None:
        if self.world.disk.reads:
            self.world.disk.read(fails=fails)

    def store_is_full(self, writer: bool, reader: bool) -> None:
        self.world.disk.writer.full, self.world.disk.reader.full = writer, reader

    def store_is_full_for_a_moment(self, client: Client, posts: int, refused: int) -> None:
        """Some of what somebody posts meets a full queue, and what follows it does not."""
        self.post(client, posts, reaches_the_store=False)
        room = self.world.find(ROOM)
        if client.session is not None and room is not None:
            self.world.run_messages(but=room)
            self.world.disk.writer.full = True
            for _ in range(min(refused, len(room.waiting))):
                room.step()
            self.world.disk.writer.full = False

    # --- what goes wrong --------------------------------------------------------------------------------------

    def room_crashes(self) -> None:
        self.world.crash_room()

    def session_crashes(self, client: Client) -> None:
        self.world.crash_session(client)

    def a_second_passes(self) -> None:
        """Nobody is so slow that a refusal takes longer than posts are held back for it."""
        self.world.run_messages()
        self.clock.jump(1.0)
        self.world.fire_timers()

    # --- how it ends ------------------------------------------------------------------------------------------

    def all_is_well_for_a_moment(self) -> None:
        """Without it, trouble would soon meet only people who are away already."""
        self.world.disk.writer.full = self.world.disk.reader.full = False
        for _ in range(3):
            self.world.run()
            for client in self.world.clients:
                if client.socket is None:
                    client.connect()
                elif client.may_resend:
                    client.resend()
                client.move()
        self.world.run()

    def all_is_well(self) -> None:
        for client in self.world.clients:
            client.wants_in = True
        for _ in range(60):
            self.all_is_well_for_a_moment()
            if all(client.is_content for client in self.world.clients):
                return
            self.a_second_passes()
        raise AssertionError("a minute later, somebody still waits for something")

    def check(self, client: Client) -> None:
        log = self.world.disk.log
        own = [e.nonce for e in log if isinstance(e, MessageEntry) and e.from_.user == client.user.user]
        assert client.cursor == len(log), "nobody misses anything"
        assert own == client.outbox, "each post once, in the order in which they were made"
        assert sorted(client.acknowledged.values()) == [client.acknowledged[n] for n in client.outbox]


Step = Callable[[History], None]
WHO = st.integers(0, PEOPLE - 1)
SOME = st.integers(1, 8)
SELDOM = st.sampled_from([False, False, False, True])

STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda n, count, far: lambda h: h.post(h.world.clients[n], count, far), WHO, SOME, st.booleans()),
    st.builds(lambda n: lambda h: h.resend(h.world.clients[n]), WHO),
    st.builds(lambda n: lambda h: h.come_or_go(h.world.clients[n]), WHO),
    st.builds(lambda n: lambda h: h.leave_or_join(h.world.clients[n]), WHO),
    st.builds(lambda n: lambda h: h.socket_is_full(h.world.clients[n]), WHO),
    st.builds(lambda n: lambda h: h.socket_drains(h.world.clients[n]), WHO),
    st.builds(lambda which, count: lambda h: h.someone_handles_messages(which, count), st.integers(0, 50), SOME),
    st.builds(lambda n: lambda h: h.all_but_one_session_handle_messages(h.world.clients[n]), WHO),
    st.just(History.all_messages_are_handled),
    st.builds(lambda most: lambda h: h.commit(most), SOME),
    st.builds(lambda most, lands: lambda h: h.commit_with_unknown_outcome(most, lands), SOME, st.booleans()),
    st.just(History.commit_one_by_one),
    st.builds(lambda fails: lambda h: h.read(fails), SELDOM),
    st.builds(lambda writer, reader: lambda h: h.store_is_full(writer, reader), SELDOM, SELDOM),
    st.builds(
        lambda n, posts, few: lambda h: h.store_is_full_for_a_moment(h.world.clients[n], posts, few), WHO, SOME, SOME
    ),
    st.just(History.room_crashes),
    st.builds(lambda n: lambda h: h.session_crashes(h.world.clients[n]), WHO),
    st.just(History.a_second_passes),
    st.just(History.all_is_well_for_a_moment),
)


async def test_whatever_happens_the_promises_hold(mock_clock: trio.testing.MockClock) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(mailbox=st.sampled_from([2, 5, 10_000]), steps=st.lists(STEPS, min_size=10, max_size=80))
    def histories(mailbox: int, steps: list[Step]) -> None:
        history = History(mock_clock, mailbox)
        for step in steps:
            step(history)
        history.all_is_well()
        for client in history.world.clients:
            history.check(client)

    histories()
