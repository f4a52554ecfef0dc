"""The promises of the protocol over several nodes, kept at every step of every history that hypothesis can think of.

Whatever becomes of links, owners and nodes: every reader gets the log, in order, each entry once; a post's `ok` comes
before its own message; nothing acknowledged is missing, and the posts of one person stand in the order in which they
were made; nothing that follows somebody's leaving is told to them. And what these checks are good for: without the
digest of heads, or without a look at the epoch, they fail.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.protocol.entries import Left, MessageEntry
from server.relays.actor import RELAYS
from server.relays.admissions import Admissions
from server.relays.errands import Errands
from server.relays.messages import Removed
from server.relays.relay import Relay
from server.rooms.actor import ROOMS
from tests.relays.simulation import Cluster, Kick, Node, Person
from tests.sessions.simulation import ROOM

PEOPLE = 3
NODES = 3
EXAMPLES = 300


class History:
    """What can happen to three people on three nodes, one step after the other."""

    def __init__(self, clock: trio.testing.MockClock, *, large: bool = False) -> None:
        self.clock = clock
        self.cluster = Cluster(NODES, PEOPLE, trio.current_time, large=large)
        for client in self.cluster.clients:
            client.connect()
        for node in self.cluster.nodes:
            self.cluster.look(node)
        self.cluster.run()

    def node(self, which: int) -> Node:
        return self.cluster.nodes[which % len(self.cluster.nodes)]

    def client(self, which: int) -> Person:
        return self.cluster.clients[which]

    # --- what people do ---------------------------------------------------------------------------------------

    def post(self, who: int, count: int, handled: bool) -> None:
        for _ in range(count):
            self.client(who).post()
        if handled:
            self.cluster.run_messages()

    def post_and_land(self, who: int, count: int) -> None:
        """As far as the owner: what that tells other nodes is on its way."""
        self.post(who, count, handled=True)
        self.cluster.carry_all()
        self.cluster.run_messages()
        self.owner_commits()

    def owner_commits(self) -> None:
        owner = self.cluster.owner
        if owner is not None and owner.runs:
            owner.disk.commit(100, lands=True, says_so=True)
            self.cluster.run_messages()

    def resend(self, who: int) -> None:
        if self.client(who).may_resend:
            self.client(who).resend()

    def come_or_go(self, who: int, where: int) -> None:
        client = self.client(who)
        if client.socket is not None:
            client.disconnect()
        elif self.node(where).runs:
            client.come_to(self.node(where))

    def all_come_at_once(self, where: int) -> None:
        """So that a relay there asks for them together, or for some while it waits for the answer about others."""
        if self.node(where).runs:
            for client in self.cluster.clients:
                if client.socket is not None:
                    client.disconnect()
                client.come_to(self.node(where))

    def leave_or_join(self, who: int) -> None:
        client = self.client(who)
        client.wants_in = not client.wants_in
        client.move()

    def kick(self, who: int) -> None:
        owner = self.cluster.owner
        room = None if owner is None else owner.kinds[ROOMS].find(ROOM)
        if room is not None:
            room.answer(Kick(self.client(who).user.user))

    def socket_is_full(self, who: int) -> None:
        if self.client(who).welcomed:
            self.client(who).congest()

    # --- how messages travel ----------------------------------------------------------------------------------

    def someone_handles_messages(self, which: int, count: int) -> None:
        busy = [box for node in self.cluster.running for box in node.boxes if box.waiting]
        if busy:
            box = busy[which % len(busy)]
            for _ in range(count):
                if box.alive and box.waiting:
                    box.step()

    def all_messages_are_handled(self) -> None:
        self.cluster.run_messages()

    def link_carries(self, source: int, target: int, count: int) -> None:
        if self.node(source) is not self.node(target):
            self.cluster.carry(self.node(source), self.node(target), count)

    def all_links_carry(self) -> None:
        self.cluster.carry_all()

    def last_packet_is_lost(self, source: int, target: int) -> None:
        if self.node(source) is not self.node(target):
            self.cluster.drop_last(self.node(source), self.node(target))

    def link_begins_anew(self, source: int, target: int) -> None:
        if self.node(source) is not self.node(target):
            self.cluster.reset(self.node(source), self.node(target))

    def link_is_full(self, source: int, target: int, full: bool) -> None:
        self.cluster.link(self.node(source), self.node(target)).full = full

    def post_lands_while_link_is_full(self, who: int, where: int) -> None:
        """What the owner tells that node of it is lost, and nobody knows."""
        owner = self.cluster.owner
        self.post(who, 1, handled=True)
        self.cluster.carry_all()
        self.cluster.run_messages()
        if owner is not None and owner is not self.node(where):
            link = self.cluster.link(owner, self.node(where))
            link.full = True
            self.owner_commits()
            link.full = False

    def former_owner_speaks_late(self, where: int, who: int) -> None:
        """Of a removal that somebody else has long come back from."""
        relay = self.node(where).kinds[RELAYS].find(ROOM)
        user = self.client(who).user.user
        if relay is not None:
            relay.answer(Removed(0, user, Left(room=ROOM, user=user)))

    # --- what the stores do -----------------------------------------------------------------------------------

    def commit(self, where: int, most: int) -> None:
        if self.node(where).runs:
            self.node(where).disk.commit(most, lands=True, says_so=True)

    def commit_with_unknown_outcome(self, where: int, most: int, lands: bool) -> None:
        if self.node(where).runs:
            self.node(where).disk.commit(most, lands=lands, says_so=False)

    def read(self, where: int, fails: bool) -> None:
        if self.node(where).runs and self.node(where).disk.reads:
            self.node(where).disk.read(fails=fails)

    def store_is_full(self, where: int, writer: bool, reader: bool) -> None:
        disk = self.node(where).disk
        disk.writer.full, disk.reader.full = writer, reader

    # --- what goes wrong --------------------------------------------------------------------------------------

    def crash(self, kind: str, where: int) -> None:
        node = self.node(where)
        box = node.kinds[kind].find(ROOM)
        if node.runs and box is not None:
            if box.waiting:
                box.waiting.popleft()
            box.end(RuntimeError("crash"), again=True)

    def session_crashes(self, who: int) -> None:
        client = self.client(who)
        if client.session is not None and client.session.alive and client.node.runs:
            client.session.end(RuntimeError("crash"), again=False)

    def node_dies(self, where: int) -> None:
        self.cluster.kill(self.node(where))

    def node_is_frozen(self, where: int) -> None:
        self.node(where).frozen = True

    def frozen_nodes_go_on(self) -> None:
        for node in self.cluster.nodes:
            if node.frozen:
                self.cluster.thaw(node)

    def a_second_passes(self) -> None:
        self.cluster.run_messages()
        self.clock.jump(1.0)
        self.cluster.second()

    # --- who owns the room ------------------------------------------------------------------------------------

    def hand_over_begins(self) -> None:
        self.cluster.begin_hand_over()

    def hand_over_ends(self) -> None:
        self.cluster.end_hand_over()

    def lease_runs_out(self) -> None:
        self.cluster.expire()

    def claim(self, where: int) -> None:
        self.cluster.claim(self.node(where))

    def look(self, where: int) -> None:
        if self.node(where).runs:
            self.cluster.look(self.node(where))

    # --- how it ends ------------------------------------------------------------------------------------------

    def all_is_well_for_a_moment(self) -> None:
        self.frozen_nodes_go_on()
        for link in self.cluster.links.values():
            link.full = False
        for node in self.cluster.nodes:
            node.disk.writer.full = node.disk.reader.full = False
        for _ in range(3):
            self.somebody_owns_the_room()
            self.cluster.run()
            for number, client in enumerate(self.cluster.clients):
                if client.socket is None:
                    client.come_to(self.node(number))
                elif client.may_resend:
                    client.resend()
                client.move()
        self.cluster.run()

    def somebody_owns_the_room(self) -> None:
        self.cluster.expire()
        self.cluster.end_hand_over()
        self.cluster.claim(self.cluster.nodes[-1])
        for node in self.cluster.nodes:
            self.cluster.look(node)

    def all_is_well(self) -> None:
        for client in self.cluster.clients:
            client.wants_in = True
        for _ in range(60):
            self.all_is_well_for_a_moment()
            if all(client.is_content for client in self.cluster.clients):
                return
            self.a_second_passes()
        raise AssertionError("a minute later, somebody still waits for something")

    def check(self, client: Person) -> None:
        log = self.cluster.log
        said = [e.nonce for e in log if isinstance(e, MessageEntry) and e.from_.user == client.user.user]
        own = [nonce for nonce in said if nonce not in client.given_up]
        assert len(said) == len(set(said)), "nothing twice"
        assert client.cursor == len(log), "nobody misses anything"
        assert own == client.outbox, "each post once, in the order in which they were made"
        assert client.outs <= self.cluster.removals[client.user.user], "nobody is told to be out who is not"
        assert sorted(client.acknowledged.values()) == [client.acknowledged[n] for n in client.outbox]

    def ends_well(self) -> None:
        self.all_is_well()
        for client in self.cluster.clients:
            self.check(client)


Step = Callable[[History], None]
WHO = st.integers(0, PEOPLE - 1)
WHERE = st.integers(0, NODES - 1)
SOME = st.integers(1, 8)
SELDOM = st.sampled_from([False, False, False, True])

STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda n, count, far: lambda h: h.post(n, count, far), WHO, SOME, st.booleans()),
    st.builds(lambda n, count: lambda h: h.post_and_land(n, count), WHO, SOME),
    st.builds(lambda n, where: lambda h: h.post_lands_while_link_is_full(n, where), WHO, WHERE),
    st.builds(lambda where, n: lambda h: h.former_owner_speaks_late(where, n), WHERE, WHO),
    st.builds(lambda n: lambda h: h.resend(n), WHO),
    st.builds(lambda n, where: lambda h: h.come_or_go(n, where), WHO, WHERE),
    st.builds(lambda where: lambda h: h.all_come_at_once(where), WHERE),
    st.builds(lambda n: lambda h: h.leave_or_join(n), WHO),
    st.builds(lambda n: lambda h: h.kick(n), WHO),
    st.builds(lambda n: lambda h: h.socket_is_full(n), WHO),
    st.builds(lambda which, count: lambda h: h.someone_handles_messages(which, count), st.integers(0, 50), SOME),
    st.just(History.all_messages_are_handled),
    st.builds(lambda a, b, count: lambda h: h.link_carries(a, b, count), WHERE, WHERE, SOME),
    st.just(History.all_links_carry),
    st.builds(lambda a, b: lambda h: h.last_packet_is_lost(a, b), WHERE, WHERE),
    st.builds(lambda a, b: lambda h: h.link_begins_anew(a, b), WHERE, WHERE),
    st.builds(lambda a, b, full: lambda h: h.link_is_full(a, b, full), WHERE, WHERE, st.booleans()),
    st.builds(lambda n, most: lambda h: h.commit(n, most), WHERE, SOME),
    st.builds(
        lambda n, most, lands: lambda h: h.commit_with_unknown_outcome(n, most, lands), WHERE, SOME, st.booleans()
    ),
    st.builds(lambda n, fails: lambda h: h.read(n, fails), WHERE, SELDOM),
    st.builds(lambda n, writer, reader: lambda h: h.store_is_full(n, writer, reader), WHERE, SELDOM, SELDOM),
    st.builds(lambda kind, n: lambda h: h.crash(kind, n), st.sampled_from([ROOMS, RELAYS]), WHERE),
    st.builds(lambda n: lambda h: h.session_crashes(n), WHO),
    st.builds(lambda n: lambda h: h.node_dies(n), WHERE),
    st.builds(lambda n: lambda h: h.node_is_frozen(n), WHERE),
    st.just(History.frozen_nodes_go_on),
    st.just(History.a_second_passes),
    st.just(History.hand_over_begins),
    st.just(History.hand_over_ends),
    st.just(History.lease_runs_out),
    st.builds(lambda n: lambda h: h.claim(n), WHERE),
    st.builds(lambda n: lambda h: h.look(n), WHERE),
    st.just(History.all_is_well_for_a_moment),
)
HISTORIES = st.lists(STEPS, min_size=10, max_size=80)


@pytest.mark.parametrize("large", [False, True], ids=["logged", "large channel"])
async def test_whatever_happens_between_nodes_the_promises_hold(
    mock_clock: trio.testing.MockClock, large: bool
) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(steps=HISTORIES)
    def histories(steps: list[Step]) -> None:
        history = History(mock_clock, large=large)
        for step in steps:
            step(history)
        history.ends_well()

    histories()


# --- what the checks are good for --------------------------------------------------------------------------------


@pytest.mark.parametrize("tells_heads", [True, False])
async def test_without_heads_the_last_message_of_a_burst_is_missed_for_ever(
    mock_clock: trio.testing.MockClock, tells_heads: bool
) -> None:
    history = History(mock_clock)
    history.cluster.tells_heads = tells_heads
    history.post_and_land(0, 3)
    history.all_links_carry()
    history.post_lands_while_link_is_full(0, 1)
    if tells_heads:
        history.ends_well()
        return
    with pytest.raises(AssertionError, match="a minute later"):
        history.ends_well()


@pytest.mark.parametrize("looks", [True, False])
async def test_without_a_look_at_the_epoch_a_former_owner_is_believed(
    mock_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    history = History(mock_clock, large=True)
    if not looks:
        monkeypatch.setattr(Relay, "_is_current", lambda relay, epoch: relay._subscription is not None)
    history.former_owner_speaks_late(1, 1)
    if looks:
        history.ends_well()
        return
    with pytest.raises(AssertionError, match="nobody is told to be out"):
        history.ends_well()


@pytest.mark.parametrize("holds", [True, False])
async def test_without_holds_a_post_overtakes_the_one_before_it_that_a_lost_owner_had(
    mock_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, holds: bool
) -> None:
    if not holds:
        monkeypatch.setattr(Errands, "admits", lambda errands, request, now: True)
    history = History(mock_clock)
    history.post(1, 2, handled=False)
    client = history.client(1)
    assert client.session is not None
    for _ in range(2):
        client.session.step()
    relay = history.node(1).kinds[RELAYS].find(ROOM)
    assert relay is not None
    relay.step()
    second = relay.waiting.popleft()
    history.link_begins_anew(0, 1)
    relay.waiting.append(second)
    if holds:
        history.ends_well()
        return
    with pytest.raises(AssertionError, match="each post once, in the order"):
        history.ends_well()


@pytest.mark.parametrize("asks_again", [True, False])
async def test_without_asking_again_who_was_asked_of_a_lost_owner_is_never_let_in(
    mock_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, asks_again: bool
) -> None:
    if not asks_again:
        monkeypatch.setattr(Admissions, "ask_again", Admissions.answered)
    history = History(mock_clock)
    history.all_come_at_once(1)
    history.all_messages_are_handled()
    while history.node(1).disk.reads:
        history.read(1, fails=False)
        history.all_messages_are_handled()
    history.link_begins_anew(0, 1)
    history.post(0, 1, handled=True)
    if asks_again:
        history.ends_well()
        return
    with pytest.raises(AssertionError, match="a minute later"):
        history.ends_well()
