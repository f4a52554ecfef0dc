"""What a search asks for, and where a text says it: pure.

The language: words, all of which have to be there; "several in this order"; beginn* of a word. Everything else is
literal text, so there is no wrong syntax: a quotation mark without a second one holds to the end, and a star that
stands elsewhere, or behind fewer than three letters, is none. What is one word to somebody, and several to us
(`don't`, a name in Chinese), is several in this order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from server.store.words import Word, places_of, words_of

SHORTEST_BEGINNING: Final = 3
"""Letters. Of two, every seventieth word there is may begin with them, and all of them would have to be looked at."""

EXCERPT: Final = 160
BEFORE_THE_FIRST: Final = 40
"""Code points: of an excerpt, and in it before what was found, if there is so much."""

_PIECE: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')


class Term(NamedTuple):
    """Words in this order; or, where there is one and it is a sign, that sign anywhere. `begins`: the last one may go
    on."""

    words: tuple[str, ...]
    begins: bool = False

    @property
    def is_sign(self) -> bool:
        return len(self.words) == 1 and _is_sign(self.words[0])


class Excerpt(NamedTuple):
    """A part of a text, from its code point `start`, and where in that part something was found: begin and end."""

    start: int
    text: str
    marks: tuple[tuple[int, int], ...]


def terms_of(query: str) -> tuple[Term, ...]:
    """All of which a text has to have; none, if there is no word in the query."""
    found: dict[Term, None] = {}
    for piece in _PIECE.finditer(query):
        quoted, bare = piece.groups()
        text = bare if quoted is None else quoted
        begins = quoted is None and text.endswith("*")
        found |= dict.fromkeys(_terms(words_of(text).words, begins=begins))
    return tuple(found)


def _terms(words: Sequence[str], *, begins: bool) -> Iterator[Term]:
    """A sign that stands alone may be anywhere in a run of them, so the order ends with it."""
    together: list[str] = []
    for word in words:
        if not _is_sign(word):
            together.append(word)
            continue
        if together:
            yield Term(tuple(together))
        together = []
        yield Term((word,))
    if together:
        last = together[-1]
        yield Term(tuple(together), begins=begins and len(last) >= SHORTEST_BEGINNING)


def _is_sign(word: str) -> bool:
    return len(word) == 1 and bool(words_of(word).signs)


def says(text: str, terms: Sequence[Term]) -> bool:
    """Whether a text has all of it. Most of the tail of a log has not, and of most of that it is seen at a glance."""
    if text.isascii():
        lower = text.lower()
        if not all(word in lower for term in terms for word in term.words):
            return False
    words, signs = words_of(text)
    return all(_has(words, signs, term) for term in terms)


def _has(words: Sequence[str], signs: Sequence[str], term: Term) -> bool:
    return term.words[0] in signs if term.is_sign else next(_beginnings(words, term), None) is not None


def _beginnings(words: Sequence[str], term: Term) -> Iterator[int]:
    """Where in `words` the term begins."""
    length, (*most, last) = len(term.words), term.words
    for first in range(len(words) - length + 1):
        end = words[first + length - 1]
        if (end == last or (term.begins and end.startswith(last))) and list(words[first : first + length - 1]) == most:
            yield first


def excerpt_of(text: str, terms: Iterable[Term]) -> Excerpt:
    """What to show of a text that says it."""
    marks = _merged(_marks(text, terms))
    first = marks[0][0] if marks else 0
    start = max(0, min(first - BEFORE_THE_FIRST, len(text) - EXCERPT))
    end = start + EXCERPT
    within = ((max(begin, start) - start, min(behind, end) - start) for begin, behind in marks)
    return Excerpt(start, text[start:end], tuple(mark for mark in within if mark[0] < mark[1]))


def _marks(text: str, terms: Iterable[Term]) -> Iterator[tuple[int, int]]:
    places = list(places_of(text))
    count = len(words_of(text).words)  # behind them come the signs
    words = [place.word for place in places[:count]]
    for term in terms:
        if term.is_sign:
            yield from ((place.start, place.end) for place in places[count:] if place.word == term.words[0])
        for first in () if term.is_sign else _beginnings(words, term):
            yield _whole(places[first : first + len(term.words)])


def _whole(places: Sequence[Word]) -> tuple[int, int]:
    return places[0].start, places[-1].end


def _merged(marks: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, and what overlaps is one."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(marks):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged
