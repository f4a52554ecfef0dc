"""What the store is told and asked, and what it answers.

Two tasks serve this: the writer (everything that changes the database, in commit order) and the reader. Both take
from an `Inbox`. Every question carries `reply_to` and a `ref` of the asker's own; the answer is told with
`reply_to.answer(...)` and carries the same `ref`. Answers that are data come as `Done`, answers that are a no as
`Failed`; appends are answered by one `Outcomes` a room and commit.
"""

from __future__ import annotations

from msgspec import Struct

from server.protocol.entries import Entry
from server.protocol.errors import Refusal
from server.protocol.objects import Member, Message, Role, Room, RoomKind, User
from server.store.account_messages import AccountRead, AccountWrite
from server.store.audit_messages import ReadAudit
from server.store.changes import MessageChange
from server.store.choices import Choice
from server.store.due import ReadDue
from server.store.finding_messages import FindingRead
from server.store.invite_changes import InviteChange, JoinRequestChange
from server.store.mentioning import Mentioned, People
from server.store.pin_messages import ReadPins
from server.store.questions import Asker as Asker
from server.store.questions import Done as Done
from server.store.questions import Failed as Failed
from server.store.questions import Question as Question
from server.store.room_changes import BanLifted, LevelSet, Particulars, RoomChange, RoomDeleted
from server.store.search_messages import IndexTails, SearchRead
from server.store.tally import ReadTally
from server.store.thread_messages import ReadThreads, ThreadSeen

# --- the log of a room (writer) ------------------------------------------------------------------------------


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
    """On disk. `seq` is None where the change is not logged; `mentions` are the people whom its text mentions."""

    ref: int
    seq: int | None
    at: int
    mentions: People = ()


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


# --- other writes --------------------------------------------------------------------------------------------


class Mark(Struct, frozen=True):
    """How far `user` has received and read; the larger wins. `seen`: how far for themselves, where that is not `read`;
    of several the last wins."""

    user: str
    received: int
    read: int
    seen: int | None = None


class SaveMarks(Struct, frozen=True):
    """Written behind: nobody is told, and a crash may lose it."""

    room: str
    marks: tuple[Mark, ...]


class CreateRoom(Question, frozen=True, kw_only=True):
    """Answered `RoomCreated`. The same creator and nonce, or the same two people for a `dm`, get the same room.

    `members` are names or ids; an unknown one fails with `no_such_user`. The creator is `owner` of a channel or
    group, both people of a dm are `member`. Every member takes a `joined` entry, the creator first.
    Fails with `conflict` for a channel's name that is taken, or a nonce used for something else, and with
    `bad_request` for a dm that is not between two people. Who is in a dm never changes: rooms refuse it.
    """

    creator: str
    kind: RoomKind
    name: str | None
    members: tuple[str, ...]
    nonce: str


class RoomCreated(Struct, frozen=True):
    """`added`: the ids of all members, the creator included, whose membership began now."""

    room: str
    created: bool
    added: tuple[str, ...]


class AddUser(Question, frozen=True, kw_only=True):
    """Answered with the new `User`; fails with `name_taken`, or `registration_closed`."""

    name: str
    display_name: str | None
    password_hash: str


class AddToken(Question, frozen=True, kw_only=True):
    """Answered with an `Identity`: the session this token stands for."""

    user: str
    token_hash: bytes
    device: str | None


class RevokeToken(Question, frozen=True, kw_only=True):
    """Answered with `Revocations`: the session whose token ended, or none."""

    token_hash: bytes


class SetPassword(Question, frozen=True, kw_only=True):
    """Sets the hash and ends all tokens of the user; answered with `Revocations`, or `no_such_user`."""

    name: str
    password_hash: str


class SetAdministrator(Question, frozen=True, kw_only=True):
    """Answered with the `User`; fails with `no_such_user`."""

    name: str
    administrator: bool


class SetRegistration(Question, frozen=True, kw_only=True):
    """Whether strangers may sign up (kept in the database, beside the setting). Answered with `open`."""

    open: bool


class TouchTokens(Struct, frozen=True):
    """These sessions were used (and their users seen) at this time (ms): coarse, written behind."""

    sessions: tuple[str, ...]
    at: int


Write = (
    Anchor
    | Release
    | Append
    | SaveMarks
    | CreateRoom
    | AddUser
    | AddToken
    | RevokeToken
    | SetPassword
    | SetAdministrator
    | SetRegistration
    | TouchTokens
    | AccountWrite
    | IndexTails
)


# --- reads ---------------------------------------------------------------------------------------------------


class FindIdentity(Question, frozen=True, kw_only=True):
    """Whose token is this? Answered `Identity` or `NoIdentity`."""

    token_hash: bytes


class Identity(Struct, frozen=True):
    """One user on one device. `session` is the token's public id; `last_used` when its use was noted last (ms).
    `choice`: what they have chosen, if anything."""

    user: User
    session: str
    device: str | None
    administrator: bool
    last_used: int = 0
    choice: Choice | None = None


class NoIdentity(Struct, frozen=True):
    """`revoked`: the token was good once (revoked or expired); otherwise nobody ever had it."""

    revoked: bool


class ListRooms(Question, frozen=True, kw_only=True):
    """All rooms of a user with `last_seq` and `unread` of one and the same snapshot. Answered `RoomList`.

    `unread` is counted up to `tally.UNREAD_COUNTED`.
    """

    user: str


class RoomList(Struct, frozen=True):
    user: str
    rooms: tuple[Room, ...]


class LoadRoom(Question, frozen=True, kw_only=True):
    """Answered `RoomRecord`, or `NoRoom`."""

    room: str


class MemberRecord(Struct, gc=False):
    role: Role
    received: int
    read: int


class RoomRecord(Struct, frozen=True, gc=False):
    """A room as its owner keeps it. `members` maps user ids. `particulars`: None where there are none."""

    room: str
    log: str
    kind: RoomKind
    name: str | None
    topic: str | None
    last_seq: int
    members: dict[str, MemberRecord]
    particulars: Particulars | None = None


class NoRoom(Struct, frozen=True):
    room: str


class ReadHistory(Question, frozen=True, kw_only=True):
    """Messages in their present state, ascending, at most `limit`, none above `upto`. Answered `HistoryPage`.

    With `after`: the oldest above it; else the newest below `before` (or of all). `reader`: the user whose own
    reactions are marked as such. `thread`: only those of the one that this message begins.
    """

    room: str
    reader: str
    upto: int
    limit: int
    before: int | None = None
    after: int | None = None
    thread: int | None = None


class HistoryPage(Struct, frozen=True):
    """`more`: there are further ones in the direction that was asked for. `known`: the messages are as they were after
    this entry, which may lie behind `upto`."""

    room: str
    messages: tuple[Message, ...]
    more: bool
    known: int


class ReadLog(Question, frozen=True, kw_only=True):
    """Entries with `after < seq <= upto`, in order, at most `limit`. Answered `LogPage`."""

    room: str
    after: int
    upto: int
    limit: int


class LogPage(Struct, frozen=True):
    room: str
    after: int
    entries: tuple[Entry, ...]
    more: bool


class ReadMembers(Question, frozen=True, kw_only=True):
    """Members by name, `limit` at most, those behind the opaque cursor `next`. Answered `MembersPage`.

    `among`: only of these users, of whom there are at most 500.
    """

    room: str
    limit: int
    next: str | None
    among: tuple[str, ...] | None = None


class MembersPage(Struct, frozen=True):
    room: str
    members: tuple[Member, ...]
    next: str | None


class ReadAuthors(Question, frozen=True, kw_only=True):
    """Who wrote messages with `after < seq <= upto` (the newest 1,000 of them). Answered `Authors`."""

    room: str
    after: int
    upto: int


class Authors(Struct, frozen=True):
    room: str
    after: int
    upto: int
    authors: frozenset[str]


class FindChannel(Question, frozen=True, kw_only=True):
    """Answered with the channel's id, or None."""

    name: str


class FindUser(Question, frozen=True, kw_only=True):
    """By id or by name. Answered `User`, or None. Fails with `forbidden` if they have blocked `invited_by`."""

    who: str
    invited_by: str | None = None


class FindCredentials(Question, frozen=True, kw_only=True):
    """Answered `Credentials`, or None. `password_hash` never leaves the accounts service."""

    name: str


class Credentials(Struct, frozen=True):
    user: User
    password_hash: str


class ListUsers(Question, frozen=True, kw_only=True):
    """For operators. Answered with a tuple of `UserRow`, by name."""

    after: str = ""
    limit: int = 1_000


class UserRow(Struct, frozen=True):
    user: str
    name: str
    administrator: bool
    created_at: int
    last_seen: int | None


class ReadRevocations(Question, frozen=True, kw_only=True):
    """Sessions whose token ended after `since` (ms). Answered `Revocations`.

    Its `at` is the next `since`. It lies back by half a minute, because a token ends at the time its transaction began:
    some sessions are told again, and none is missed.
    """

    since: int


class Revocations(Struct, frozen=True):
    sessions: tuple[str, ...]
    at: int


class ReadMemberships(Question, frozen=True, kw_only=True):
    """Memberships that began after `since` (ms), and have not ended. Answered `Memberships`.

    As with revocations, some of them come again with the next look, and none is missed.
    """

    since: int


class Membership(Struct, frozen=True):
    """`joined_at` tells one membership of a user in a room from an earlier one."""

    user: str
    room: str
    joined_at: int
    read: int


class Memberships(Struct, frozen=True):
    """`at` is the next `since`."""

    begun: tuple[Membership, ...]
    at: int


class Ready(Question, frozen=True, kw_only=True):
    """Does the database answer? Answered True."""


Read = (
    FindIdentity
    | ListRooms
    | LoadRoom
    | ReadHistory
    | ReadThreads
    | ReadPins
    | ReadLog
    | ReadMembers
    | ReadAuthors
    | ReadTally
    | FindChannel
    | FindUser
    | FindCredentials
    | ListUsers
    | ReadRevocations
    | ReadMemberships
    | FindingRead
    | Ready
    | AccountRead
    | SearchRead
    | ReadAudit
    | ReadDue
)
