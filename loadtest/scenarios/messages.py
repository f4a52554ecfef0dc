"""What travels between the one who conducts a load test and the processes that play it, and what comes out of it.

A conductor gives orders, the same to all; a player does what concerns its own people, and tells its progress.
Everything here is a msgspec Struct: it goes through locust's messages as msgpack, and into reports as JSON. Times are
seconds, latencies in histograms microseconds. Nothing here decides anything.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user may choose of a scenario. Flags and environment variables are made from these fields."""

    scenario: Annotated[str, Meta(description="which one is played")] = "steady"
    connections: Annotated[int, Meta(description="people who connect, all processes together", ge=1)] = 1_000
    seed: Annotated[int, Meta(description="who does what and when follows from it")] = 1
    seconds: Annotated[
        float, Meta(description="seconds that the scenario's main phase lasts, or a step of the ladder", gt=0)
    ] = 30.0
    rate: Annotated[
        float, Meta(description="posts a second of all people; the ladder begins with it; 0: as people would", ge=0)
    ] = 0
    connects: Annotated[
        float, Meta(description="connections begun a second; 0: as fast as they are answered", ge=0)
    ] = 0
    at_once: Annotated[
        int,
        Meta(description="connections of a process that are begun and not yet welcome, on average over shifts", ge=1),
    ] = 100
    repeats: Annotated[int, Meta(description="how often is broadcast", ge=1)] = 5
    share: Annotated[
        float, Meta(description="of the people: who are cut off (storm, proof), who do not read (slow)", ge=0, le=1)
    ] = 0.2
    storm: Annotated[
        int, Meta(description="people who are cut off at once (storm, proof); 0: `--share` of all", ge=0)
    ] = 0
    churn: Annotated[float, Meta(description="people a second who leave and come again", gt=0)] = 50.0
    away: Annotated[float, Meta(description="seconds that who left in a churn stays away", ge=0)] = 1.0
    sip: Annotated[float, Meta(description="bytes a second that a slow one reads; 0: nothing", ge=0)] = 0
    posts: Annotated[int, Meta(description="posts spread over small rooms (proof)", ge=1)] = 1_000
    growth: Annotated[
        int,
        Meta(
            description="at so many people, at ten times as many and so on, all pause and hear a broadcast while they "
            "come (proof); 0: nobody pauses",
            ge=0,
        ),
    ] = 0
    kill: Annotated[
        int,
        Meta(
            description="id of a process of the server on this machine that is killed when the storm is over (proof); "
            "0: none",
            ge=0,
        ),
    ] = 0
    limit: Annotated[
        float, Meta(description="seconds from post to seen that 99 of 100 must keep to (ladder)", gt=0)
    ] = 0.1
    step: Annotated[float, Meta(description="by how much the ladder raises the rate each time", gt=1)] = 1.5
    come_within: Annotated[float, Meta(description="seconds until all have to be welcome", gt=0)] = 120.0
    settle_within: Annotated[
        float, Meta(description="seconds until all have to have everything: a broadcast, and in the end", gt=0)
    ] = 60.0


# --- orders --------------------------------------------------------------------------------------------------


class Come(Struct, frozen=True, tag="come"):
    """Everybody connects, or who has a number below `count`. Done when they are welcome.

    `connects`: a second, all together; `at_once`: of one process.
    """

    connects: float
    at_once: int
    count: int | None = None


class Hold(Struct, frozen=True, tag="hold"):
    """Nothing beside the talk goes on. Done after so many seconds."""

    seconds: float


class Broadcast(Struct, frozen=True, tag="broadcast"):
    """One person says one thing in one room, both by their numbers. Done when all of the room have seen it, or those
    with numbers below `among`, where not all have come."""

    poster: int
    room: int
    among: int | None = None


class Spread(Struct, frozen=True, tag="spread"):
    """So many posts within so many seconds, each into somebody's smallest room. Done when all are answered and seen."""

    posts: int
    seconds: float


class Cut(Struct, frozen=True, tag="cut"):
    """So many people are cut off at once and come again at once. Done when they have what they missed."""

    count: int


class Kill(Struct, frozen=True, tag="kill"):
    """A process of the server is killed; whoever loses a connection by it comes again at once. Done when nobody has
    been away for `quiet` seconds."""

    process: int
    quiet: float


class Churn(Struct, frozen=True, tag="churn"):
    """So many people a second leave, and come again after `away` seconds. Done after so many seconds."""

    rate: float
    away: float
    seconds: float


class Ignore(Struct, frozen=True, tag="ignore"):
    """A share of the people stops reading, or reads `sip` bytes a second. Done after so many seconds."""

    share: float
    sip: float
    seconds: float


class Settle(Struct, frozen=True, tag="settle"):
    """Everybody reads, and comes if they are away. Done when every post is answered; then `heads` are told."""


class Reach(Struct, frozen=True, tag="reach"):
    """Done when all are welcome and have come as far in their rooms as this says, by the rooms' ids.

    These are all rooms in which anybody posted or saw anything: what is testified is about them.
    """

    heads: dict[str, int]


class Testify(Struct, frozen=True, tag="testify"):
    """Done when the ledger was told."""


Doing = Come | Hold | Broadcast | Spread | Cut | Kill | Churn | Ignore | Settle | Reach | Testify


class Order(Struct, frozen=True):
    """What everybody does from now on, until the next order.

    `talk`: posts a second that people make beside it, all processes together; they read, type, scroll back and change
    rooms in proportion.
    """

    number: int
    phase: str
    doing: Doing
    talk: float = 0.0


# --- progress ------------------------------------------------------------------------------------------------


class Measured(Struct):
    """What happened in a process under one order, since it was last told of. Histograms are `take_counts`
    (histogram.py)."""

    order: int
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of CPU that this process used meanwhile."""
    connects: int = 0
    """How many came to be welcome."""
    posted: int = 0
    """Retries count again."""
    acknowledged: int = 0
    delivered: int = 0
    gaps: int = 0
    """How often somebody was told that entries will not be replayed."""
    refused: int = 0
    """Commands that were answered with an error."""
    refusals: dict[int, int] = {}
    """Upgrades that were refused, by HTTP status."""
    closes: dict[int, int] = {}
    """Connections that the server ended, by close code; 1006 without one."""
    failures: dict[int, int] = {}
    """Connections that were not made or broke, by errno; ETIMEDOUT: a client hung up, because an answer or its welcome
    was overdue by far."""
    connect: bytes = b""
    """From the first packet to the welcome."""
    ack: bytes = b""
    seen: bytes = b""
    """From a post to each who sees it."""
    late: bytes = b""
    """How much later than planned people acted: what the harness itself held up."""
    figures: dict[str, float] = {}
    """What only this kind of phase has; the largest of all processes counts."""


class Progress(Struct):
    """How a player is."""

    player: int
    order: int
    """The newest one that was obeyed; 0: none."""
    done: bool
    wanted: int
    connected: int
    ready: int
    measured: list[Measured] = []
    heads: dict[str, int] = {}
    """Once all is answered: each room in which its people posted or saw anything, with the highest `seq` that they were
    acknowledged there; 0 for none."""
    ledger: bytes = b""
    """Once, as the answer to `Testify`."""


# --- what comes out ------------------------------------------------------------------------------------------


class Spectrum(Struct, frozen=True):
    """A histogram in a few numbers: seconds."""

    count: int
    p50: float
    p90: float
    p99: float
    p999: float
    max: float


class PhaseResult(Struct, frozen=True, kw_only=True):
    """One phase, all processes together."""

    name: str
    began: float
    """Seconds since the scenario began."""
    seconds: float
    in_time: bool
    counts: dict[str, int]
    """connects, posted, acknowledged, delivered, gaps, refused."""
    refusals: dict[int, int]
    closes: dict[int, int]
    failures: dict[int, int]
    connect: Spectrum | None
    ack: Spectrum | None
    seen: Spectrum | None
    late: Spectrum | None
    figures: dict[str, float]
    clients_cpu: list[float]
    """By process: the share of one core that it used."""


class Found(Struct, frozen=True):
    """A broken promise, with the fewest facts that show it, in words."""

    kind: str
    room: str
    words: str


class Verdict(Struct, frozen=True):
    """What the ledgers and the logs say together.

    `unchecked`: what could not be looked at, and why: a run with any is not a good one. `broken`: how many promises
    were broken, of which `findings` tells the first hundred. `readers`: of all rooms that were read, one in two rooms
    twice.
    """

    findings: list[Found] = []
    broken: int = 0
    unchecked: list[str] = []
    rooms_read: int = 0
    entries_read: int = 0
    posts: int = 0
    readers: int = 0


class Results(Struct, frozen=True, kw_only=True):
    """A scenario that was played."""

    scenario: str
    options: Options
    players: int
    seconds: float
    phases: list[PhaseResult]
    figures: dict[str, float]
    """The scenario's own, by the names in `figures.py`, which says what they mean."""
    words: list[str]
    """What the figures come to, a sentence each."""
    failures: list[str]
    """What did not happen in time."""
    verdict: Verdict

    @property
    def exit_code(self) -> int:
        """0: all that was to happen happened, and no promise was broken."""
        return 1 if self.failures or self.verdict.findings or self.verdict.unchecked else 0


class Glance(Struct, frozen=True, kw_only=True):
    """How it stands, for a journal or a screen: the counts are of all so far, the latencies since the last glance."""

    at: float
    """Seconds since the scenario began."""
    phase: str
    players: int
    wanted: int
    connected: int
    ready: int
    connects: int
    posted: int
    acknowledged: int
    delivered: int
    ack: Spectrum | None
    seen: Spectrum | None
    failures: dict[str, int]
    """Refused upgrades (`503`), closes (`close 4002`), connections that failed (`errno 111`), refused commands."""
    clients_cpu: list[float]


NO_VERDICT: Final = Verdict(unchecked=["the run ended before anything was checked"])
