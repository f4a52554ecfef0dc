"""How a room writes its log: it anchors, appends drafts, and is told what became of them.

The rule: a room fires its appends and waits for one `Outcomes` a commit, which has them in the order of their telling.
Drafts of other kinds than new messages and members stand in files of their own (`changes.py`, `room_changes.py`,
`invite_changes.py`, `thread_messages.py`).
"""

from __future__ import annotations

from msgspec import Struct

from server.protocol.errors import Refusal
from server.protocol.objects import Role
from server.store.changes import MessageChange
from server.store.invite_changes import InviteChange, JoinRequestChange
from server.store.mentioning import Mentioned, People
from server.store.questions import Asker, Question
from server.store.room_changes import BanLifted, LevelSet, RoomChange, RoomDeleted
from server.store.thread_messages import ThreadSeen


class Anchor(Question, frozen=True, kw_only=True):
    """A room wants to append. Answered `Done(ref, Anchored)` behind everything told to the writer before.

    What the room reads of its tail after that answer is complete: no earlier incarnation's append is under way.
    """

    room: str


class Anchored(Struct, frozen=True):
    """`lineage` goes with every append. It ends when a commit fails: appends that carry it are then `Lost`."""

    room: str
    lineage: int


class Release(Struct, frozen=True):
    """The room is at rest; the writer may forget its lineage."""

    room: str
    lineage: int


class NewMessage(Struct, frozen=True):
    """`mentioned` and `ttl` are no content that a retry would have to have again: who is there changes, and how many
    seconds what is posted now stays."""

    author: str
    nonce: str
    text: str
    reply_to: int | None = None
    mentioned: Mentioned | None = None
    thread: int | None = None
    ttl: int | None = None


class NewMember(Struct, frozen=True):
    """Membership and its `joined` entry; `logged=False` (large channels) changes the membership only.

    The marks of a new member begin at the log's head, its own entry included: nothing before it is unread. Whoever is
    a member already lands without a `seq`, and nothing changes. `invite`: by which they come, of which a use is spent
    then; denied with `no_such_invite` where that is no good. `asked`: they must have asked to come; denied with
    `no_such_user` where they have not.
    """

    user: str
    role: Role
    by: str | None = None
    logged: bool = True
    invite: str | None = None
    asked: bool = False


class MemberGone(Struct, frozen=True):
    """The end of a membership and its `left` entry; `logged` as above. Whoever is no member lands without a `seq`.

    `banned`: and may not come again, whether a member now or not.
    """

    user: str
    by: str | None = None
    reason: str | None = None
    logged: bool = True
    banned: bool = False


Draft = (
    NewMessage
    | NewMember
    | MemberGone
    | MessageChange
    | ThreadSeen
    | RoomChange
    | BanLifted
    | LevelSet
    | InviteChange
    | JoinRequestChange
    | RoomDeleted
)


class Append(Struct, frozen=True):
    """One entry for the log of `room`; fire it and wait for the `Outcomes` told to `reply_to`.

    `base` is the `last_seq` the room read after its anchor: the writer moves the database's `last_seq` from there,
    and gives the entries their `seq` in the order in which they were told to it.
    """

    room: str
    lineage: int
    base: int
    ref: int
    draft: Draft
    reply_to: Asker


class Landed(Struct, frozen=True):
    """On disk. `seq` is None where the change is not logged; `mentions` are the people whom its text mentions; `is_new`
    is False where it was so before, of who asks to come in, of what was read in a thread, and of a level."""

    ref: int
    seq: int | None
    at: int
    mentions: People = ()
    is_new: bool = True


class Known(Struct, frozen=True):
    """The nonce was used before, with the same content: this is the first one's place."""

    ref: int
    seq: int
    at: int


class Denied(Struct, frozen=True):
    """Refused for a reason of its own (a nonce used with other content, a row the database will not take)."""

    ref: int
    refusal: Refusal


class Lost(Struct, frozen=True):
    """Not done, or nobody knows: the lineage has ended. The room answers `unavailable` and anchors anew."""

    ref: int


Outcome = Landed | Known | Denied | Lost


class Outcomes(Struct, frozen=True):
    """What became of appends of `room`, in the order in which they were told to the writer."""

    room: str
    lineage: int
    outcomes: tuple[Outcome, ...]
