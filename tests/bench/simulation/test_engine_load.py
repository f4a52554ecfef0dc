"""What is computed of links, held against real links that are told something at random."""

from __future__ import annotations

import random
from itertools import count

import pytest

from actors.distribution.link import Link, LinkLimits
from actors.distribution.packets import Kind
from server.cluster.membership import FULL_PACE
from tests.bench.simulation.engine_load import acknowledgements_a_second, dead_after, engine_load, heads_a_second
from tests.bench.simulation.relaying import HEADS_TOLD, Counted


def alone(packets: float, seconds: float) -> float:
    """Acknowledgements that travel alone from one real link to another, a second, if so many packets go each way."""
    chance = random.Random(packets)
    ends = [Link(LinkLimits(), count(1)), Link(LinkLimits(), count(2, 2))]
    now, acknowledgements = 0.0, 0
    for end in ends:
        end.open(now)
    told = [chance.expovariate(packets) for _ in ends]
    while now < seconds:
        for nth, end in enumerate(ends):
            if now >= told[nth]:
                end.take(b"something", now)
                told[nth] += chance.expovariate(packets)
        for nth, end in enumerate(ends):
            end.look(now)
            while (packet := end.packet(now)) is not None:
                end.sent(packet, now)
                ends[1 - nth].received(packet, now)
                acknowledgements += packet.kind is Kind.DATA and not packet.envelopes
        now = max(now + 1e-6, min(*told, *(end.due for end in ends)))
    assert not any(end.resets for end in ends)
    return acknowledgements / seconds / len(ends)


@pytest.mark.parametrize("packets", [0.2, 1.0, 3.0, 10.0])
def test_links_acknowledge_as_often_as_computed(packets: float) -> None:
    assert acknowledgements_a_second(packets) == pytest.approx(alone(packets, 2_000 / packets), rel=0.1)


def test_an_idle_pair_says_nothing_and_a_busy_one_tells_its_heads_every_second() -> None:
    assert heads_a_second(0) == acknowledgements_a_second(0) == 0
    assert heads_a_second(100) == pytest.approx(1)
    assert heads_a_second(1 / HEADS_TOLD) == pytest.approx(0.632, abs=0.001)


def test_one_node_alone_only_beats() -> None:
    load = engine_load(1, 100.0, Counted())
    assert (load.packets, load.commands, load.entries) == (0, 3, 1)


def test_what_is_read_of_beats_grows_with_the_square_of_few_nodes_and_with_the_number_of_many() -> None:
    read = {nodes: engine_load(nodes, 0.0, Counted()).entries for nodes in (FULL_PACE // 3, FULL_PACE, 20 * FULL_PACE)}
    few, middle, many = read.values()
    assert middle == pytest.approx(9 * few)
    assert many == pytest.approx(20 * middle)


def test_who_beats_less_often_is_dead_later() -> None:
    assert dead_after(2) == 4.0
    assert dead_after(10 * FULL_PACE) == 40.0
