"""What is promised, against what was measured. Pure; the numbers of issue and README stand here, once.

The rules: correctness decides whether a run is proved, at any size. Speed and memory are told as they were, met or not.
The times are promised for a hundred thousand connections on two cores; more are given time in proportion, fewer none
less, because what matters to people is the time itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from loadtest.prove.admin import Told
from loadtest.prove.results import Claim, Memory
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Results

PROMISED_FOR: Final = 100_000  # connections
CONNECT_SECONDS: Final = 60.0
BROADCAST_SECONDS: Final = 2.0
SMALL_ROOM_SECONDS: Final = 0.05
SERVER_BYTES: Final = 1_229  # 1.2 KiB
HARNESS_BYTES: Final = 400
MEMORY_FROM: Final = 5_000
"""Connections from which memory for each is held against its aim: what a process needs once is nothing beside it."""
LADDER_SECONDS: Final = 0.1


def claims_of(
    results: Results | None, memory: Memory | None, told_last: Told | None, replaced: int | None
) -> list[Claim]:
    """All that this run can say something about.

    Parameters
    ----------
    told_last
        What the server said of itself in the end, where it could be asked.
    replaced
        How many of its processes were gone then; None where they could not be seen.
    """
    if results is None:
        return []
    return [
        *_of_correctness(results, told_last, replaced),
        *_of_speed(results),
        *_of_memory(memory),
    ]


def _of_correctness(results: Results, told_last: Told | None, replaced: int | None) -> Iterator[Claim]:
    verdict = results.verdict
    yield Claim(
        what="nothing lost, doubled, reordered, changed or left unanswered",
        aim="no broken promise",
        measured=f"{verdict.broken:,} in {verdict.posts:,} posts, as {verdict.readers:,} readers saw them and "
        f"{verdict.rooms_read:,} logs hold them",
        met=not verdict.broken if verdict.posts else None,
        decides=True,
    )
    yield Claim(
        what="everything was checked",
        aim="nothing left out",
        measured="; ".join(verdict.unchecked) or "all",
        met=not verdict.unchecked,
        decides=True,
    )
    yield Claim(
        what="everything happened that was to happen, in time",
        aim="all phases",
        measured="; ".join(results.failures) or "all phases",
        met=not results.failures,
        decides=True,
    )
    gaps = sum(phase.counts.get("gaps", 0) for phase in results.phases)
    yield Claim(what="nobody was told of a gap", aim="0", measured=f"{gaps:,}", met=gaps == 0)
    if told_last is not None:
        crashes = told_last.crashes
        yield Claim(what="no actor crashed", aim="0", measured=f"{crashes:,}", met=crashes == 0, decides=True)
    if replaced is not None:
        what = "no process of the server ended by itself"
        yield Claim(what=what, aim="0", measured=str(replaced), met=replaced == 0, decides=True)


def _of_speed(results: Results) -> Iterator[Claim]:
    figures, connections = results.figures, results.options.connections
    many = max(connections / PROMISED_FOR, 1.0)
    if "connect_seconds" in figures:
        measured = (
            f"{told('connect_seconds', figures['connect_seconds'])}, {figures['connects_per_second']:,.0f} a second"
        )
        yield _within(
            "everybody connected, each with its own token", figures["connect_seconds"], CONNECT_SECONDS * many, measured
        )
    if "broadcast_worst" in figures:
        measured = (
            f"{told('broadcast_median', figures['broadcast_median'])} (median), "
            f"{told('broadcast_worst', figures['broadcast_worst'])} (worst)"
        )
        what = f"a message to {figures['broadcast_to']:,.0f} people, from first send to last receipt"
        yield _within(what, figures["broadcast_worst"], BROADCAST_SECONDS * many, measured)
    if results.scenario == "proof" and (p99 := _small_rooms(results)) is not None:
        yield _within("in small rooms, from post to seen, 99 of 100", p99, SMALL_ROOM_SECONDS, told("seen_p99", p99))
    if "recovery_seconds" in figures:
        measured = (
            f"{figures['cut_off']:,.0f} cut off, all back with everything after "
            f"{told('recovery_seconds', figures['recovery_seconds'])}{_posts_meanwhile(figures, 'meanwhile_ack_p99')}"
        )
        yield Claim(what="a storm is recovered from", aim="stated", measured=measured, met=None)
    if "lost_by_kill" in figures:
        measured = (
            f"{figures['lost_by_kill']:,.0f} connections ended, all of these people back with everything after "
            f"{told('kill_recovery_seconds', figures['kill_recovery_seconds'])}"
            f"{_posts_meanwhile(figures, 'kill_ack_p99')}"
        )
        yield Claim(what="a worker is killed", aim="stated", measured=measured, met=None)
    if results.scenario == "ladder":
        yield _highest_rate(figures)
    if "clients_bottleneck_rate" in figures:
        measured = (
            f"{figures['clients_bottleneck_rate']:,.0f} posts a second: up to there the figure is one of the clients"
        )
        yield Claim(
            what="the highest rate at which the clients were the bottleneck", aim="stated", measured=measured, met=None
        )


def _small_rooms(results: Results) -> float | None:
    return next((phase.seen.p99 for phase in results.phases if phase.name == "small rooms" and phase.seen), None)


def _highest_rate(figures: dict[str, float]) -> Claim:
    if "highest_rate" not in figures:
        measured = "no rate that was tried"
    else:
        measured = (
            f"{figures['highest_rate']:,.0f} posts and {figures['highest_rate_deliveries']:,.0f} deliveries a second, "
            f"seen within {told('highest_rate_seen_p99', figures['highest_rate_seen_p99'])}"
        )
    aim = f"99 of 100 seen within {told('seen_p99', LADDER_SECONDS)}, nothing lost: stated"
    return Claim(what="the highest rate of posts", aim=aim, measured=measured, met=None)


def _posts_meanwhile(figures: Mapping[str, float], name: str) -> str:
    """What it meant for others."""
    return f"; 99 of 100 posts of others took up to {told(name, figures[name])}" if name in figures else ""


def _within(what: str, seconds: float, most: float, measured: str) -> Claim:
    return Claim(what=what, aim=f"<= {told('seen_p99', most)}", measured=measured, met=seconds <= most)


def _of_memory(memory: Memory | None) -> Iterator[Claim]:
    if memory is None:
        return
    many = memory.connections >= MEMORY_FROM
    few = "" if many else f"; of too few connections to judge by ({MEMORY_FROM:,})"
    if memory.server_unique is not None and memory.server_base is not None:
        yield Claim(
            what="unique memory of the server for each connection, beside its base",
            aim=f"<= {SERVER_BYTES:,} bytes",
            measured=f"{memory.server_unique:,.0f} bytes; base {memory.server_base / 1e6:,.0f} MB{few}",
            met=memory.server_unique <= SERVER_BYTES if many else None,
        )
    if memory.harness_slope is not None:
        yield Claim(
            what="unique memory of the harness for each connection, by the slope while they came",
            aim=f"<= {HARNESS_BYTES:,} bytes",
            measured=f"{memory.harness_slope:,.0f} bytes; base {memory.harness_base / 1e6:,.0f} MB{few}",
            met=memory.harness_slope <= HARNESS_BYTES if many else None,
        )


def proved(claims: Sequence[Claim]) -> bool:
    """Whether everything that decides was met, and was looked at."""
    deciding = [claim for claim in claims if claim.decides]
    return bool(deciding) and all(claim.met for claim in deciding)
