"""Requests to come in, as a plan has them: pure.

Who asks by an invite waits until somebody lets them in, or not. A request is over when its person becomes a member, in
whatever way, or is banned. Who is let in by an answer, or refused, must have asked: to refuse nobody is no act.
"""

from __future__ import annotations

from msgspec import Struct, field

Pair = tuple[str, str]
"""Room, user."""


class Waiting(Struct):
    """What becomes of requests.

    Attributes
    ----------
    asked
        Those that begin.
    answered
        Those that have to be there, and are over.
    over
        Those that are over, if they are there.
    """

    asked: set[Pair] = field(default_factory=set)
    answered: set[Pair] = field(default_factory=set)
    over: set[Pair] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.asked or self.answered or self.over)

    def waits(self, pair: Pair, known: dict[Pair, bool]) -> bool | None:
        """Whether somebody waits, by this plan and what is known; None: nobody knows."""
        if pair in self.asked:
            return True
        if pair in self.over or pair in self.answered:
            return False
        return known.get(pair)

    def begins(self, pair: Pair) -> None:
        self.asked.add(pair)

    def ends(self, pair: Pair, *, must_be_there: bool = False) -> None:
        """One that has begun in this plan has never been."""
        if pair in self.asked:
            self.asked.discard(pair)
        elif must_be_there:
            self.answered.add(pair)
        else:
            self.over.add(pair)

    def learned(self, known: dict[Pair, bool]) -> None:
        """The plan was carried out."""
        known.update(dict.fromkeys(self.over | self.answered, False))
        known.update(dict.fromkeys(self.asked, True))
