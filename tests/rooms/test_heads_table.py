"""How far logs reach, told again and again for a while."""

from __future__ import annotations

from server.relays.messages import HeadOf
from server.rooms.heads import LATELY_SECONDS, HeadsTable
from tests.rooms.scene import key

ONE, OTHER = key("one relay"), key("another")


def test_every_relay_is_told_the_last_of_a_room() -> None:
    table = HeadsTable()
    table.moved("r_1", 3, 10, (ONE,))
    table.moved("r_1", 3, 12, (ONE, OTHER))
    assert list(table.due(0.0)) == [(ONE, HeadOf("r_1", 3, 12)), (OTHER, HeadOf("r_1", 3, 12))]


def test_it_is_told_again_for_a_while_and_then_forgotten() -> None:
    table = HeadsTable()
    table.moved("r_1", 3, 10, (ONE,))
    assert len(list(table.due(0.0))) == len(list(table.due(LATELY_SECONDS))) == 1
    assert list(table.due(LATELY_SECONDS + 1)) == []
    assert not table


def test_what_moves_again_is_told_for_another_while() -> None:
    table = HeadsTable()
    table.moved("r_1", 3, 10, (ONE,))
    list(table.due(0.0))
    table.moved("r_1", 3, 11, (ONE,))
    assert list(table.due(LATELY_SECONDS + 1)) == [(ONE, HeadOf("r_1", 3, 11))]
