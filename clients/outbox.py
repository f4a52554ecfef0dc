"""Posts that were not answered yet, kept in order per room until they are.

The rule: within a room no post is sent again before one that stands in front of it. So after a refusal "for now"
a lane sends nothing until all that were under way have been answered too, and then begins again with the first
that is left; after a lost connection it begins with the first. Nonces make that safe: what the server took the
first time it answers with the same `seq`.

How many posts of a room may be under way at once is the caller's choice. With one (the default) the order holds
whatever the server refuses; with more it rests on the server's promise to refuse what was pipelined behind a
refused post. Pure: times are passed in, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from server.protocol.message_commands import Post

FIRST_RETRY: Final = 0.25  # seconds, where the server names no time
LONGEST_RETRY: Final = 10.0  # seconds


class Lane:
    """The unanswered posts of one room, oldest first."""

    __slots__ = ("posts", "refusals", "retry_at", "under_way")

    def __init__(self) -> None:
        self.posts: dict[int, Post] = {}
        self.under_way: set[int] = set()
        self.retry_at: float | None = None
        self.refusals = 0  # in a row

    def due(self, now: float, width: int) -> Iterator[tuple[int, Post]]:
        """The posts to send now; each counts as under way from here on."""
        if self.retry_at is not None:
            if self.under_way or now < self.retry_at:
                return
            self.retry_at = None
        for number, post in self.posts.items():
            if len(self.under_way) >= width:
                return
            if number not in self.under_way:
                self.under_way.add(number)
                yield number, post

    def done(self, number: int) -> None:
        self.posts.pop(number, None)
        self.under_way.discard(number)

    def refused_for_now(self, number: int, now: float, retry_after: float | None) -> None:
        self.under_way.discard(number)
        growing = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(self.refusals, 16))
        self.retry_at = max(self.retry_at or 0.0, now + max(growing, retry_after or 0.0))
        self.refusals += 1

    def begin_again(self) -> None:
        self.under_way.clear()
        self.retry_at = None


class Outbox:
    """All lanes.

    Parameters
    ----------
    width
        Posts of one room that may be under way at once.
    """

    def __init__(self, width: int = 1) -> None:
        self._width = width
        self._lanes: dict[str, Lane] = {}

    def __len__(self) -> int:
        return sum(len(lane.posts) for lane in self._lanes.values())

    def __iter__(self) -> Iterator[tuple[int, Post]]:
        for lane in self._lanes.values():
            yield from lane.posts.items()

    def add(self, number: int, post: Post) -> None:
        self._lanes.setdefault(post.room, Lane()).posts[number] = post

    def due(self, now: float, most: int) -> list[tuple[int, Post]]:
        """The posts to send now, `most` at the most, those of a room in order."""
        found: list[tuple[int, Post]] = []
        for lane in self._lanes.values():
            width = min(self._width, len(lane.under_way) + most - len(found))
            found.extend(lane.due(now, width))
        return found

    def done(self, number: int, post: Post) -> None:
        """The post was answered for good, or given up by its author."""
        lane = self._lanes.get(post.room)
        if lane is None:
            return
        lane.done(number)
        lane.refusals = 0
        if not lane.posts:
            del self._lanes[post.room]

    def refused_for_now(self, number: int, post: Post, now: float, retry_after: float | None) -> None:
        """The post was not taken; it and all behind it will be sent again, `retry_after` seconds from now at the
        earliest."""
        lane = self._lanes.get(post.room)
        if lane is not None and number in lane.posts:
            lane.refused_for_now(number, now, retry_after)

    def begin_again(self) -> None:
        """The connection was lost: nothing is under way any more, nothing has to wait."""
        for lane in self._lanes.values():
            lane.begin_again()

    def next_wake(self) -> float | None:
        """When a lane that waits may go on; None where none waits for the clock."""
        waiting = [lane.retry_at for lane in self._lanes.values() if lane.retry_at is not None and not lane.under_way]
        return min(waiting, default=None)
