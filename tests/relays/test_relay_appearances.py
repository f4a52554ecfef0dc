"""How people look who listen by a relay: its owner knows it before they count as being there."""

from __future__ import annotations

from server.protocol.showing import HIDDEN, PLAIN, Shown
from server.relays.messages import Admit, Here, Subscribe
from server.rooms.messages import Appears, Attach
from tests.relays.booth import Booth, to_owner
from tests.rooms.scene import key

AWAY = Shown("away")


def test_who_is_to_be_admitted_is_told_of_with_how_they_look() -> None:
    booth = Booth()
    booth.relay.attach(Attach(1, key("ann"), "u_ann", shown=HIDDEN), booth.now)
    booth.relay.attach(Attach(2, key("bob"), "u_bob", shown=PLAIN), booth.now)
    effects = booth.relay.settled(booth.now)
    [asked] = [*to_owner(Admit, effects), *to_owner(Subscribe, effects)]
    assert asked.said == (("u_ann", HIDDEN),)


def test_who_looks_otherwise_is_told_of_once_and_again_to_the_next_owner() -> None:
    booth = Booth("ann")
    booth.relay.settled(booth.now)
    booth.relay.appears(Appears("u_ann", AWAY))
    assert to_owner(Here, booth.relay.settled(booth.now)) == [Here(1, (), (), (("u_ann", AWAY),))]
    booth.relay.appears(Appears("u_ann", AWAY))
    booth.relay.appears(Appears("u_zoe", AWAY))
    assert to_owner(Here, booth.relay.settled(booth.now)) == []
    booth.relay.appears(Appears("u_ann", PLAIN))
    assert to_owner(Here, booth.relay.settled(booth.now)) == [Here(1, (), (), (("u_ann", PLAIN),))]
