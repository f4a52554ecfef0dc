"""What was written lately, a bounded part at a time: for nodes that look what others have changed.

Whoever asks names a few spans of time. An answer has of each the first `MOST` rows, in the order of their times and
keys, and says what is left of the spans, to be asked for next: so a look costs what there is to find, and no question
holds up others, however many rows were written in one moment. One statement asks for all spans, through the index on
the column of times, whose rows of one and the same millisecond are put in order by the database. Mostly there is
nothing in any of them, nor between them: that is asked first, because it takes a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Column, Connection, FromClause, Select, bindparam, literal_column, select, tuple_, union_all

SPANS: Final = 3
"""In a question, at most."""
MOST: Final = 256
"""Rows of one span in an answer: they take a reading thread a millisecond."""


class Span(Struct, frozen=True):
    """Times after `since` and up to `upto` (ms); with a `key`, from behind the row of that time that has it."""

    since: int
    upto: int
    key: tuple[str, ...] = ()


_NO_SPAN: Final = Span(0, -1)


class Lately:
    """How a table is asked.

    Parameters
    ----------
    source
        The table; or a join, of which each row has another key.
    at
        The column of times, in milliseconds.
    key
        What is different in rows of the same time.
    values
        What else is wanted.
    """

    __slots__ = ("_any", "_keys", "_statement")

    def __init__(self, source: FromClause, at: Column[Any], key: Sequence[Column[Any]], *values: Column[Any]) -> None:
        self._keys = len(key)
        self._any = select(at).where(at >= bindparam("since"), at <= bindparam("upto")).limit(1)
        parts = (_of_span(number, source, at, key, values).subquery() for number in range(SPANS))
        self._statement = union_all(*map(select, parts))

    def found(self, connection: Connection, spans: Sequence[Span]) -> tuple[list[tuple[Any, ...]], tuple[Span, ...]]:
        """Rows of key and values, those of one span in order; and what is left of the spans."""
        bounds = {"since": min(span.since for span in spans), "upto": max(span.upto for span in spans)}
        if connection.execute(self._any, bounds).first() is None:
            return [], ()
        wanted: dict[str, int | str] = {"most": MOST}
        for number in range(SPANS):
            span = spans[number] if number < len(spans) else _NO_SPAN
            wanted |= {f"upto{number}": span.upto, f"at{number}": span.since if span.key else span.since + 1}
            wanted |= {f"key{number}_{part}": span.key[part] if span.key else "" for part in range(self._keys)}
        rows = [tuple(row) for row in connection.execute(self._statement, wanted)]
        return [row[2:] for row in rows], self._left(rows, spans)

    def _left(self, rows: Sequence[tuple[Any, ...]], spans: Sequence[Span]) -> tuple[Span, ...]:
        """A span of which there were as many rows as are told goes on behind the last of them."""
        counts, last = [0] * SPANS, {}
        for row in rows:
            counts[row[0]] += 1
            last[row[0]] = row
        return tuple(
            Span(last[number][1], span.upto, tuple(last[number][2 : 2 + self._keys]))
            for number, span in enumerate(spans)
            if counts[number] == MOST
        )


def _of_span(
    number: int, source: FromClause, at: Column[Any], key: Sequence[Column[Any]], values: Sequence[Column[Any]]
) -> Select[Any]:
    begin = [bindparam(f"at{number}", type_=at.type)]
    begin += [bindparam(f"key{number}_{part}", type_=column.type) for part, column in enumerate(key)]
    return (
        select(literal_column(str(number)).label("span"), at, *key, *values)
        .select_from(source)
        .where(tuple_(at, *key) > tuple_(*begin), at <= bindparam(f"upto{number}", type_=at.type))
        .order_by(at, *key)
        .limit(bindparam("most"))
    )
