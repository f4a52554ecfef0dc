"""What is measured: each figure, who takes part in it, at which size, and the goal.

Sizes are chosen so that a process takes about a second; who is slower does fewer. The goals are issue 3's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OURS = "ours"
ERLANG = ("Erlang +S 1:1", "Erlang +S 2:2")
"""The faster of the two is Erlang's figure."""


@dataclass(frozen=True)
class Run:
    """One process: what the contestant calls the figure, and how many it does.

    Args:
        contestant: who.
        figure: its name over there.
        size: hops, messages, children, crashes or actors.
    """

    contestant: str
    figure: str
    size: int


@dataclass(frozen=True)
class Figure:
    """One row.

    Args:
        name: what it is called on the command line and in the JSON.
        text: what it is.
        unit: of every value in it.
        runs: who takes part.
        most: goal, in `unit`: at most so much.
        times: goal: at most so many times Erlang's.
        heavy: takes long or is memory, which hardly varies: done in fewer rounds.
        value: which of the values a process prints counts in the table.
    """

    name: str
    text: str
    unit: str
    runs: tuple[Run, ...]
    most: float | None = None
    times: float | None = None
    heavy: bool = False
    value: str = field(default="value")


def _erlang(figure: str, size: int) -> tuple[Run, ...]:
    return tuple(Run(scheduler, figure, size) for scheduler in ERLANG)


def figures(many: int) -> tuple[Figure, ...]:
    """All of them; `many` is the larger number of actors in those of memory, and that of the crowd."""
    hibernated = "Erlang hibernated"
    return (
        Figure(
            "hop",
            "message hop, one token round a ring of 1,000",
            "ns",
            (
                Run(OURS, "hop", 1_000_000),
                *_erlang("hop", 1_000_000),
                Run("Erlang bare processes", "hop_bare", 1_000_000),
                Run("trio task", "hop", 20_000),
                Run("triotp", "hop", 20_000),
                Run("pykka", "hop", 20_000),
            ),
            times=1.2,
        ),
        Figure(
            "one_to_many",
            "one sender to 10,000 receivers, per message",
            "ns",
            (Run(OURS, "one_to_many", 1_000_000), *_erlang("one_to_many", 1_000_000)),
            times=1.0,
        ),
        Figure(
            "spawn",
            "spawn under a supervisor",
            "ns",
            (
                Run(OURS, "spawn", 200_000),
                *_erlang("spawn", 100_000),
                Run("trio task", "spawn", 10_000),
                Run("triotp", "spawn", 2_000),
                Run("pykka", "spawn", 1_000),
            ),
            times=1.0,
        ),
        Figure(
            "crash_and_restart",
            "crash and restart of a child",
            "ns",
            (Run(OURS, "crash_and_restart", 5_000), *_erlang("crash_and_restart", 5_000)),
            times=2.0,
        ),
        Figure(
            "fairness",
            "wait of a message while another actor has a million, longest",
            "ms",
            (Run(OURS, "fairness", 1_000_000),),
            value="longest_ms",
        ),
        Figure(
            "named",
            "idle named actor",
            "bytes",
            (
                Run(OURS, "named", many),
                Run(ERLANG[0], "named", many),
                Run(hibernated, "named_hibernated", many),
                Run("triotp", "named", 5_000),
            ),
            most=400,
            heavy=True,
        ),
        Figure(
            "child",
            "idle child of a dynamic supervisor, unnamed",
            "bytes",
            (
                Run(OURS, "child", many),
                Run(ERLANG[0], "child", many),
                Run(hibernated, "child_hibernated", many),
                Run("trio task", "child", 20_000),
                Run("pykka", "child", 2_000),
            ),
            most=320,
            heavy=True,
        ),
        Figure(
            "million",
            f"{many:,} actors: spawn, tell each twice, stop; longest stall",
            "ms",
            (
                Run(OURS, "million", many),
                Run("ours, no garbage policy", "million_unfrozen", many),
                Run(ERLANG[0], "million", many),
                Run(ERLANG[1], "million", many),
            ),
            most=20,
            heavy=True,
            value="stall_ms",
        ),
    )
