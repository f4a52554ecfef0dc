"""The index of what was said: how each of the two engines keeps it, and finds in it.

A row of `documents` is a message that is in the index, and its words (`words.py`). Its number begins with the time of
the message: so the newest are found first without sorting, and a page begins, and a date, where a number does. Which
room it is in, and whose it is, are words as well: so what is common in a million messages is found in a small room at
once. What was found is looked up among the reader's rooms all the same, by the same statement.

SQLite has them in an FTS5 table that points to `documents` (`content=`): it takes the words that it has to remove from
there, so an index never depends on whether this version would still spell them so. `secure-delete` takes them off its
pages at once, and not when these are merged. PostgreSQL has a `tsvector` with a GIN index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from server.store.search_terms import Term
from server.store.wire import AnyRow
from server.store.words import Words

MOMENT_BITS: Final = 12
"""Of a number, behind the milliseconds: so many messages of one moment are in order."""

FEW_ROOMS: Final = 32
"""To look for any of so many rooms' words costs less than looking at what was found in others."""

CANDIDATES: Final = 2_000
"""So many of the newest anywhere are looked at, before the rooms of somebody who has more are looked for by their
words. Of a common word twenty are among them; of a rare one there are not so many."""

MOST_SECONDS: Final = 2.0
"""What a search may take before it is given up."""

_BOUNDARY: Final = "_"
"""Between words and signs: no order goes across it."""

_CALLS_OF_A_LOOK: Final = 20_000
"""Instructions of SQLite's machine between two looks at the clock: a millisecond."""


class Document(NamedTuple):
    """A message of the index."""

    doc: int
    room: str
    seq: int


class Wanted(NamedTuple):
    """What is looked for, and how many of it, the newest first.

    Attributes
    ----------
    rooms
        Those that the reader is a member of and wants to know about; all of them.
    first, behind
        Between which numbers of documents.
    """

    reader: str
    rooms: Sequence[str]
    author: str | None
    terms: Sequence[Term]
    first: int
    behind: int
    most: int


class FullText(Protocol):
    """One engine's."""

    def add(self, connection: Connection, documents: Sequence[tuple[Document, str, Words]]) -> None:
        """Each with its author and its words."""
        ...

    def replace(self, connection: Connection, document: Document, author: str, words: Words) -> None:
        """Other words for one that is there."""
        ...

    def remove(self, connection: Connection, documents: Iterable[int]) -> None:
        """And all of their words."""
        ...

    def newest(self, connection: Connection, wanted: Wanted) -> list[Document]: ...

    def numbered(self, connection: Connection, moments: Iterable[int]) -> dict[int, int]:
        """The last number of each moment that has one (ms since the epoch)."""
        ...

    @contextmanager
    def bounded(self, connection: Connection) -> Iterator[None]:
        """What is asked in the block ends after `MOST_SECONDS`, with an error that `was_cut_off` knows."""
        ...


class _Fts5:
    """In SQLite."""

    __slots__ = ()

    def add(self, connection: Connection, documents: Sequence[tuple[Document, str, Words]]) -> None:
        rows = [(*document, _as_text(document.room, author, words)) for document, author, words in documents]
        connection.exec_driver_sql("INSERT INTO documents (doc, room_id, seq, words) VALUES (?, ?, ?, ?)", rows)
        connection.exec_driver_sql(
            "INSERT INTO document_words (rowid, words) VALUES (?, ?)", [(row[0], row[3]) for row in rows]
        )

    def replace(self, connection: Connection, document: Document, author: str, words: Words) -> None:
        self.remove(connection, [document.doc])
        self.add(connection, [(document, author, words)])

    def remove(self, connection: Connection, documents: Iterable[int]) -> None:
        rows = [(doc,) for doc in documents]
        if not rows:
            return
        connection.exec_driver_sql(
            "INSERT INTO document_words (document_words, rowid, words)"
            " SELECT 'delete', doc, words FROM documents WHERE doc = ?",
            rows,
        )
        connection.exec_driver_sql("DELETE FROM documents WHERE doc = ?", rows)

    def newest(self, connection: Connection, wanted: Wanted) -> list[Document]:
        if len(wanted.rooms) <= FEW_ROOMS:
            return _documents(connection.execute(_ALL, self._asked(wanted, wanted.rooms)))
        everywhere = self._asked(wanted, ())
        found = _documents(connection.execute(_AMONG_THE_NEWEST, everywhere))
        if len(found) == wanted.most or (connection.execute(_HOW_MANY, everywhere).scalar() or 0) < CANDIDATES:
            return found
        return _documents(connection.execute(_ALL, self._asked(wanted, wanted.rooms)))

    def _asked(self, wanted: Wanted, rooms: Sequence[str]) -> dict[str, object]:
        every = [f'"{" ".join(term.words)}"{" *" if term.begins else ""}' for term in wanted.terms]
        if wanted.author is not None:
            every.append(f'"{wanted.author}"')
        if rooms:
            every.append("(" + " OR ".join(f'"{room}"' for room in rooms) + ")")
        return _limits(wanted) | {"match": " AND ".join(every), "candidates": CANDIDATES}

    def numbered(self, connection: Connection, moments: Iterable[int]) -> dict[int, int]:
        return _last_numbers(connection.execute(_LAST_OF_JSON, {"moments": json.dumps(list(moments))}))

    @contextmanager
    def bounded(self, connection: Connection) -> Iterator[None]:
        driver: Any = connection.connection.driver_connection
        limit = monotonic() + MOST_SECONDS
        driver.set_progress_handler(lambda: monotonic() > limit, _CALLS_OF_A_LOOK)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)


class _Tsvector:
    """In PostgreSQL."""

    __slots__ = ()

    def add(self, connection: Connection, documents: Sequence[tuple[Document, str, Words]]) -> None:
        rows = [
            document._asdict() | {"words": _as_vector(document.room, author, words)}
            for document, author, words in documents
        ]
        connection.execute(_ADD_VECTOR, rows)

    def replace(self, connection: Connection, document: Document, author: str, words: Words) -> None:
        vector = _as_vector(document.room, author, words)
        connection.execute(_REPLACE_VECTOR, {"doc": document.doc, "words": vector})

    def remove(self, connection: Connection, documents: Iterable[int]) -> None:
        connection.execute(text("DELETE FROM documents WHERE doc = ANY(:docs)"), {"docs": list(documents)})

    def newest(self, connection: Connection, wanted: Wanted) -> list[Document]:
        every = [_in_order(term) for term in wanted.terms]
        if wanted.author is not None:
            every.append(f"'{wanted.author}'")
        if len(wanted.rooms) <= FEW_ROOMS:
            every.append("(" + " | ".join(f"'{room}'" for room in wanted.rooms) + ")")
        return _documents(connection.execute(_MATCHING_VECTORS, _limits(wanted) | {"match": " & ".join(every)}))

    def numbered(self, connection: Connection, moments: Iterable[int]) -> dict[int, int]:
        return _last_numbers(connection.execute(_LAST_OF_ARRAY, {"moments": list(moments)}))

    @contextmanager
    def bounded(self, connection: Connection) -> Iterator[None]:
        connection.execute(text(f"SET LOCAL statement_timeout = {round(MOST_SECONDS * 1000)}"))
        yield


def full_text(connection: Connection) -> FullText:
    """That of the engine on the other side."""
    return _FTS5 if connection.dialect.name == "sqlite" else _TSVECTOR


def was_cut_off(error: DBAPIError) -> bool:
    """Whether `bounded` ended it."""
    return str(error.orig) == "interrupted" or getattr(error.orig, "sqlstate", None) == "57014"


_FTS5: Final = _Fts5()
_TSVECTOR: Final = _Tsvector()

_MATCHING: Final = """
    SELECT w.rowid AS doc FROM document_words AS w
    WHERE w.document_words MATCH :match AND w.rowid >= :first AND w.rowid < :behind ORDER BY w.rowid DESC"""
_CANDIDATES: Final = f"{_MATCHING} LIMIT :candidates"


def _of_the_reader(matching: str) -> TextClause:
    """In this order: what was found first, then where it is, then whether that is the reader's."""
    return text(f"""
        SELECT d.doc, d.room_id, d.seq FROM ({matching}) AS found
        CROSS JOIN documents AS d ON d.doc = found.doc
        CROSS JOIN members AS m ON m.room_id = d.room_id AND m.user_id = :reader
        ORDER BY found.doc DESC LIMIT :most""")  # noqa: S608 - of constants


_ALL: Final = _of_the_reader(_MATCHING)
_AMONG_THE_NEWEST: Final = _of_the_reader(_CANDIDATES)
_HOW_MANY: Final = text(f"SELECT count(*) FROM ({_CANDIDATES})")  # noqa: S608 - of a constant

_MATCHING_VECTORS: Final = text("""
    SELECT d.doc, d.room_id, d.seq FROM documents AS d
    JOIN members AS m ON m.room_id = d.room_id AND m.user_id = :reader
    WHERE d.words @@ CAST(:match AS tsquery) AND d.doc >= :first AND d.doc < :behind
    ORDER BY d.doc DESC LIMIT :most""")
_ADD_VECTOR: Final = text(
    "INSERT INTO documents (doc, room_id, seq, words) VALUES (:doc, :room, :seq, CAST(:words AS tsvector))"
)
_REPLACE_VECTOR: Final = text("UPDATE documents SET words = CAST(:words AS tsvector) WHERE doc = :doc")


def _last_of(moments: str) -> TextClause:
    return text(f"""
        SELECT m.value, (
            SELECT max(doc) FROM documents
            WHERE doc >= m.value * {1 << MOMENT_BITS} AND doc < (m.value + 1) * {1 << MOMENT_BITS}
        ) FROM {moments}""")  # noqa: S608 - of constants


_LAST_OF_JSON: Final = _last_of("json_each(:moments) AS m")
_LAST_OF_ARRAY: Final = _last_of("unnest(CAST(:moments AS bigint[])) AS m(value)")


def _documents(rows: Iterable[AnyRow]) -> list[Document]:
    return [Document(doc, room, seq) for doc, room, seq in rows]


def _last_numbers(rows: Iterable[AnyRow]) -> dict[int, int]:
    found = ((moment, last) for moment, last in rows)
    return {moment: last for moment, last in found if last is not None}


def _limits(wanted: Wanted) -> dict[str, object]:
    return {"reader": wanted.reader, "first": wanted.first, "behind": wanted.behind, "most": wanted.most}


def _as_text(room: str, author: str, words: Words) -> str:
    signs = (_BOUNDARY, *words.signs) if words.signs else ()
    return " ".join((room, author, *words.words, *signs))


def _as_vector(room: str, author: str, words: Words) -> str:
    """Only words have a place."""
    placed = (f"'{word}':{place}" for place, word in enumerate(words.words, 1))
    return " ".join(chain((f"'{room}'", f"'{author}'"), placed, (f"'{sign}'" for sign in words.signs)))


def _in_order(term: Term) -> str:
    ordered = " <-> ".join(f"'{word}'" for word in term.words)
    return f"({ordered}{':*' if term.begins else ''})"
