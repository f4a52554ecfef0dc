"""Link: what two nodes agree on, so that what one tells the other arrives once and in order, or both know better.

The network may lose, delay, repeat and reorder packets. Envelopes are numbered and acknowledged within a *session*; a
session is two numbers, one chosen freshly by each side, and both stand in every packet. Nothing is ever sent again:
at the first sign that something is missing, the session is *reset*, and what was told in it is as good as lost.

The rules:
- Data flows only when each side has seen that the other knows its number (a handshake of three, as TCP's). So a packet
  of a former session, however late, never counts as one of this.
- What was sent and is not acknowledged in time, and what was told and cannot be sent in time, resets the session. So
  does a gap in the numbers, and an acknowledgement of what was never sent. What comes a second time is passed over.
- Slow is not lost: as long as acknowledgements go on, each within the time, the session lives, however much waits. To
  reset it would throw away all that is on its way, and have it told again to who could not keep up with it once.
- Whoever has reset greets until it is answered, and whoever is greeted in a session that is over there says so by a
  packet of that session, which is then refused: so both learn of each reset as soon as a packet comes through.
- At most a window of bytes is told and not acknowledged. Answers and news of deaths have had their place reserved by
  the questions and watches they end, and may go beyond; far beyond, the session is reset.
- Acknowledgements wait for company: they go with the next data, or alone after a while. They are not acknowledged. An
  idle link is silent.

Pure: no I/O, no clock, no randomness. `now` is seconds of any clock that only rises.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Final

from actors.distribution.packets import Kind, Packet

RESERVED: Final = 4
"""So many windows may be taken with what has its place reserved."""

GREET_FIRST: Final = 0.05
GREET_LONGEST: Final = 1.0
"""Seconds between greetings that are not answered: doubled from the first to the longest."""


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """What a link may use.

    Args:
        window: bytes that may be told and not acknowledged. 4 MiB: what a busy node tells another in a second, and
            with a hundred nodes that hang, still bearable.
        packet: bytes after which a packet is full; one larger envelope fills one alone.
        time_out: seconds in which some of what was told must be acknowledged. Half of what a membership usually takes
            to call a node dead, and ten times what a busy node takes to come round.
        acknowledge: seconds an acknowledgement waits for data to go with, well below `time_out`.
        retry: seconds until a packet that the transport has not taken is tried again.
    """

    window: int = 4 * 2**20
    packet: int = 256 * 2**10
    time_out: float = 2.0
    acknowledge: float = 0.2
    retry: float = 0.02


class Phase(Enum):
    """Where a link stands."""

    AWAY = "away"
    """The other node is not there, as far as is known; nothing is sent, and nothing believed."""
    OPENING = "opening"
    """It is there, and there is no session yet, or none any more."""
    UP = "up"
    """Both know both numbers."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet that waits to be acknowledged: the number of its last envelope, their bytes, and when the oldest was
    told."""

    last: int
    size: int
    told_at: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of a packet.

    Args:
        lost: why the session was reset by it; None: it was not.
        envelopes: what has arrived, in order.
    """

    lost: str | None = None
    envelopes: tuple[bytes, ...] = ()


NOTHING: Final = Outcome()


class Link:
    """One side of it.

    Args:
        limits: what it may use.
        sessions: numbers that were never given before on this node, not 0.

    Attributes:
        phase: where it stands.
        outstanding: bytes that are told and not acknowledged.
        resets: sessions that were lost.
        patience: how many times longer than `time_out` it waits.
    """

    def __init__(self, limits: LinkLimits, sessions: Iterator[int]) -> None:
        self.phase = Phase.AWAY
        self.outstanding = 0
        self.resets = 0
        self.patience = 1.0
        self._limits = limits
        self._sessions = sessions
        self._mine = self._theirs = 0
        self._queue: deque[bytes] = deque()
        self._queued_since = inf
        self._in_flight: deque[Sent] = deque()
        self._sent = self._received = 0
        self._unacknowledged = 0
        self._acknowledge_at = inf
        self._greet_at = inf
        self._greet_pause = GREET_FIRST
        self._refuses_from = inf
        self._postponed = 0.0
        self._moved_at = 0.0
        self._overrun = False
        self._over_there: deque[int] = deque(maxlen=4)
        self._hold_until = 0.0

    # What the application does with it

    def open(self, now: float) -> None:
        """The other node is there. Harmless when that is known."""
        if self.phase is Phase.AWAY:
            self._begin(now)

    def close(self, why: str) -> str | None:
        """The other node is gone. Why what was told is lost; None if there was nothing to lose."""
        lost = self._lose(why)
        self.phase = Phase.AWAY
        self._over_there.clear()
        return lost

    def accepts(self, now: float) -> bool:
        """Whether the other side is there, or may well be."""
        return self.phase is not Phase.AWAY and now < self._refuses_from

    def take(self, envelope: bytes, now: float, reserved: bool = False) -> bool:
        """Tell the other side; False: it is not there, or the window is full.

        Args:
            envelope: what is told.
            now: when.
            reserved: its place was reserved, so it may go beyond the window.
        """
        if not self.accepts(now) or self._overrun:
            return False
        size = len(envelope)
        window = self._limits.window * RESERVED if reserved else self._limits.window
        if self.outstanding and self.outstanding + size > window:
            self._overrun = reserved
            return False
        if not self._queue:
            self._queued_since = now
        self._queue.append(envelope)
        self.outstanding += size
        return True

    # What the network does with it

    @property
    def due(self) -> float:
        """When there is something to do by itself, without anything told or received."""
        if self.phase is Phase.AWAY:
            return inf
        if self._overrun:
            return 0.0
        sending = 0.0 if self._over_there else inf
        if self.phase is Phase.OPENING:
            sending = min(sending, self._greet_at)
        else:
            sending = min(sending, 0.0 if self._queue else self._acknowledge_at)
        return min(max(sending, self._hold_until), self._deadline())

    def look(self, now: float) -> str | None:
        """See whether the time of something is up. Why the session was lost by it; None if it was not."""
        if self._overrun:
            return self._reset(now, "it has taken more than it may", there=False)
        late = now - self._deadline()
        if late < 0.0:
            return None
        if late > self._time_out / 10:  # it is this node that was late: let it see what has come meanwhile
            self._postponed = now + self._time_out / 2
            return None
        return self._reset(now, f"nothing was acknowledged for {self._time_out:g} s", there=False)

    def packet(self, now: float) -> Packet | None:
        """What is to be sent next; None: nothing now. It stays so until `sent` or `refused`."""
        if self.phase is Phase.AWAY or now < self._hold_until:
            return None
        if self._over_there:
            return Packet(Kind.RESET, self._mine, self._over_there[0])
        if self.phase is Phase.OPENING:
            return Packet(Kind.GREETING, self._mine, self._theirs) if now >= self._greet_at else None
        if self._queue or now >= self._acknowledge_at:
            envelopes = self._next_envelopes()
            return Packet(Kind.DATA, self._mine, self._theirs, self._sent + 1, self._received, envelopes)
        return None

    def sent(self, packet: Packet, now: float) -> None:
        """The transport has taken it."""
        match packet.kind:
            case Kind.RESET:
                self._over_there.popleft()
            case Kind.GREETING:
                self._greet_at = now + self._greet_pause
                self._greet_pause = min(2 * self._greet_pause, GREET_LONGEST)
            case Kind.DATA:
                self._acknowledge_at, self._unacknowledged = inf, 0
                if packet.envelopes:
                    self._into_flight(packet.envelopes)

    def refused(self, now: float) -> None:
        """The transport has not taken it: try again in a while."""
        self._hold_until = now + self._limits.retry

    def received(self, packet: Packet, now: float) -> Outcome:
        """A packet has come."""
        if self.phase is Phase.AWAY:
            return NOTHING
        match packet.kind:
            case Kind.GREETING:
                self._greeted(packet, now)
                return NOTHING
            case Kind.RESET:
                return self._ended_there(packet, now)
            case Kind.DATA:
                return self._data(packet, now)

    # How it does it

    def _greeted(self, packet: Packet, now: float) -> None:
        if packet.target not in (0, self._mine):
            self._over_there.append(packet.source)
        elif self.phase is Phase.UP:  # whether it is this session or another one: what it is answered says which
            self._acknowledge_at = now
        elif packet.target:
            self._up(packet.source)
            self._acknowledge_at = now
        else:
            self._theirs = packet.source
            self._greet_at = now

    def _ended_there(self, packet: Packet, now: float) -> Outcome:
        if packet.target != self._mine:
            return NOTHING
        if self.phase is Phase.UP:
            return Outcome(self._reset(now, "the other side has reset it", there=True))
        self._theirs = 0
        return NOTHING

    def _data(self, packet: Packet, now: float) -> Outcome:
        if packet.target != self._mine:
            self._over_there.append(packet.source)
            return NOTHING
        if self.phase is Phase.OPENING:
            self._up(packet.source)
        elif packet.source != self._theirs:
            self._over_there.append(packet.source)
            return Outcome(self._reset(now, "the other side has begun again", there=True))
        if packet.acknowledged > self._sent:
            return Outcome(self._reset(now, "what was never sent was acknowledged", there=True))
        self._acknowledged(packet.acknowledged, now)
        last = packet.first + len(packet.envelopes) - 1
        if not packet.envelopes or last <= self._received:
            return NOTHING
        if packet.first != self._received + 1:
            return Outcome(self._reset(now, f"{packet.first} came behind {self._received}", there=True))
        self._received = last
        self._owe_acknowledgement(sum(map(len, packet.envelopes)), now)
        return Outcome(None, tuple(packet.envelopes))

    def _owe_acknowledgement(self, size: int, now: float) -> None:
        self._unacknowledged += size
        soon = self._unacknowledged >= self._limits.window // 4
        self._acknowledge_at = min(self._acknowledge_at, now if soon else now + self._limits.acknowledge)

    def _acknowledged(self, number: int, now: float) -> None:
        in_flight = self._in_flight
        while in_flight and in_flight[0].last <= number:
            self.outstanding -= in_flight.popleft().size
            self._moved_at = now

    def _next_envelopes(self) -> list[bytes]:
        """Those that are told, as many as a packet holds."""
        left = self._limits.packet
        envelopes: list[bytes] = []
        for envelope in self._queue:
            left -= len(envelope)
            if left < 0 and envelopes:
                break
            envelopes.append(envelope)
        return envelopes

    def _into_flight(self, envelopes: Sequence[bytes]) -> None:
        for _ in envelopes:
            self._queue.popleft()
        self._sent += len(envelopes)
        self._in_flight.append(Sent(self._sent, sum(map(len, envelopes)), self._queued_since))
        if not self._queue:
            self._queued_since = inf

    def _deadline(self) -> float:
        """When what was told longest ago has to be acknowledged, or sent."""
        told_at = self._in_flight[0].told_at if self._in_flight else self._queued_since
        return max(max(told_at, self._moved_at) + self._time_out, self._postponed)

    @property
    def _time_out(self) -> float:
        return self._limits.time_out * self.patience

    def _up(self, theirs: int) -> None:
        self.phase = Phase.UP
        self._theirs = theirs
        self._refuses_from = self._greet_at = inf

    def _begin(self, now: float) -> None:
        """Look for a new session."""
        self.phase = Phase.OPENING
        self._mine, self._theirs = next(self._sessions), 0
        self._sent = self._received = self._unacknowledged = 0
        self._acknowledge_at = inf
        self._greet_at, self._greet_pause = now, GREET_FIRST
        self._refuses_from = now + self._time_out

    def _reset(self, now: float, why: str, there: bool) -> str | None:
        """End the session and look for a new one.

        Args:
            now: when.
            why: says the log.
            there: whether the other side has just been heard. If not, nothing is taken until it is.
        """
        if self.phase is Phase.UP:
            self._over_there.append(self._theirs)
        lost = self._lose(why)
        self._begin(now)
        if not there:
            self._refuses_from = now
        return lost

    def _lose(self, why: str) -> str | None:
        """Forget what was told."""
        lost = self.phase is Phase.UP or bool(self._queue)
        self.resets += lost
        self._queue.clear()
        self._in_flight.clear()
        self._queued_since, self._postponed = inf, 0.0
        self.outstanding = 0
        self._overrun = False
        return why if lost else None
