"""Who should own how much, and what one node does about it: pure, and the same at every node that sees the same.

The rules:
- Each node that may own has a share of the shards by its weight, in whole shards.
- A shard without an owner goes to a node that has less than its share. Which one, every node works out alike, so that
  they seldom reach for the same; and if they do, the database gives it to one of them.
- Who has more than its share gives up the difference, a few at a time, and only as much as others lack: nothing is
  given away to nobody. Nobody takes from the living.

So no shard moves but those that have to: with plain rendezvous hashing over a thousand shards, nodes of one weight
differ by a fifth. Its order of preference (D. Thaler, C. Ravishankar: "Using Name-Based Mappings to Increase Hit
Rates", 1998) is what decides among those that lack something.

A node without a link to the others is of use to nobody but its own clients. While somebody has one, those without
take nothing, and are counted by nobody; when nobody has, all count, because then a shard serves somebody wherever it
is, and moving one serves nobody more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import shake_128
from struct import unpack
from typing import Final

from msgspec import Struct

from server.placement.shards import SHARDS

_PREFERENCE_BYTES: Final = 8
_NODES_REMEMBERED: Final = 1_024


class Standing(Struct, frozen=True):
    """A node that lives.

    Attributes
    ----------
    weight
        How much it may own in comparison with others; 0: nothing.
    linked
        Whether it reaches the others.
    """

    name: str
    weight: int
    linked: bool


class Plan(Struct, frozen=True):
    """What a node is to do now: shards to give up, and shards to take."""

    give: tuple[int, ...] = ()
    take: tuple[int, ...] = ()


NOTHING: Final = Plan()


def plan(owners: Sequence[str | None], nodes: Iterable[Standing], me: str, most: int) -> Plan:
    """What the node `me` is to do.

    Parameters
    ----------
    owners
        Of each shard the name of its owner; None: it has none. Dead ones have to be left out before.
    nodes
        All that live, `me` among them if it does.
    most
        Shards it may give up at a time. One that is no more to own any gives up all at once: it waits for nobody.
    """
    share = shares(nodes)
    if not share:
        return NOTHING
    held = Counter(owner for owner in owners if owner is not None)
    lacking = {name: lack for name in share if (lack := share[name] - held[name]) > 0}
    if me not in share:
        return Plan(give=tuple(_owned(owners, me)))
    if me in lacking:
        unowned = (shard for shard, owner in enumerate(owners) if owner is None)
        return Plan(take=tuple(shard for shard, taker in _distributed(unowned, lacking) if taker == me))
    excess = min(held[me] - share[me], sum(lacking.values()), most)
    mine = _preferences(me)
    return Plan(give=tuple(sorted(_owned(owners, me), key=mine.__getitem__)[:excess]))


def shares(nodes: Iterable[Standing]) -> dict[str, int]:
    """How many shards each node should own, of those that should own any; together all of them.

    By the largest remainder (A. Hamilton); of two equal ones the first by name.
    """
    able = sorted((node for node in nodes if node.weight > 0), key=lambda node: node.name)
    able = [node for node in able if node.linked] or able
    total = sum(node.weight for node in able)
    share = {node.name: SHARDS * node.weight // total for node in able}
    by_remainder = sorted(able, key=lambda node: -(SHARDS * node.weight % total))
    for node in by_remainder[: SHARDS - sum(share.values())]:
        share[node.name] += 1
    return share


def _owned(owners: Sequence[str | None], me: str) -> list[int]:
    return [shard for shard, owner in enumerate(owners) if owner == me]


def _distributed(unowned: Iterable[int], lacking: dict[str, int]) -> Iterable[tuple[int, str]]:
    """Who takes which. There is somebody for each: together they lack what has no owner, and more."""
    left = dict(lacking)
    for shard in unowned:
        if not left:
            return
        taker = max(left, key=lambda name: (_preferences(name)[shard], name))
        left[taker] -= 1
        if not left[taker]:
            del left[taker]
        yield shard, taker


@lru_cache(_NODES_REMEMBERED)
def _preferences(node: str) -> tuple[int, ...]:
    """How much a node wants each shard: numbers as good as random, and the same everywhere."""
    stream = shake_128(node.encode()).digest(_PREFERENCE_BYTES * SHARDS)
    return unpack(f">{SHARDS}Q", stream)
