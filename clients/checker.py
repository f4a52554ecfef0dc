"""Did the chat server keep its promises? A judge that is fed with facts and names every broken one.

A harness writes down what it did and saw (`facts.py`: a post sent, an answer, an entry delivered), and at the end what
the log of each room holds; `Checker.findings` says what does not fit together (`findings.py`). Two rules hold here:
nothing but the standard library is imported, so that any harness can use it in any world (trio, gevent, a file read
afterwards); and the checker trusts nobody: a fact is what one side claims, a finding is two claims that cannot both be
true, and it carries exactly those.

Facts of one reader must be fed in the order in which that reader saw them, and so must those of one poster; what
different ones and the log say may come in any order. Memory grows with the number of posts and entries, not with
that of deliveries: a stream is checked as it goes (`streams.py`).

Left out: time-outs of a whole run, and whether a reader that fell silent should have heard more. The harness
says how far a reader has to have come with `CaughtUp`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clients.facts import (
    Acknowledged,
    Began,
    CaughtUp,
    Closed,
    Delivered,
    Fact,
    Followed,
    GapTold,
    LookedAway,
    Name,
    Opened,
    Posted,
    Refused,
    Shown,
    Stored,
)
from clients.findings import Finding, Kind
from clients.streams import Stream

DEADLINE: Final = 10.0  # seconds; docs/protocol.md: each command is answered within 10 s

Post = tuple[Name, Name, Name]  # who, room, nonce
Place = tuple[Name, int]  # room, seq
Seen = Delivered | Shown
Claim = Acknowledged | Seen | Stored


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
        self._streams: dict[tuple[Name, Name], Stream] = {}
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

    def _stream(self, reader: Name, room: Name) -> Stream:
        return self._streams.setdefault((reader, room), Stream())

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
