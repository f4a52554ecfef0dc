"""`make simulate`: many nodes, as far as one process can be asked about them. Tables, a plot, and results.json.

- shards: how even, how many turns and seconds until everybody has their share, what a death makes
- relays: how many, and what a post makes between nodes, by how rooms are sized and how many nodes there are
- the engine: what all of that comes to in commands a second, with 18,000 people a node
- needs: what 100,000 to 100 million people take, by that and by what was measured (`costs.py`)

What is counted, and with which of the product's own code, stands at the top of each file here; `placing.py` and
`relaying.py` are held against the real thing by the tests beside them. The same numbers for the same seed, anywhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from loadtest.behaviour import POSTS_A_SECOND  # noqa: E402 - found by the line above
from loadtest.plans import Plan  # noqa: E402
from tests.bench.simulation import needs  # noqa: E402
from tests.bench.simulation.costs import costs  # noqa: E402
from tests.bench.simulation.dying import Death, Grown, death, grown  # noqa: E402
from tests.bench.simulation.engine_load import EngineLoad, dead_after, engine_load  # noqa: E402
from tests.bench.simulation.keepers import Convergence, convergence  # noqa: E402
from tests.bench.simulation.needs import A_NODE  # noqa: E402
from tests.bench.simulation.placing import balanced  # noqa: E402
from tests.bench.simulation.relaying import Traffic, placed, spread, traffic  # noqa: E402
from tests.bench.simulation.sizes import Sizes  # noqa: E402

NODES: Final = (2, 3, 6, 10, 30, 56, 100, 300, 556, 1_000, 2_000, 5_556)
"""Of these 6, 56, 556 and 5,556 are what 100,000, 1, 10 and 100 million people need at 18,000 each."""
FEW: Final = (2, 3, 6, 12, 24)
"""For what takes real statements, or grows with the square."""
GROWN: Final = (2, 3, 10, 30, 100, 300)
PEOPLE: Final = 200_000


class Balance(Struct, frozen=True, kw_only=True):
    """Shards of who has most and fewest, by how many times that is more than the mean, and nodes that have any."""

    nodes: int
    most: int
    fewest: int
    most_to_mean: float
    owners: int


class Relayed(Struct, frozen=True, kw_only=True):
    """`bytes_of_heads`: without the packets, which rooms share."""

    plan: str
    traffic: Traffic
    bytes_of_post: float
    bytes_of_heads: float


class Simulated(Struct, frozen=True, kw_only=True):
    """Everything, as results.json has it."""

    seed: int
    people: int
    people_of_a_node: int
    posts_a_second_each: float
    sizes: dict[str, int]
    balance: list[Balance]
    grown: list[Grown]
    convergence: list[Convergence]
    deaths: list[Death]
    relayed: list[Relayed]
    engine: dict[str, list[EngineLoad]]


def simulated(
    seed: int, nodes: Sequence[int] = NODES, few: Sequence[int] = FEW, many: Sequence[int] = GROWN, people: int = PEOPLE
) -> Simulated:
    sizes, plans = Sizes(), ("each:2", "each:10", "each:100", f"zipf:{people // 10}")
    relayed = [_relayed(plan, count, people, seed, sizes) for plan in plans for count in nodes]
    return Simulated(
        seed=seed,
        people=people,
        people_of_a_node=A_NODE,
        posts_a_second_each=POSTS_A_SECOND,
        sizes=vars(sizes),
        balance=[balance(count) for count in nodes],
        grown=[grown(count) for count in many],
        convergence=[convergence(count) for count in few],
        deaths=[death(Plan("each:10", people), count, seed) for count in nodes],
        relayed=relayed,
        engine={plan: list(_engine(relayed, plan)) for plan in plans},
    )


def balance(nodes: int) -> Balance:
    shares = balanced(nodes).share.values()
    most = max(shares)
    return Balance(
        nodes=nodes,
        most=most,
        fewest=min(shares),
        most_to_mean=round(most * nodes / sum(shares), 3),
        owners=sum(map(bool, shares)),
    )


def _relayed(text: str, nodes: int, people: int, seed: int, sizes: Sizes) -> Relayed:
    plan, cluster = Plan(text, people), balanced(nodes)
    where = spread(people, [node.name for node in cluster.live], seed)
    found = traffic(plan, placed(plan, where, cluster.owner_of), nodes)
    return Relayed(
        plan=text,
        traffic=found,
        bytes_of_post=round(sizes.of_post(found.post)),
        bytes_of_heads=round(sizes.of_heads(found.post)),
    )


def _engine(relayed: Iterable[Relayed], plan: str) -> Iterator[EngineLoad]:
    for one in relayed:
        if one.plan == plan:
            nodes = one.traffic.nodes
            yield engine_load(nodes, nodes * A_NODE * POSTS_A_SECOND, one.traffic.post)


# --- as text ---------------------------------------------------------------------------------------------------


def told(found: Simulated) -> Iterator[str]:
    sizes = ", ".join(f"{name} {size}" for name, size in found.sizes.items())
    yield f"bytes in the engine, what it takes and gives: {sizes}"
    yield from _table(
        "shards of a node, and after the death of one",
        ("nodes", "most", "fewest", "most/mean", "owners", "moved", "turns", "rooms opened", "resubscribed", "hellos"),
        (
            (b.nodes, b.most, b.fewest, b.most_to_mean, b.owners, d.shards, d.turns, d.opened, d.resubscribed, d.hellos)
            for b, d in zip(found.balance, found.deaths, strict=True)
        ),
    )
    yield from _table(
        "from one node to all of them at once",
        ("nodes", "turns", "shards moved"),
        ((g.nodes, g.turns, g.shards) for g in found.grown),
    )
    yield from _table(
        "real keepers, seconds",
        ("nodes", "until all have their shares", "unowned after a death"),
        ((c.nodes, c.joined, c.unowned) for c in found.convergence),
    )
    yield from _table(
        "relays, and what the average post makes between nodes",
        ("rooms", "nodes", "relays/person", "formula", "packets", "bytes", "heads", "bytes of heads", "busiest owner"),
        (
            (
                one.plan, one.traffic.nodes, f"{one.traffic.relays:.3f}", f"{one.traffic.relays_expected:.3f}",
                f"{one.traffic.packets:.2f}", one.bytes_of_post, f"{one.traffic.post.heads:.0f}", one.bytes_of_heads,
                f"{one.traffic.worst_owner:.1f}",
            )
            for one in found.relayed
        ),
    )  # fmt: skip
    for plan, loads in found.engine.items():
        yield from _table(
            f"commands of the engine a second, {plan}, {A_NODE:,} people a node, one post of each in "
            f"{1 / found.posts_a_second_each:.0f} s",
            ("nodes", "people", "posts", "heads", "acknowledgements", "beats", "all", "numbers read", "dead after"),
            (
                tuple(f"{value:,.0f}" for value in (
                    e.nodes, e.nodes * A_NODE, e.posts, e.heads, e.acknowledgements, e.beats, e.commands, e.entries,
                    dead_after(e.nodes),
                ))
                for e in loads
            ),
        )  # fmt: skip


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    lines = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    yield ""
    yield title
    for line in lines:
        yield "  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make simulate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nodes", type=int, action="append", help="how many; may be repeated (2 to 5,556)")
    parser.add_argument("--out", type=Path, default=Path("build/simulation"), help="the folder of results and plot")
    given = parser.parse_args()
    found = simulated(given.seed, given.nodes or NODES)
    measured = costs()
    text = "\n".join([*told(found), "", *needs.told(measured)])
    print(text)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "simulation.txt").write_text(text + "\n")
    (given.out / "simulation.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    from tests.bench.simulation.picture import draw

    draw(found, given.out / "simulation.png")
    print(f"\n{given.out}: simulation.txt, simulation.json, simulation.png")


if __name__ == "__main__":
    main()
