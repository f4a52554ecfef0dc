"""A run that was played, as its report holds it."""

from __future__ import annotations

import pytest

from loadtest.prove.admin import Told
from loadtest.prove.claims import claims_of
from loadtest.prove.forecast import Wish, forecast
from loadtest.prove.machine import Machine
from loadtest.prove.results import Report, Surroundings, memory_between
from loadtest.prove.sampling import HARNESS, SERVER, Sample, Usage
from loadtest.scenarios.messages import Found, Glance, Options, PhaseResult, Results, Spectrum, Verdict

CONNECTIONS = 1_000
GIB = 2**30


@pytest.fixture
def machine() -> Machine:
    """Two cores and 24 GiB, and limits as many distributions set them."""
    return Machine(
        processor="a processor",
        system="a system",
        kernel="6.18",
        cores=2,
        memory=24 * GIB,
        available=22 * GIB,
        memory_limit=None,
        page=4096,
        disk_free=70 * GIB,
        files_of_process=20_000,
        files_ceiling=1_048_576,
        keeps_sockets=False,
        files_most=2_466_177,
        files_open=2_000,
        tcp_memory=(287_901, 383_868, 575_802),
        tcp_memory_used=10,
        ports=(32_768, 60_999),
        listen_queue=4_096,
        tracked=None,
        processes_most=32_768,
        processes=150,
        load=(0.1, 0.2, 0.3),
    )


def spectrum(seconds: float) -> Spectrum:
    return Spectrum(count=100, p50=seconds, p90=2 * seconds, p99=3 * seconds, p999=4 * seconds, max=5 * seconds)


def phase(name: str, began: float, seconds: float, **more: object) -> PhaseResult:
    given = {
        "in_time": True,
        "counts": {"connects": 0, "posted": 0, "acknowledged": 0, "delivered": 0, "gaps": 0, "refused": 0},
        "refusals": {},
        "closes": {},
        "failures": {},
        "connect": None,
        "ack": None,
        "seen": None,
        "late": None,
        "figures": {},
        "clients_cpu": [0.4],
    }
    return PhaseResult(name=name, began=began, seconds=seconds, **(given | more))  # type: ignore[arg-type]


def results(*findings: Found) -> Results:
    return Results(
        scenario="proof",
        options=Options(scenario="proof", connections=CONNECTIONS),
        players=1,
        seconds=30.0,
        phases=[
            phase("come", 0.0, 2.0, connect=spectrum(0.01)),
            phase("hold", 2.0, 10.0),
            phase("small rooms", 12.0, 5.0, seen=spectrum(0.004), ack=spectrum(0.002)),
            phase("broadcast 1", 17.0, 1.0, seen=spectrum(0.02), figures={"last_receipt": 0.12}),
            phase("storm", 18.0, 4.0, figures={"recovery": 1.5, "cut_off": 200.0}, seen=spectrum(0.01)),
        ],
        figures={
            "connect_seconds": 2.0,
            "connects_per_second": 500.0,
            "seen_p99": 0.012,
            "broadcast_to": 1000.0,
            "broadcast_median": 0.11,
            "broadcast_worst": 0.12,
            "cut_off": 200.0,
            "recovery_seconds": 1.5,
            "posted_meanwhile": 70.0,
        },
        words=["1,000 people were connected in 2.00 s"],
        failures=[],
        verdict=Verdict(findings=list(findings), rooms_read=101, entries_read=400, posts=400, readers=2_000),
    )


def sample(at: float, connected: int) -> Sample:
    """As it is with so many connected: 1,000 bytes of the server each, 8,000 of the slab, 300 of the harness."""
    unique, files = 60_000_000 + 1_000 * connected, 40 + connected
    server = Usage(processes=3, unique=unique, proportional=30_000_000 + unique, files=files)
    harness = Usage(processes=2, unique=70_000_000 + 300 * connected, proportional=80_000_000, cpu=at / 4, files=files)
    return Sample(
        at=at,
        took=0.004,
        here=0.01 * at,
        groups={SERVER: server, HARNESS: harness},
        each=None,
        slab=500_000_000 + 8_000 * connected,
        buffers=4_096 * (connected // 10),
        available=20 * GIB - 10_000 * connected,
        sockets=2 * connected,
        busy=at,
    )


def glance(at: float, connected: int) -> Glance:
    return Glance(
        at=at,
        phase="come" if at < 2 else "hold",
        players=1,
        wanted=CONNECTIONS,
        connected=connected,
        ready=connected,
        connects=connected,
        posted=0,
        acknowledged=0,
        delivered=0,
        ack=None,
        seen=spectrum(0.004),
        failures={},
        clients_cpu=[0.4],
    )


@pytest.fixture
def report(machine: Machine) -> Report:
    """All that a run of a thousand connections comes to."""
    wish = Wish(connections=CONNECTIONS)
    samples = [sample(float(at), min(max(at - 1, 0) * 100, CONNECTIONS)) for at in range(30)]
    memory = memory_between(samples[0], samples[12], samples, CONNECTIONS)
    played = results()
    asked = Told(
        at=20.0, ready=1000, opening=0, files={"0": 1020}, workers=1, messages=400, deliveries=9, crashes=0, closes={}
    )
    return Report(
        made_at="2026-11-22T21:30:00+00:00",
        command=["hubbub", "prove", "--connections", "1000", "--report", "a <b> folder"],
        outcome="proved",
        wish=wish,
        seed=1,
        target="a server of its own on this machine",
        machine=machine,
        kernel_settings={"net.core.somaxconn": "4096"},
        versions={"python": "3.11.7"},
        commit="0123456789ab",
        surroundings=Surroundings(busy_before=0.01, load_before=(0.1, 0.2, 0.3), busy_others=0.02, watching=0.01),
        forecast=forecast(machine, wish),
        claims=claims_of(played, memory, asked, 0),
        memory=memory,
        results=played,
        connections_by_worker={"0": 1000},
        steps={"seed": 0.5},
        samples=samples,
        glances=[glance(float(at), min(at * 500, CONNECTIONS)) for at in range(28)],
        told=[asked],
    )
