"""`make bench-growth`: memory for each connection and CPU for each delivery, as people and rooms become more.

- people: 1,000 to 18,000 in one process, everybody in a room with all and in one of ten; and more of them
  where `hubbub prove` was run (`--results FILE`, its results.json): those runs take long, and are not done again
- rooms: 10 to 100,000 of them for the same 10,000 people, each of whom is in ten: so the more, the smaller
- tens: 1,000 to 100,000 rooms of ten for them: so the more, the more rooms has each
- beside: what the engine and PostgreSQL take for it

Each point is a single run, with a server and a load that are fresh, one after the other. A line of JSON for each; then
whether each figure is flat, and a plot. Takes about ten minutes, and wants an idle machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from loadtest.prove.claims import MEMORY_FROM  # noqa: E402 - found by the line above
from tests.bench.growth.beside import beside  # noqa: E402
from tests.bench.growth.flat import TOLERANCES, Flatness, Line, flatness, in_words, line  # noqa: E402
from tests.bench.growth.points import Point, Series, of_file  # noqa: E402
from tests.bench.growth.results import Growth, read, write  # noqa: E402

PARTS: Final = ("people", "rooms", "tens", "beside")
PEOPLE: Final = (1_000, 5_000, 10_000, 18_000)
ROOMS: Final = (10, 100, 1_000, 10_000, 100_000)
IN_ROOMS: Final = 10_000
ROOMS_EACH: Final = 10
TENS: Final = (1_000, 10_000, 100_000)
IN_FLIGHT: Final = 20
"""Posts under way in rooms of ten. Elsewhere it is one: of several that reach the same people at once, each is cheaper,
and how many do so would depend on how large rooms are."""
PROOF: Final = Path("docs", "proof")  # from where make runs it


def reports() -> list[Path]:
    """Of the committed runs of `hubbub prove`, by how many people each had: that is what their folders are named."""
    return sorted(PROOF.glob("[0-9]*/results.json"), key=lambda file: int(file.parent.name))


def people_points(counts: Sequence[int], rounds: int) -> Iterator[Point]:
    for count in counts:
        yield _measured("people", count, "all,each:10", 1, rounds)


def rooms_points(counts: Sequence[int], rounds: int) -> Iterator[Point]:
    """Everybody is in as many rooms, however many there are; so there are as many places."""
    for count in counts:
        members = IN_ROOMS * ROOMS_EACH // count
        yield _measured("rooms", IN_ROOMS, f"rooms:{count}x{members}", 1, rounds)


def tens_points(counts: Sequence[int], rounds: int) -> Iterator[Point]:
    for count in counts:
        yield _measured("tens", IN_ROOMS, f"rooms:{count}x10", IN_FLIGHT, rounds)


def _measured(series: Series, connections: int, plan: str, in_flight: int, rounds: int) -> Point:
    command = [
        *(sys.executable, "-m", "tests.bench.growth.measuring", "--series", series, "--rooms", plan),
        *("--connections", str(connections), "--in-flight", str(in_flight), "--rounds", str(rounds)),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    return msgspec.json.decode(done.stdout, type=Point)


def judged(points: Sequence[Point]) -> dict[str, list[Flatness]]:
    """People in one process, people over as many workers as it takes, and rooms of ten: each figure by itself."""
    people = [point for point in points if point.series == "people"]
    series = {
        "people, one process": [point for point in people if point.source == "one process"],
        "people, by hubbub prove": [point for point in people if point.source != "one process"],
        "rooms of ten": [point for point in points if point.series == "tens"],
    }
    return {name: [_flatness(figure, some) for figure in TOLERANCES] for name, some in series.items() if some}


def lines(points: Sequence[Point]) -> list[Line]:
    """What is not flat, because there is more to do: larger rooms, and more of them for each."""
    posts = [
        (point.members, point.server_us_post)
        for point in points
        if point.series == "rooms" and point.members and point.server_us_post
    ]
    memory = [
        (point.memberships, point.server_bytes)
        for point in points
        if point.series == "tens" and point.memberships and point.server_bytes
    ]
    found = (
        line("us of the server for a post, and for each member", posts),
        line("bytes of a person, and of each of their rooms of ten", memory),
    )
    return [one for one in found if one is not None]


def _flatness(figure: str, points: Sequence[Point]) -> Flatness:
    """Memory of few people is mostly what a process needs once, and is not judged."""
    least = MEMORY_FROM if figure.endswith("_bytes") else 0
    values = ((point.x, getattr(point, figure)) for point in points if point.connections >= least)
    return flatness(figure, [(x, value) for x, value in values if value is not None])


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-growth", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=PARTS, default=[], help="a part; may be repeated")
    parser.add_argument("--people", type=int, action="append", help="how many (1,000 to 18,000)")
    parser.add_argument("--rooms", type=int, action="append", help="how many (10 to 100,000)")
    parser.add_argument("--tens", type=int, action="append", help="rooms of ten (1,000, 10,000 and 100,000)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, action="append", help="of a run of `hubbub prove`; may be repeated")
    parser.add_argument(
        "--points", type=Path, action="append", default=[], help="results.json of an earlier run of this"
    )
    parser.add_argument("--out", type=Path, default=Path("build/growth"), help="the folder of results and plot")
    given = parser.parse_args()
    parts = given.only or (() if given.points else PARTS)
    points: list[Point] = []
    for point in _all(parts, given):
        points.append(point)
        print(msgspec.json.encode(point).decode(), flush=True)
    earlier = (read(file).beside for file in given.points)
    besides = beside() if "beside" in parts else next((found for found in earlier if found is not None), None)
    if besides is not None:
        print(msgspec.json.encode(besides).decode(), flush=True)
    growth = Growth(
        command=["make", "bench-growth", *sys.argv[1:]],
        points=points,
        flat=judged(points),
        lines=lines(points),
        beside=besides,
    )
    print("\n".join(table(points)))
    for name, figures in growth.flat.items():
        for found in figures:
            print(f"{name}: {found.figure}: {in_words(found)}")
    for one in growth.lines:
        print(f"{one.what}: {one.fixed:,.1f} and {one.each:,.2f}, the farthest point is off by {one.worst:.0%}")
    given.out.mkdir(parents=True, exist_ok=True)
    write(growth, given.out / "results.json")
    from tests.bench.growth.picture import draw

    draw(points, given.out / "growth.png")
    print(f"{given.out}/results.json, {given.out}/growth.png")


def table(points: Sequence[Point]) -> Iterator[str]:
    """For docs/growth.md."""
    yield f"| {' | '.join(_HEAD)} |"
    yield "|---" * len(_HEAD) + "|"
    for point in points:
        measured = (
            point.server_bytes, point.harness_bytes, point.kernel_bytes, point.server_us, point.both_us,
            point.server_us_post,
        )  # fmt: skip
        what = f"{point.connections:,}" if point.series == "people" else f"{point.rooms:,} of {point.members:,.0f}"
        yield f"| {' | '.join([what, str(point.workers), *map(_told, measured), str(point.load)])} |"


_HEAD: Final = ("", "workers", "server", "load", "kernel", "server", "both", "a post", "load of the machine before")


def _told(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def _all(parts: Sequence[str], given: argparse.Namespace) -> Iterator[Point]:
    for file in given.points:
        yield from read(file).points
    if "people" in parts:
        yield from people_points(given.people or PEOPLE, given.rounds)
        for report in given.results or reports():
            yield from of_file(report)
    if "rooms" in parts:
        yield from rooms_points(given.rooms or ROOMS, given.rounds)
    if "tens" in parts:
        yield from tens_points(given.tens or TENS, given.rounds)


if __name__ == "__main__":
    main()
