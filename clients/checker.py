"""Did the chat server keep its promises? A judge that is fed with facts and names every broken one.

A harness writes down what it did and saw (a post sent, an answer, an entry delivered), and at the end what the
log of each room holds; `Checker.findings` says what does not fit together. Two rules hold here: nothing but the
standard library is imported, so that any harness can use it in any world (trio, gevent, a file read afterwards);
and the checker trusts nobody: a fact is what one side claims, a finding is two claims that cannot both be true,
and it carries exactly those.

Facts of one reader must be fed in the order in which that reader saw them, and so must those of one poster; what
different ones and the log say may come in any order. Memory grows with the number of posts and entries, not with
that of deliveries: a stream is checked as it goes.

Left out: time-outs of a whole run, and whether a reader that fell silent should have heard more. The harness
says how far a reader has to have come with `CaughtUp`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum

Name = Hashable
Content = Hashable
"""A digest, a number or the text itself: all that matters is whether two are equal."""

DEADLINE = 10.0  # seconds; docs/protocol.md: each command is answered within 10 s


# --- facts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Posted:
    """`who` sent this post. A retry is fed again: one fact for each time it was sent."""

    who: Name
    room: Name
    nonce: Name
    content: Content
    connection: Name = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    who: Name
    room: Name
    nonce: Name
    seq: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """`final`: the answer said that nothing was done and a retry is no use; not so `unavailable`."""

    who: Name
    room: Name
    nonce: Name
    final: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection ended, so what it still waited for need not be answered any more."""

    connection: Name
    at: float


@dataclass(frozen=True, slots=True)
class Began:
    """From here on `reader` is owed every entry of the room behind `after`.

    A reader is a lineage of connections: one that comes back and resumes is the same reader.
    """

    reader: Name
    room: Name
    after: int


@dataclass(frozen=True, slots=True)
class LookedAway:
    """From here on `reader` is owed nothing of the room, until it `Began` again: it is told how it stands instead."""

    reader: Name
    room: Name


@dataclass(frozen=True, slots=True)
class Delivered:
    """`reader` was given an entry. Entries that are no messages have no author, nonce and content."""

    reader: Name
    room: Name
    seq: int
    who: Name = None
    nonce: Name = None
    content: Content = None
    connection: Name = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What an entry was that `reader`, among others, was given. That each came in its turn is told by `Followed`.

    Together they say what a `Delivered` for each of many readers would, in as few facts as there are entries.
    """

    reader: Name
    room: Name
    seq: int
    who: Name = None
    nonce: Name = None
    content: Content = None
    connection: Name = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Followed:
    """`reader` was given every entry behind `after` up to `through`, each once and in order.

    So were as many other ones as `readers` says, counting this one: `reader` stands for all of them.
    """

    reader: Name
    room: Name
    after: int
    through: int
    readers: int = 1


@dataclass(frozen=True, slots=True)
class GapTold:
    """`reader` was told that it will not be given what it lacks up to `through`."""

    reader: Name
    room: Name
    through: int


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """`reader` was told that it has everything up to `through` (a recovery that ended, the end of a run)."""

    reader: Name
    room: Name
    through: int


@dataclass(frozen=True, slots=True)
class Stored:
    """The log holds this entry. Every entry of a room is fed once, messages or not: the log has no gaps."""

    room: Name
    seq: int
    who: Name = None
    nonce: Name = None
    content: Content = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The log was read from behind `after` only: of what it holds up to there nothing is known, and nothing is said."""

    room: Name
    after: int


Fact = (
    Posted
    | Acknowledged
    | Refused
    | Closed
    | Began
    | LookedAway
    | Delivered
    | Shown
    | Followed
    | GapTold
    | CaughtUp
    | Stored
    | Opened
)


# --- findings ------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """Each way in which a promise can be broken."""

    LOST = "acknowledged, and not in the log"
    STORED_TWICE = "in the log twice under one nonce"
    DELIVERED_TWICE = "delivered twice to one reader"
    PHANTOM = "delivered, and not in the log"
    FORGED = "in the log or delivered with content that nobody posted"
    DISORDER = "delivered after an entry with a higher seq"
    SILENT_GAP = "entries were skipped, and the reader was not told"
    LOG_GAP = "the log skips a seq"
    SEQ_TWICE = "one seq was given to two entries"
    SEQ_CHANGED = "one post was given two seqs"
    UNANSWERED = "its poster saw it in the room, and was never answered"
    REFUSED_YET_STORED = "refused for good, and in the log"
    WRONG_DUPLICATE = "`duplicate` does not say whether it was the first answer"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise, and the fewest facts that show it."""

    kind: Kind
    room: Name
    facts: tuple[Fact, ...]

    def __str__(self) -> str:
        shown = "; ".join(map(repr, self.facts))
        return f"{self.kind.name} in {self.room}: {self.kind.value}: {shown}"


Post = tuple[Name, Name, Name]  # who, room, nonce
Place = tuple[Name, int]  # room, seq
Seen = Delivered | Shown
Claim = Acknowledged | Seen | Stored


# --- one reader in one room ----------------------------------------------------------------------------------


class _Stream:
    """How far a reader has come in a room, and what it skipped on the way."""

    __slots__ = ("last", "position", "skipped")

    def __init__(self) -> None:
        self.position = 0
        self.last: Fact | None = None
        self.skipped: list[range] = []

    def delivered(self, fact: Delivered) -> Iterator[Finding]:
        if fact.seq <= self.position:
            late = any(fact.seq in skipped for skipped in self.skipped)
            yield Finding(Kind.DISORDER if late else Kind.DELIVERED_TWICE, fact.room, self._beside(fact))
            return
        if self.last is not None and fact.seq > self.position + 1:
            yield Finding(Kind.SILENT_GAP, fact.room, self._beside(fact))
        self._move(fact, fact.seq, skipped_to=fact.seq)

    def followed(self, fact: Followed) -> Iterator[Finding]:
        if self.last is not None and fact.after > self.position:
            yield Finding(Kind.SILENT_GAP, fact.room, self._beside(fact))
        if fact.through > self.position:
            self._move(fact, fact.through, skipped_to=fact.after + 1)

    def caught_up(self, fact: CaughtUp) -> Iterator[Finding]:
        if fact.through <= self.position:
            return
        if self.last is not None:
            yield Finding(Kind.SILENT_GAP, fact.room, self._beside(fact))
        self.told(fact, fact.through)

    def told(self, fact: Began | GapTold | CaughtUp, through: int) -> None:
        if self.last is None or through > self.position:
            self._move(fact, through, skipped_to=through + 1)

    def looked_away(self) -> None:
        """Entries that are skipped now are no gap; none that came before may come again."""
        self.last = None

    def _move(self, fact: Fact, position: int, skipped_to: int) -> None:
        if skipped_to > self.position + 1:
            self.skipped.append(range(self.position + 1, skipped_to))
        self.last, self.position = fact, position

    def _beside(self, fact: Fact) -> tuple[Fact, ...]:
        return (fact,) if self.last is None else (self.last, fact)


# --- the judge -----------------------------------------------------------------------------------------------


class Checker:
    """Takes facts with `feed`, and says with `findings` which promises were broken.

    Parameters
    ----------
    deadline
        Seconds within which a command is answered while its connection stays open.
    """

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._found: list[Finding] = []
        self._posts: dict[Post, list[Posted]] = {}
        self._answers: dict[Post, list[Acknowledged]] = {}
        self._refused: dict[Post, Refused] = {}
        self._own: dict[Post, Seen] = {}
        self._closed: dict[Name, float] = {}
        self._streams: dict[tuple[Name, Name], _Stream] = {}
        self._delivered: dict[Place, Seen] = {}
        self._log: dict[Place, Stored] = {}
        self._log_by_post: dict[Post, Stored] = {}
        self._opened: dict[Name, int] = {}
        self._now = 0.0

    def feed(self, fact: Fact) -> None:
        """Take one fact. What it contradicts in its own stream is found at once, the rest by `findings`."""
        match fact:
            case Posted():
                self._now = max(self._now, fact.at)
                self._posts.setdefault((fact.who, fact.room, fact.nonce), []).append(fact)
                self._refused.pop((fact.who, fact.room, fact.nonce), None)
            case Acknowledged():
                self._acknowledged(fact)
            case Refused():
                self._refused[fact.who, fact.room, fact.nonce] = fact
            case Delivered():
                self._found.extend(self._stream(fact.reader, fact.room).delivered(fact))
                self._take_delivery(fact)
            case Shown():
                self._take_delivery(fact)
            case Followed():
                self._found.extend(self._stream(fact.reader, fact.room).followed(fact))
            case Closed():
                self._now = max(self._now, fact.at)
                self._closed[fact.connection] = fact.at
            case Began():
                self._stream(fact.reader, fact.room).told(fact, fact.after)
            case LookedAway():
                self._stream(fact.reader, fact.room).looked_away()
            case GapTold():
                self._stream(fact.reader, fact.room).told(fact, fact.through)
            case CaughtUp():
                self._found.extend(self._stream(fact.reader, fact.room).caught_up(fact))
            case Stored():
                self._stored(fact)
            case Opened():
                self._opened[fact.room] = fact.after

    def findings(self, now: float | None = None) -> list[Finding]:
        """Every broken promise, once all facts were fed. May be called again after more facts.

        Parameters
        ----------
        now
            When the run ended, on the clock of the facts' `at`; by default the latest time in them.
        """
        end = self._now if now is None else now
        return [
            *self._found,
            *self._lost(),
            *self._phantoms(),
            *self._forged(),
            *self._log_gaps(),
            *self._unanswered(end),
            *self._refused_yet_stored(),
            *self._wrong_duplicates(),
        ]

    # --- as the facts come ---

    def _stream(self, reader: Name, room: Name) -> _Stream:
        return self._streams.setdefault((reader, room), _Stream())

    def _acknowledged(self, fact: Acknowledged) -> None:
        key = (fact.who, fact.room, fact.nonce)
        earlier = self._answers.setdefault(key, [])
        if earlier and earlier[0].seq != fact.seq:
            self._find(Kind.SEQ_CHANGED, earlier[0], fact)
        self._own.pop(key, None)
        earlier.append(fact)

    def _take_delivery(self, fact: Seen) -> None:
        self._now = max(self._now, fact.at)
        first = self._delivered.setdefault((fact.room, fact.seq), fact)
        if not _same_entry(first, fact):
            self._find(Kind.SEQ_TWICE, first, fact)
        if fact.connection is not None and self._waits_for_answer(fact):
            self._own.setdefault(_key(fact), fact)

    def _waits_for_answer(self, fact: Seen) -> bool:
        """Whether this connection posted what it is given here, and has not been answered so far."""
        sent = self._posts.get(_key(fact), ())
        return _key(fact) not in self._answers and any(posted.connection == fact.connection for posted in sent)

    def _stored(self, fact: Stored) -> None:
        holder = self._log.get((fact.room, fact.seq))
        if holder is None:
            self._log[fact.room, fact.seq] = fact
        else:
            self._find(Kind.SEQ_TWICE, holder, fact)
        if fact.nonce is None:
            return
        earlier = self._log_by_post.get(_key(fact))
        if earlier is None:
            self._log_by_post[_key(fact)] = fact
        else:
            self._find(Kind.STORED_TWICE, earlier, fact)

    def _find(self, kind: Kind, *facts: Claim) -> None:
        self._found.append(Finding(kind, facts[0].room, facts))

    # --- when all is known ---

    def _lost(self) -> Iterator[Finding]:
        for key, answers in self._answers.items():
            stored = self._log_by_post.get(key)
            if stored is None:
                yield Finding(Kind.LOST, key[1], (answers[0],))
            elif stored.seq != answers[0].seq:
                holder = self._log.get((key[1], answers[0].seq))
                kind = Kind.SEQ_CHANGED if holder is None else Kind.SEQ_TWICE
                yield Finding(kind, key[1], (answers[0], holder or stored))

    def _phantoms(self) -> Iterator[Finding]:
        for place, delivered in self._delivered.items():
            stored = self._log.get(place)
            if place[1] <= self._opened.get(place[0], 0):
                continue
            if stored is None:
                yield Finding(Kind.PHANTOM, place[0], (delivered,))
            elif not _same_entry(stored, delivered):
                yield Finding(Kind.SEQ_TWICE, place[0], (stored, delivered))

    def _forged(self) -> Iterator[Finding]:
        """The log is judged first; a delivery only where the log does not already say the same."""
        for stored in self._log.values():
            if stored.nonce is not None and not self._was_posted(stored):
                yield Finding(Kind.FORGED, stored.room, (stored, *self._posts.get(_key(stored), ())[:1]))
        for place, delivered in self._delivered.items():
            in_log = self._log.get(place)
            if in_log is not None and _same_entry(in_log, delivered):
                continue
            if delivered.nonce is not None and not self._was_posted(delivered):
                yield Finding(Kind.FORGED, place[0], (delivered, *self._posts.get(_key(delivered), ())[:1]))

    def _was_posted(self, entry: Stored | Seen) -> bool:
        return any(posted.content == entry.content for posted in self._posts.get(_key(entry), ()))

    def _log_gaps(self) -> Iterator[Finding]:
        by_room: dict[Name, list[int]] = {}
        for room, seq in self._log:
            by_room.setdefault(room, []).append(seq)
        for room, seqs in by_room.items():
            expected = self._opened.get(room, 0) + 1
            for seq in sorted(seqs):
                if seq != expected:
                    yield Finding(Kind.LOG_GAP, room, (self._log[room, seq],))
                expected = seq + 1

    def _unanswered(self, end: float) -> Iterator[Finding]:
        for key, seen in self._own.items():
            sent = next(p for p in reversed(self._posts[key]) if p.connection == seen.connection)
            due = max(sent.at, seen.at) + self._deadline
            if key not in self._refused and self._closed.get(seen.connection, end) >= due:
                yield Finding(Kind.UNANSWERED, key[1], (sent, seen))

    def _refused_yet_stored(self) -> Iterator[Finding]:
        """Only where it was sent once: of two attempts the first may have been stored, the second refused."""
        for key, refused in self._refused.items():
            stored = self._log_by_post.get(key)
            if stored is not None and refused.final and len(self._posts.get(key, ())) == 1:
                yield Finding(Kind.REFUSED_YET_STORED, key[1], (refused, stored))

    def _wrong_duplicates(self) -> Iterator[Finding]:
        for key, answers in self._answers.items():
            new = [answer for answer in answers if not answer.duplicate]
            if len(new) > 1:
                yield Finding(Kind.WRONG_DUPLICATE, key[1], (new[0], new[1]))
            elif not new and len(self._posts.get(key, ())) == 1:
                yield Finding(Kind.WRONG_DUPLICATE, key[1], (self._posts[key][0], answers[0]))


def _key(entry: Stored | Seen) -> Post:
    return (entry.who, entry.room, entry.nonce)


def _same_entry(one: Stored | Seen, other: Stored | Seen) -> bool:
    return (one.who, one.nonce, one.content) == (other.who, other.nonce, other.content)
