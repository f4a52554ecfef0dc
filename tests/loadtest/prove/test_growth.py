"""How costs grow, from the looks at each rest and the broadcast behind it."""

from __future__ import annotations

import msgspec
import pytest

from loadtest.prove.growth import Growth, growth_of
from loadtest.prove.sampling import HARNESS, SERVER, Sample
from loadtest.scenarios.messages import PhaseResult
from tests.loadtest.prove.conftest import phase, sample

CORES = 2
BEGAN = 1.0  # by the clock of the looks


def played() -> list[PhaseResult]:
    return [
        phase("come to 10", 0.0, 2.0, counts={"connects": 10}),
        phase("rest at 10", 2.0, 15.0),
        phase("broadcast at 10", 17.0, 0.1, counts={"delivered": 10}, figures={"last_receipt": 0.05}),
        phase("come", 18.0, 10.0, counts={"connects": 90}),
        phase("hold", 28.0, 20.0),
        phase("small rooms", 48.0, 5.0),
        phase("broadcast 1", 53.0, 1.0, counts={"delivered": 100}, figures={"last_receipt": 0.9, "machine_cpu": 0.5}),
        phase("broadcast 2", 54.0, 1.0, counts={"delivered": 100}, figures={"last_receipt": 0.7, "machine_cpu": 0.5}),
        phase("storm", 55.0, 4.0),
    ]


def looks() -> list[Sample]:
    """Once a second; ten are there from 3 s on, a hundred from 29 s on; the server uses a tenth of a core."""
    found = []
    for at in range(60):
        one = sample(float(at), 0 if at < 3 else 10 if at < 25 else 100)
        server = msgspec.structs.replace(one.groups[SERVER], cpu=at / 10)
        found.append(msgspec.structs.replace(one, groups={SERVER: server, HARNESS: one.groups[HARNESS]}))
    return found


def lines(phases: list[PhaseResult], samples: list[Sample]) -> list[Growth]:
    return growth_of(phases, BEGAN, samples[0], samples, 100, CORES)


def test_each_rest_is_a_line_with_the_broadcasts_that_those_there_heard() -> None:
    few, all_of_them = lines(played(), looks())
    assert (few.people, all_of_them.people) == (10, 100)
    assert (few.connects_per_second, all_of_them.connects_per_second) == (5.0, 9.0)
    assert (few.server, all_of_them.server) == (1_000.0, 1_000.0), "bytes beside what there was with nobody"
    assert (few.slab, few.harness) == (8_000.0, 300.0)
    assert (few.last_receipt, all_of_them.last_receipt) == (0.05, 0.9)
    assert few.delivery is None, "too short to be measured"
    assert all_of_them.delivery == pytest.approx(10_000.0), "half of two cores for two seconds, by two hundred"


def test_what_is_used_at_rest_is_between_two_looks() -> None:
    for line in lines(played(), looks()):
        assert (line.server_idle, line.harness_idle, line.machine_idle) == (0.1, 0.25, 1.0)


def test_one_look_says_what_is_held_and_not_what_is_used() -> None:
    few = looks()[:1] + looks()[15:16]
    (line,) = lines(played(), few)
    assert line.server == 1_000.0
    assert line.server_idle is None


def test_a_rest_that_nobody_looked_at_is_no_line() -> None:
    assert lines(played(), looks()[:2]) == []
    assert lines([], looks()) == []


def test_a_server_somewhere_else_has_no_memory_here() -> None:
    elsewhere = [msgspec.structs.replace(one, groups={HARNESS: one.groups[HARNESS]}) for one in looks()]
    assert [line.server for line in lines(played(), elsewhere)] == [None, None]
