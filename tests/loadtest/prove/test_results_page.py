"""The report of a run: what is written can be read, and the page stands alone."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from loadtest.prove.growth import Growth
from loadtest.prove.page import page
from loadtest.prove.plots import Plot, plots, rate_over_time, tidied
from loadtest.prove.results import Report, memory_between, read, thinned, versions, write
from loadtest.prove.sampling import SERVER, Sample
from loadtest.scenarios.messages import Found

VOID = {"meta", "path", "use", "br"}


class Reader(HTMLParser):
    """Follows the nesting, and collects what matters."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        self.references += [str(value) for name, value in attrs if name in {"href", "xlink:href", "src"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def read_page(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def _drawn() -> dict[str, list[Plot]]:
    return {}


@pytest.fixture
def drawn(report: Report, _drawn: dict[str, list[Plot]]) -> list[Plot]:
    """Drawn once: it takes a second."""
    if "all" not in _drawn:
        _drawn["all"] = list(plots(report))
    return _drawn["all"]


def test_what_is_written_is_what_is_read(report: Report, tmp_path: Path) -> None:
    write(report, tmp_path / "results.json")
    assert read(tmp_path / "results.json") == report


def test_memory_is_what_grew_shared_out(report: Report) -> None:
    memory = report.memory
    assert memory is not None
    assert (memory.server_unique, memory.server_slope, memory.server_base) == (1_000, 1_000, 60_000_000)
    assert (memory.harness, memory.harness_slope, memory.harness_base) == (300, 300, 70_000_000)
    assert (memory.slab, memory.buffers, memory.machine) == (8_000, 409.6, 10_000)


def test_a_base_that_grows_with_the_first_is_not_in_the_slope(report: Report) -> None:
    def with_more(sample: Sample) -> Sample:
        server = sample.groups[SERVER]
        grown = msgspec.structs.replace(server, unique=server.unique + 20_000_000 * (server.files > 40))
        return msgspec.structs.replace(sample, groups=sample.groups | {SERVER: grown})

    samples = [with_more(sample) for sample in report.samples]
    memory = memory_between(samples[0], samples[12], samples, 1_000)
    assert (memory.server_slope, memory.server_unique) == (1_000, 21_000)


def test_what_a_storm_takes_is_not_in_the_slope(report: Report) -> None:
    """The line ends where everybody is there, also if some were there before the first look: then no count says so."""

    def begun_later(sample: Sample, more: int) -> Sample:
        server = sample.groups[SERVER]
        files = min(server.files, 900)
        grown = msgspec.structs.replace(server, files=files, unique=server.unique + more)
        return msgspec.structs.replace(sample, groups=sample.groups | {SERVER: grown})

    full = report.samples[12]
    came = [begun_later(sample, 0) for sample in report.samples[:13]]
    storm = [msgspec.structs.replace(begun_later(full, 40_000_000), at=full.at + nth) for nth in (1, 2, 3)]
    assert memory_between(came[0], came[12], came + storm, 1_000) == memory_between(came[0], came[12], came, 1_000)


def test_few_looks_make_no_line(report: Report) -> None:
    assert memory_between(report.samples[0], report.samples[12], report.samples[:6], 1_000).server_slope is None


def test_the_page_is_html_and_points_nowhere(report: Report, drawn: list[Plot]) -> None:
    text = page(report, drawn)
    assert "http:" not in text
    assert "https:" not in text
    assert "<script" not in text
    reader = read_page(text)
    assert reader.seen.count("svg") == len(drawn)
    assert len(reader.ids) == len(set(reader.ids))
    assert all(reference.removeprefix("#") in reader.ids for reference in reader.references)


def test_every_plot_has_its_data_and_a_picture(report: Report, drawn: list[Plot]) -> None:
    assert [plot.name for plot in drawn] == [
        "connected", "connects", "memory-each", "memory", "latency", "latency-time", "broadcast", "storm", "cpu",
    ]  # fmt: skip
    for plot in drawn:
        ElementTree.fromstring(plot.svg.replace("xlink:href", "href"))
        assert plot.png.startswith(b"\x89PNG")
        assert plot.svg.count("<path") > 3
        assert "#010203" not in plot.svg


def test_a_plot_without_data_is_not_made(report: Report) -> None:
    report.results = report.memory = None
    report.glances, report.samples = [], []
    assert list(plots(report)) == []


def test_what_came_from_outside_is_escaped(report: Report) -> None:
    assert report.results is not None
    found = Found(kind="lost", room="r_1", words="<img src=x> was acknowledged")
    report.results.verdict.findings.append(found)
    report.fault, report.said = "the server ended: <b>", "Traceback </pre><script>"
    text = page(report, [])
    assert "<img" not in text
    assert "<script" not in text
    assert "&lt;img src=x&gt; was acknowledged" in text
    assert "a &lt;b&gt; folder" in text
    read_page(text)


def test_the_page_says_how_it_was_made(report: Report) -> None:
    text = page(report, [])
    for words in ("--connections 1000", "a single run", "30 s", "0123456789ab", "net.core.somaxconn", "3.11.7"):
        assert words in text


def test_rates_are_of_the_time_between_two_counts() -> None:
    assert rate_over_time([(0.0, 0), (2.0, 100), (2.0, 100), (3.0, 100)]) == [(2.0, 50.0), (3.0, 0.0)]


def test_two_plots_on_a_page_do_not_share_ids() -> None:
    svg = '<?xml?><!DOCTYPE x "http://w3"><svg xmlns="http://w3" viewBox="0 0 1 1"><g id="a"/><use href="#a"/></svg>'
    assert 'id="one-a"' in tidied(svg, "one")
    assert 'href="#two-a"' in tidied(svg, "two")
    assert "http" not in tidied(svg, "one")


def test_versions_are_of_what_is_installed() -> None:
    assert {"python", "hubbub", "locust"} <= set(versions())


def grown(people: int) -> Growth:
    return Growth(
        people=people, connects_per_second=900.0, server=1_200.0, slab=8_500.0, buffers=0.0, harness=300.0,
        machine=10_000.0, server_idle=0.1, harness_idle=0.2, machine_idle=0.4, last_receipt=0.2, delivery=None,
    )  # fmt: skip


def test_how_costs_grew_is_a_table_and_a_plot(report: Report) -> None:
    report.growth = [grown(100), grown(1_000)]
    assert "With more and more people" in page(report, [])
    assert "growth" in [plot.name for plot in plots(report)]
    report.growth = [grown(1_000)]
    assert "With more and more people" not in page(report, [])


def test_of_many_processes_the_page_says_how_they_are_spread(report: Report) -> None:
    assert report.results is not None
    report.connections_by_worker = {str(worker): 17_000 + worker for worker in range(56)}
    report.results.phases[0].clients_cpu[:] = [0.01 * place for place in range(53)]
    text = page(report, [])
    assert "53 processes: 0.00 to 0.52" in text
    assert "17,055" in text
    assert "worker 17" not in text


def test_a_long_series_is_thinned_and_keeps_its_ends() -> None:
    assert thinned(list(range(10)), 20) == list(range(10))
    for length in (599, 600, 601, 1_199, 1_200, 1_201, 5_000):
        kept = thinned(list(range(length)), 600)
        assert len(kept) <= 601
        assert (kept[0], kept[-1]) == (0, length - 1)
        assert kept == sorted(set(kept))
