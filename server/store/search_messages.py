"""What is asked of the search, and told to the index."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import Hit
from server.store.questions import Question
from server.store.search_terms import Term


class Search(Question, frozen=True, kw_only=True):
    """Messages that say all of `terms`, newest first, `limit` at most, those behind the cursor `next`. Answered `Hits`.

    Only in rooms that `reader` is a member of. `room`, `author` (an id or a name): only there, only theirs. `after` and
    `before`: written then or later, and earlier (ms since the epoch).
    """

    reader: str
    terms: tuple[Term, ...]
    limit: int
    room: str | None = None
    author: str | None = None
    after: int | None = None
    before: int | None = None
    next: str | None = None


class Hits(Struct, frozen=True):
    """`next`: where to go on; None: that was all."""

    hits: tuple[Hit, ...]
    next: str | None


class FindTails(Question, frozen=True, kw_only=True):
    """Rooms of which something is not in the index yet, among the next few behind `after`. Answered `Tails`."""

    after: str = ""


class Tails(Struct, frozen=True):
    """`next`: the last room that was looked at; None: there are no more."""

    rooms: tuple[str, ...]
    next: str | None


class IndexTails(Question, frozen=True, kw_only=True):
    """Take the beginnings of these rooms' tails into the index, as much as one transaction may. Answered `Indexed`."""

    rooms: tuple[str, ...]


class Indexed(Struct, frozen=True):
    """`left`: those of the rooms that are not done, and `entries` of their logs are not in the index yet."""

    left: tuple[str, ...]
    entries: int
    messages: int


SearchRead = Search | FindTails
