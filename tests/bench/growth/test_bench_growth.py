"""What is called flat, and what of a run of `hubbub prove` becomes a point."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from loadtest.prove.growth import Growth
from loadtest.prove.results import read, write
from loadtest.prove.sampling import HARNESS, SERVER
from tests.bench.growth.flat import TOLERANCES, flatness, in_words, line
from tests.bench.growth.points import Point, of_file
from tests.bench.growth.run import judged, lines, reports

REPORT = Path(__file__).parents[3] / "docs" / "proof" / "100000" / "results.json"


def test_the_same_everywhere_is_flat() -> None:
    found = flatness("server_bytes", [(1_000, 1_100.0), (10_000, 1_100.0), (100_000, 1_100.0)])
    assert (found.flat, found.change) == (True, 0.0)


def test_what_grows_with_each_factor_of_ten_is_told_so() -> None:
    found = flatness("server_us", [(1_000, 10.0), (10_000, 12.0), (100_000, 14.4)])
    assert found.change == pytest.approx(0.44)
    assert found.flat is False
    assert in_words(found) == "not flat: +44% from 1,000 to 100,000 (30% allowed)"


def test_a_little_noise_between_numbers_that_are_close_is_not_blown_up() -> None:
    found = flatness("server_bytes", [(10_000, 1_700.0), (18_000, 1_615.0)])
    assert (found.flat, found.change, found.allowed) == (True, -0.05, 0.1)


@pytest.mark.parametrize("figure", TOLERANCES)
def test_what_shrinks_is_not_flat_either(figure: str) -> None:
    assert flatness(figure, [(10, 8.0), (100, 4.0)]).flat is False


def test_a_fixed_part_and_one_for_each_are_told_apart() -> None:
    found = line("a post", [(members, 100.0 + 8 * members) for members in (1, 10, 100, 10_000)])
    assert found is not None
    assert (found.fixed, found.each, found.worst) == (100.0, 8.0, 0.0)


def test_a_point_beside_the_line_is_seen() -> None:
    found = line("a post", [(1, 100.0), (10, 100.0), (100, 100.0), (1_000, 200.0)])
    assert found is not None
    assert found.worst > 0.05
    assert line("a post", [(1, 100.0), (10, 110.0)]) is None, "any two points are on a line"


def test_what_larger_rooms_and_more_of_them_take_is_a_line() -> None:
    rooms = [Point(series="rooms", x=m, source="one process", connections=10, workers=1, members=m,
                   server_us_post=100.0 + 8 * m) for m in (1, 10, 100)]  # fmt: skip
    tens = [Point(series="tens", x=m, source="one process", connections=10, workers=1, memberships=m,
                  server_bytes=1_000.0 + 400 * m) for m in (1, 10, 100)]  # fmt: skip
    assert [(one.fixed, one.each) for one in lines([*rooms, *tens])] == [(100.0, 8.0), (1_000.0, 400.0)]
    assert lines(rooms[:2]) == []


@pytest.mark.parametrize("points", [[], [(10, 1.0)], [(10, 1.0), (10, 2.0)], [(10, 0.0), (100, 1.0)]])
def test_of_too_little_nothing_is_told(points: list[tuple[float, float]]) -> None:
    found = flatness("server_us", points)
    assert (found.flat, found.change, in_words(found)) == (None, None, "not to be told")


def report_of(folder: Path, *, broadcasts: list[tuple[float, float]], looks: list[tuple[float, float, float]]) -> Path:
    """A run of prove in which a thousand people heard broadcasts, from when on and for how long, and the looks at what
    server and load had used by then. All other things are those of a real run."""
    report = read(REPORT)
    assert report.results is not None
    phase, sample, began = report.results.phases[0], report.samples[-1], report.began
    phases = [
        replace(phase, name=f"broadcast {nth}", began=at - began, seconds=seconds, counts={"delivered": 1_000})
        for nth, (at, seconds) in enumerate(broadcasts, start=1)
    ]
    used = [(at, {SERVER: server, HARNESS: load}) for at, server, load in looks]
    report.results = replace(report.results, phases=[phase, *phases])
    report.growth = []
    report.samples = [
        replace(sample, at=at, groups={name: replace(sample.groups[name], cpu=cpu) for name, cpu in groups.items()})
        for at, groups in used
    ]
    write(report, folder / "results.json")
    return folder / "results.json"


def test_a_run_of_prove_is_a_point() -> None:
    report, point = read(REPORT), of_file(REPORT)[-1]
    assert report.memory is not None
    assert (point.x, point.workers) == (report.wish.connections, report.forecast.workers)
    assert point.server_bytes == report.memory.server_unique
    assert point.kernel_bytes == report.memory.slab + report.memory.buffers


def test_a_delivery_costs_what_was_used_between_the_looks_around_the_broadcasts_but_the_first(tmp_path: Path) -> None:
    looks = [(99.0, 1.0, 1.0), (104.5, 2.0, 1.5), (110.1, 2.01, 1.504), (115.0, 3.0, 3.0)]
    [point] = of_file(report_of(tmp_path, broadcasts=[(100.0, 5.0), (105.0, 2.0), (107.0, 3.0)], looks=looks))
    assert (point.server_us, point.both_us, point.deliveries) == (5.0, 7.0, 2_000)


def test_it_is_not_told_by_looks_that_are_too_far_away(tmp_path: Path) -> None:
    looks = [(99.0, 1.0, 1.0), (104.5, 2.0, 1.5), (115.0, 3.0, 3.0)]
    [point] = of_file(report_of(tmp_path, broadcasts=[(100.0, 5.0), (105.0, 2.0), (107.0, 3.0)], looks=looks))
    assert (point.server_us, point.deliveries) == (None, 0)


def test_who_rested_on_the_way_is_a_point_too(tmp_path: Path) -> None:
    report = read(REPORT)
    line = Growth(
        people=1_000, connects_per_second=1.0, server=1_500.0, slab=9_000.0, buffers=100.0, harness=300.0,
        machine=11_000.0, server_idle=0.1, harness_idle=0.1, machine_idle=0.2, last_receipt=0.1, delivery=12.0,
    )  # fmt: skip
    report.growth = [line, replace(line, people=report.wish.connections)]
    write(report, tmp_path / "results.json")
    rested, whole = of_file(tmp_path / "results.json")
    assert (rested.x, rested.server_bytes, rested.kernel_bytes, rested.both_us) == (1_000, 1_500.0, 9_100.0, 12.0)
    assert (rested.server_us, whole.x) == (None, report.wish.connections)


def test_memory_of_few_is_not_judged() -> None:
    points = [Point(series="people", x=x, source="one process", connections=x, workers=1, server_bytes=b, server_us=1.0)
              for x, b in ((1_000, 3_000.0), (10_000, 1_000.0), (18_000, 1_000.0))]  # fmt: skip
    found = {one.figure: one for one in judged(points)["people, one process"]}
    assert (found["server_bytes"].points, found["server_bytes"].flat) == (2, True)
    assert found["server_us"].points == 3


def test_a_run_that_was_broken_off_has_nothing_to_tell(tmp_path: Path) -> None:
    report = read(REPORT)
    report.results = report.memory = None
    report.growth = []
    write(report, tmp_path / "results.json")
    [point] = of_file(tmp_path / "results.json")
    assert (point.server_bytes, point.server_us, point.deliveries) == (None, None, 0)


def test_each_series_is_judged_by_itself() -> None:
    point = of_file(REPORT)[-1]
    ours = replace(point, source="one process")
    rooms = replace(point, series="tens")
    assert set(judged([point])) == {"people, by hubbub prove"}
    assert set(judged([point, ours, rooms])) == {"people, by hubbub prove", "people, one process", "rooms of ten"}


def test_every_committed_report_of_so_many_people_is_a_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPORT.parents[3])
    found = [of_file(file)[-1] for file in reports()]
    assert [point.connections for point in found] == sorted(int(Path(point.source).parent.name) for point in found)
    assert {"docs/proof/18000/results.json", "docs/proof/1000000/results.json"} <= {point.source for point in found}
