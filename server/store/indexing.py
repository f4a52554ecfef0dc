"""Who has the index follow the logs: a task beside the writer, which does the writing in between.

The rules:
- No post waits for its place in the index, and posts wait for the writer some ten milliseconds at the longest: a
  transaction takes in a few hundred entries. It begins when so many wait, or the first of them has waited
  `LULL_SECONDS`, and no sooner, because in a small one a message costs several times as much; and then with the next
  moment in which nothing is committed. So what people say in a burst is taken in behind it. Where there is no such
  moment, it begins when `BEHIND` entries wait. If anything was committed meanwhile, the writer is left alone then,
  `REST` times as long as that took: so the index has a fifth of a writer that is busy at the most, and nearly all of
  one that is not. A search reads what is behind (`searching.py`).
- It keeps nothing that a crash could lose. How far each room is in the index stands in the database. Whoever begins
  looks for the rooms that are behind, all of them, page by page: after a crash, and after an upgrade from a version
  that had no index. And again from time to time, for rooms that were somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import trio

from actors import AskFailed, Inbox, Reply, TaskContext, ask
from server.store.questions import Done, Failed, Question
from server.store.search_index import ENTRIES_AT_ONCE, ROOMS_AT_ONCE
from server.store.search_messages import FindTails, Indexed, IndexTails, Tails
from server.store.searching import TAIL
from server.store.tails import TailsHere

REST: Final = 4.0
LULL_SECONDS: Final = 1.0
"""On a server on which little is said, what is said in so long shares a transaction of the index."""

MOMENT_SECONDS: Final = 0.005
"""Without a commit for so long, the writer has nothing to do: commits that follow each other are a millisecond or two
apart. With 0.02 sixty posts a second at an even pace left no such moment, and hundreds of rooms were indexed in one."""

BEHIND: Final = TAIL // 2
"""So many entries do not wait for that. A search reads twice as many beside the index, all in rooms of its reader."""

PAGE_SECONDS: Final = 0.01
"""Between two pieces of work that nobody waits behind."""
AGAIN_SECONDS: Final = 300.0
TROUBLE_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 30.0

T = TypeVar("T")


async def run_indexing(
    context: TaskContext, tails: TailsHere, writer: Inbox, reader: Inbox, is_mine: Callable[[str], bool]
) -> None:
    """Follow the logs until cancelled.

    Parameters
    ----------
    tails
        Where the writer notes what it has appended to.
    is_mine
        Whether a room's entries are this process's to index: those of others are theirs.
    """
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_look_for_tails, tails, reader, is_mine)
        nursery.start_soon(_take_in, tails, writer, is_mine)
        context.started()


async def _look_for_tails(tails: TailsHere, reader: Inbox, is_mine: Callable[[str], bool]) -> None:
    after = ""
    while True:
        found = await _answer(reader, Tails, partial(_find_tails, after))
        if found is not None:
            mine = [room for room in found.rooms if is_mine(room)]
            tails.remember(mine, len(mine) * ENTRIES_AT_ONCE)  # nobody knows, and nobody is to wait
            after = found.next or ""
        at_the_end = found is not None and found.next is None
        await trio.sleep(AGAIN_SECONDS if at_the_end else TROUBLE_SECONDS if found is None else PAGE_SECONDS)


async def _take_in(tails: TailsHere, writer: Inbox, is_mine: Callable[[str], bool]) -> None:
    while True:
        await tails.come(ENTRIES_AT_ONCE, LULL_SECONDS)
        await tails.lull(MOMENT_SECONDS, BEHIND)
        rooms = tuple(room for room in tails.taken(ROOMS_AT_ONCE) if is_mine(room))
        if not rooms:
            continue
        begun, commits = trio.current_time(), tails.commits
        indexed = await _answer(writer, Indexed, partial(_index_tails, rooms))
        if indexed is None:
            tails.remember(rooms, 0)
            await trio.sleep(TROUBLE_SECONDS)
            continue
        tails.remember(indexed.left, indexed.entries)
        await trio.sleep(PAGE_SECONDS if tails.commits == commits else REST * (trio.current_time() - begun))


def _find_tails(after: str, to: Reply[Any]) -> FindTails:
    return FindTails(reply_to=to, after=after)


def _index_tails(rooms: tuple[str, ...], to: Reply[Any]) -> IndexTails:
    return IndexTails(reply_to=to, rooms=rooms)


async def _answer(inbox: Inbox, kind: type[T], question: Callable[[Reply[Any]], Question]) -> T | None:
    """None: not now."""
    try:
        answer: Done | Failed = await ask(inbox, question, PATIENCE_SECONDS)
    except AskFailed:
        return None
    if isinstance(answer, Failed):
        return None
    assert isinstance(answer.value, kind), f"unexpected answer: {type(answer.value).__name__}"
    return answer.value
