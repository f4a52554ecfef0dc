"""Slow mode: how long a member or guest waits between two posts, where a room says so; pure.

The rules:
- Who may post is noted when the post goes on its way, with its nonce: so a retry of it is let through, and finds its
  first try in the log, or is written now.
- Only the room that orders the posts counts, so it does not matter by which node somebody posts.
- What is over is forgotten with the next post: there is never more than one note of each who posted in the last
  interval. A room that crashes, rests or is handed over forgets all of them: everybody may then post once before the
  interval is over. To look for everybody's last post in the log at each opening would cost all for that.
"""

from __future__ import annotations

from itertools import takewhile

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import Role
from server.rooms.room_rights import RANK
from server.store.room_changes import Particulars


def take_turn(particulars: Particulars, user: str, role: Role, nonce: str, now: float) -> None:
    """Somebody posts. Moderators and owners as fast as they like.

    Raises
    ------
    Refusal
        `rate_limited`, and how long to wait.
    """
    slow = None if particulars.rights is None else particulars.rights.slow
    if slow is None or RANK[role] > RANK["member"]:
        return
    posted = particulars.posted
    if posted is None:
        posted = particulars.posted = {}
    at, last = posted.get(user, (now - slow, ""))
    if last == nonce:
        return
    if (wait := at + slow - now) > 0:
        raise Refusal(ErrorCode.RATE_LIMITED, f"here one post in {slow} s", int(wait * 1000) + 1)
    posted.pop(user, None)
    posted[user] = now, nonce
    _forget(posted, now - slow)


def _forget(posted: dict[str, tuple[float, str]], until: float) -> None:
    """They are in the order of their times."""
    over = list(takewhile(lambda user: posted[user][0] <= until, posted))
    for user in over:
        del posted[user]
