"""What a client may say: one struct per op, and the table of which op is legal when.

Types and presence of fields are checked by decoding; lengths and alphabets are checked in `rules.py`, because
they have error codes of their own. Fields nobody defined are ignored.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from server.protocol.fields import (
    Emoji,
    Icon,
    InviteCode,
    LogId,
    Moment,
    Nonce,
    Query,
    Reason,
    RoomId,
    SearchQuery,
    Text,
    Topic,
)
from server.protocol.limits import (
    AUDIT_LIMIT,
    CHANNELS_LIMIT,
    HISTORY_LIMIT,
    ID_CHARACTERS,
    INVITE_SECONDS,
    INVITE_USES,
    LARGEST_INTEGER,
    LOG_LIMIT,
    MEMBERS_LIMIT,
    MUTE_SECONDS,
    RESUME_ROOMS,
    ROOM_MEMBERS_AT_CREATION,
    SEARCH_LIMIT,
    SLOW_SECONDS,
    STATUS_CHARACTERS,
    THREADS_LIMIT,
    TTL_SECONDS,
)
from server.protocol.objects import Level, Role, RoomKind, Trusted

CommandId = (
    Annotated[str, Meta(max_length=ID_CHARACTERS)] | Annotated[int, Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
)
Seq = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER, description="Place in the log of the room; 0: before its first.")]
Target = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER, description="The `seq` of a message.")]
HistorySize = Annotated[int, Meta(ge=1, description="Messages.", extra_json_schema={"maximum": HISTORY_LIMIT})]
LogSize = Annotated[int, Meta(ge=1, description="Entries.", extra_json_schema={"maximum": LOG_LIMIT})]
ThreadsSize = Annotated[int, Meta(ge=1, description="Threads.", extra_json_schema={"maximum": THREADS_LIMIT})]
MembersSize = Annotated[int, Meta(ge=1, description="Members.", extra_json_schema={"maximum": MEMBERS_LIMIT})]
ChannelsSize = Annotated[int, Meta(ge=1, description="Channels.", extra_json_schema={"maximum": CHANNELS_LIMIT})]
InviteUses = Annotated[int, Meta(ge=1, extra_json_schema={"maximum": INVITE_USES})]
InviteSeconds = Annotated[int, Meta(ge=1, extra_json_schema={"maximum": INVITE_SECONDS})]
SearchSize = Annotated[int, Meta(ge=1, description="Hits.", extra_json_schema={"maximum": SEARCH_LIMIT})]
AuditSize = Annotated[int, Meta(ge=1, description="Acts.", extra_json_schema={"maximum": AUDIT_LIMIT})]
MuteSeconds = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": MUTE_SECONDS})]
TtlSeconds = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": TTL_SECONDS[1]})]
SlowSeconds = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": SLOW_SECONDS})]
PresenceStatus = Literal["online", "away", "busy", "invisible"]
StatusText = Annotated[
    str,
    Meta(description="What one says of oneself, on one line.", extra_json_schema={"maxLength": STATUS_CHARACTERS}),
]
Person = Annotated[str, Meta(description="By name or id.")]
Resume = Annotated[
    dict[str, "Cursor"],
    Meta(
        description="By room: how far the client has read it. Entries that are missing come before anything new of it.",
        extra_json_schema={"maxProperties": RESUME_ROOMS},
    ),
]


class Cursor(Struct, frozen=True, gc=False):
    """How far a client has read a room: the id of the log, and the last `seq` it holds."""

    log: LogId
    seq: Seq


class Command(Struct, frozen=True, kw_only=True, tag_field="op"):
    """What a client says."""

    id: Annotated[CommandId | None, Meta(description="Chosen by the client; the reply carries it back.")] = None


class Hello(Command, frozen=True, kw_only=True, tag="hello"):
    """Opens the conversation: who this is, and how far each room has been read.

    Said once, within 10 s of the upgrade. Answered with `welcome`, or the connection is closed: 4501 for a bad token.
    """

    token: Annotated[str | None, Meta(description="Not needed where the upgrade carried it as a header.")] = None
    resume: Resume | None = None
    passive: Annotated[
        bool, Meta(description="Of large rooms that have not the focus, `activity` is wanted, and no entries.")
    ] = False
    focus: Annotated[RoomId | None, Meta(description="Where `passive`: the room that is looked at first.")] = None


class CreateRoom(Command, frozen=True, kw_only=True, tag="create_room"):
    """Makes a room: a `channel` that anyone may join, a `group` by invitation, or a `dm` of two people.

    The same two people get the same `dm` every time. A channel has a unique name; a group may go without one.
    """

    kind: RoomKind
    nonce: Nonce
    name: Annotated[str | None, Meta(description="Of a channel: 1-64 of a-z 0-9 _ -. Of a group: 1-64 characters.")] = (
        None
    )
    members: Annotated[
        list[str],
        Meta(
            description="Other people, by name or id: exactly one for a `dm`.",
            extra_json_schema={"maxItems": ROOM_MEMBERS_AT_CREATION},
        ),
    ] = []


class Join(Command, frozen=True, kw_only=True, tag="join"):
    """Becomes a member of a channel, given by `room` or by `name`, or of the room that an `invite` leads to.

    The next entry delivered is `last_seq` + 1. Where a group wants to be asked, `ok` carries `asked` instead.
    """

    room: RoomId | None = None
    name: Annotated[str | None, Meta(description="Of a channel.")] = None
    invite: InviteCode | None = None


class Leave(Command, frozen=True, kw_only=True, tag="leave"):
    """Ends a membership. None of the room's entries follow the reply."""

    room: RoomId


class Post(Command, frozen=True, kw_only=True, tag="post"):
    """Says something in a room. `ok` means that it is on disk.

    A retry with the same `nonce` and the same content answers as the first time, with `duplicate: true`.
    """

    room: RoomId
    nonce: Nonce
    text: Text
    reply_to: Seq | None = None
    thread: Annotated[Seq | None, Meta(description="The `seq` of the message that begins the thread.")] = None


class Edit(Command, frozen=True, kw_only=True, tag="edit"):
    """Changes the text of a message of one's own. `ok` carries no `seq` where it says that already."""

    room: RoomId
    target: Target
    text: Text


class Delete(Command, frozen=True, kw_only=True, tag="delete"):
    """Takes a message away, for everybody: one's own, or, for owners and moderators, anybody's.

    `ok` carries no `seq` where it is gone already.
    """

    room: RoomId
    target: Target


class React(Command, frozen=True, kw_only=True, tag="react"):
    """Reacts to a message with an emoji, or, with `on: false`, takes that back. `ok` carries no `seq` where that is so
    already.
    """

    room: RoomId
    target: Target
    emoji: Emoji
    on: bool


class Pin(Command, frozen=True, kw_only=True, tag="pin"):
    """Pins a message, for everybody to find, or, with `on: false`, pins it no more. `ok` carries no `seq` where that is
    so already.
    """

    room: RoomId
    target: Target
    on: bool


class Pins(Command, frozen=True, kw_only=True, tag="pins"):
    """What is pinned in a room, in its present state: what was pinned last comes first."""

    room: RoomId
    before: Annotated[Seq | None, Meta(description="The `seq` of the last pin of the page before.")] = None


class History(Command, frozen=True, kw_only=True, tag="history"):
    """Messages of a room in their present state, ascending: those `before` a `seq`, those `after` it, or the newest.

    With `thread` only those of one.
    """

    room: RoomId
    before: Seq | None = None
    after: Seq | None = None
    limit: HistorySize = 50
    thread: Annotated[Seq | None, Meta(description="The `seq` of the message that begins the thread.")] = None


class Threads(Command, frozen=True, kw_only=True, tag="threads"):
    """Threads of a room, those with the newest messages first."""

    room: RoomId
    before: Annotated[Seq | None, Meta(description="The `last_seq` of the last thread of the page before.")] = None
    limit: ThreadsSize = 50


class Log(Command, frozen=True, kw_only=True, tag="log"):
    """Entries of a room's log as they were written. Asked by a client that saw a gap in `seq`."""

    room: RoomId
    after: Seq
    limit: LogSize = 500


class Received(Command, frozen=True, kw_only=True, tag="received"):
    """Everything up to `seq` has reached this user. Cumulative: the larger wins."""

    room: RoomId
    seq: Seq


class Read(Command, frozen=True, kw_only=True, tag="read"):
    """Everything up to `seq` was read by this user. Cumulative: the larger wins.

    With `thread` everything of that one, for which there is a mark of its own.
    """

    room: RoomId
    seq: Seq
    thread: Annotated[Seq | None, Meta(description="The `seq` of the message that begins the thread.")] = None


class MarkUnread(Command, frozen=True, kw_only=True, tag="mark_unread"):
    """Everything from `seq` on is unread again, for this user and on all their devices. Nobody else is told.

    `read` cannot say this: it is cumulative, so that what several devices say may arrive late and in any order. The
    next `read` ends it, as far as it goes.
    """

    room: RoomId
    seq: Seq


class Typing(Command, frozen=True, kw_only=True, tag="typing"):
    """Shows that this user is typing; at most one in 3 s is passed on. Answered only if it carries an `id`."""

    room: RoomId


class Attend(Command, frozen=True, kw_only=True, tag="attend"):
    """Says what of a room this user wants to be called for: all of it, mentions, or nothing. On all devices.

    It changes nothing of what is told, and what is unread; clients go by it when they call their user.
    """

    room: RoomId
    level: Level


class Focus(Command, frozen=True, kw_only=True, tag="focus"):
    """The client looks at this room now, and at no other; without `room`, at none.

    Live entries begin exactly after the `last_seq` of the `ok`. It matters to clients that are `passive`, and only in
    large rooms: of those they do not look at they are told `activity`.
    """

    room: RoomId | None = None


class Members(Command, frozen=True, kw_only=True, tag="members"):
    """Who is in a room, by name, page by page; or, with `online`, only those who are online at the moment.

    A page of these may be short, or empty, and have one behind it.
    """

    room: RoomId
    limit: MembersSize = 100
    next: Annotated[str | None, Meta(description="As the page before gave it.")] = None
    online: Annotated[bool, Meta(description="Large rooms are shown with these first, then with everybody.")] = False


class Invite(Command, frozen=True, kw_only=True, tag="invite"):
    """Makes somebody a member of a channel or group. `ok` carries no `seq` where they are one already."""

    room: RoomId
    user: Person


class Kick(Command, frozen=True, kw_only=True, tag="kick"):
    """Ends somebody's membership; nothing of them is logged after it, and nothing after it is delivered to them.

    They may come again, as anybody may. `ok` carries no `seq` where they are no member.
    """

    room: RoomId
    user: Person
    reason: Reason | None = None


class Ban(Command, frozen=True, kw_only=True, tag="ban"):
    """Ends somebody's membership, if they have one, and keeps them out: for them there is no such room any more.

    `ok` carries no `seq` where they are no member.
    """

    room: RoomId
    user: Person
    reason: Reason | None = None


class Unban(Command, frozen=True, kw_only=True, tag="unban"):
    """Lets somebody come again. It is in no log."""

    room: RoomId
    user: Person


class SetRole(Command, frozen=True, kw_only=True, tag="set_role"):
    """Gives a member another role. `ok` carries no `seq` where they have it already.

    A room is handed over by making somebody else an owner, and then oneself something else.
    """

    room: RoomId
    user: Person
    role: Role


class Rename(Command, frozen=True, kw_only=True, tag="rename"):
    """Gives a channel or group another name, topic or icon. `ok` carries no `seq` where that is so already."""

    room: RoomId
    name: Annotated[str | None, Meta(description="Of a channel: 1-64 of a-z 0-9 _ -. Of a group: 1-64 characters.")] = (
        None
    )
    topic: Annotated[Topic | None, Meta(description="Empty: none.")] = None
    icon: Annotated[Icon | None, Meta(description="Empty: none.")] = None


class Mute(Command, frozen=True, kw_only=True, tag="mute"):
    """Keeps somebody from posting for a while; without `user` everybody but moderators and owners.

    It outlasts a membership: nobody gets rid of it by leaving.
    """

    room: RoomId
    user: Person | None = None
    seconds: Annotated[MuteSeconds | None, Meta(description="Absent: until it is lifted. 0: it is lifted.")] = None


class SetRights(Command, frozen=True, kw_only=True, tag="set_rights"):
    """Says who may do what in a channel or group: the lowest role that may. What is not named stays.

    `ok` carries no `seq` where all of that is so already. Nobody gets a right that their role has in no room: guests
    neither invite nor pin nor call everybody.
    """

    room: RoomId
    post: Annotated[Role | None, Meta(description="And edit. `guest`: everybody, as in a new room.")] = None
    invite: Annotated[Trusted | None, Meta(description="In a new room: `member`.")] = None
    mention_all: Annotated[
        Trusted | None, Meta(description="By `@all`. In a new group: `member`; in a new channel: `moderator`.")
    ] = None
    pin: Annotated[Trusted | None, Meta(description="In a new group: `member`; in a new channel: `moderator`.")] = None
    slow: Annotated[
        SlowSeconds | None,
        Meta(description="Seconds between two posts of one member or guest. 0: as fast as they like."),
    ] = None
    ttl: Annotated[
        TtlSeconds | None,
        Meta(description="Seconds, 5 at least, until what is posted from now on disappears. 0: it stays."),
    ] = None
    approval: Annotated[bool | None, Meta(description="Of a group: by an invite's code one only asks to come in.")] = (
        None
    )


class Audit(Command, frozen=True, kw_only=True, tag="audit"):
    """Who has moderated a room, how, whom and why, the newest first. Kept for 90 days."""

    room: RoomId
    limit: AuditSize = 50
    next: Annotated[str | None, Meta(description="As the page before gave it.")] = None


class DeleteRoom(Command, frozen=True, kw_only=True, tag="delete_room"):
    """Ends a channel or group for everybody, with its log. They hear `left`, with `by` and `reason`; then, for all of
    them, there is no such room.
    """

    room: RoomId
    reason: Reason | None = None


class CreateInvite(Command, frozen=True, kw_only=True, tag="create_invite"):
    """Makes a code by which people come into a channel or group: by `join`, as many and as long as it says.

    Said again with the same `nonce` and the same content, it is answered with the same code.
    """

    room: RoomId
    nonce: Nonce
    uses: Annotated[InviteUses | None, Meta(description="How many may come. Absent: any number.")] = None
    seconds: Annotated[InviteSeconds | None, Meta(description="For how long. Absent: until it is revoked.")] = None


class Invites(Command, frozen=True, kw_only=True, tag="invites"):
    """The invites of a room that are good, the oldest first."""

    room: RoomId


class RevokeInvite(Command, frozen=True, kw_only=True, tag="revoke_invite"):
    """Ends an invite. `ok` also where it has ended, or the room has none of this code."""

    room: RoomId
    invite: InviteCode


class JoinRequests(Command, frozen=True, kw_only=True, tag="join_requests"):
    """Who asks to come into a group, the longest waiting first."""

    room: RoomId


class Approve(Command, frozen=True, kw_only=True, tag="approve"):
    """Lets in somebody who asks. `ok` carries no `seq` where they are a member already."""

    room: RoomId
    user: Person


class Refuse(Command, frozen=True, kw_only=True, tag="refuse"):
    """Does not let in somebody who asks; nobody is told. `ok` also where they do not ask."""

    room: RoomId
    user: Person


class InviteInfo(Command, frozen=True, kw_only=True, tag="invite_info"):
    """Where an invite leads to, as long as it is good."""

    invite: InviteCode


class Channels(Command, frozen=True, kw_only=True, tag="channels"):
    """Channels that one may join, page by page: by name, or those that a `query` finds, the best first.

    It finds what is a part of a name, or begins as a word of the topic does, in upper or lower case.
    """

    query: Query | None = None
    limit: ChannelsSize = 50
    next: Annotated[str | None, Meta(description="As the page before gave it.")] = None


class Search(Command, frozen=True, kw_only=True, tag="search"):
    """Finds messages by their words, the newest first, in all rooms this user is a member of, or in one of them.

    All words have to be there, in any order; `"several in this order"`, `beginn*`. Everything else is literal text.
    """

    query: SearchQuery
    room: RoomId | None = None
    from_: Annotated[Person | None, Meta(description="Only what they wrote.")] = field(default=None, name="from")
    after: Annotated[Moment | None, Meta(description="Only what was written then, or later.")] = None
    before: Annotated[Moment | None, Meta(description="Only what was written earlier.")] = None
    limit: SearchSize = 20
    next: Annotated[str | None, Meta(description="As the page before gave it.")] = None


class SetPresence(Command, frozen=True, kw_only=True, tag="presence"):
    """Says how one is to be shown to others. What is not named stays.

    `away` is said of this device, which nobody uses: its owner is away when all are; until it says `online`. `busy`,
    `invisible`, `text` and `emoji` are of the account, on all devices, until something else is said; `online` ends
    `busy` and `invisible`. Who is invisible looks offline to everybody.
    """

    status: PresenceStatus
    text: StatusText | None = None
    emoji: Annotated[str | None, Meta(description="One emoji; empty: none.")] = None


class Settings(Command, frozen=True, kw_only=True, tag="settings"):
    """Changes what is named of the account's settings, on all devices, and tells all of them."""

    receipts: Annotated[
        bool | None, Meta(description="Whether others are told how far one has read, and one how far others have.")
    ] = None


class Rooms(Command, frozen=True, kw_only=True, tag="rooms"):
    """The rooms this user is a member of."""


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Asks whether the server is there, for clients that cannot see a websocket's own pings. Answered with `pong`."""


class Expire(Command, frozen=True, kw_only=True, tag="expire"):
    """What no client says: the time of a message is up."""

    room: RoomId
    target: Target


AnyCommand = (
    Hello
    | CreateRoom
    | Join
    | Leave
    | Post
    | Edit
    | Delete
    | React
    | Pin
    | Pins
    | History
    | Threads
    | Log
    | Received
    | Read
    | MarkUnread
    | Typing
    | Focus
    | Attend
    | Members
    | Invite
    | Kick
    | Ban
    | Unban
    | SetRole
    | Rename
    | Mute
    | SetRights
    | CreateInvite
    | Invites
    | RevokeInvite
    | JoinRequests
    | Approve
    | Refuse
    | InviteInfo
    | DeleteRoom
    | Audit
    | Channels
    | Search
    | SetPresence
    | Settings
    | Rooms
    | Ping
)
PersonCommand = Invite | Approve | Refuse | Kick | Ban | Unban | SetRole | Mute
"""Those that concern another person, who has to be looked up."""
GoverningCommand = Rename | SetRights | DeleteRoom | Audit
"""Those that concern the room itself."""
MessageCommand = Edit | Delete | React
InviteCommand = CreateInvite | Invites | RevokeInvite | JoinRequests
RoomCommand = (
    Leave
    | Post
    | MessageCommand
    | Pin
    | Pins
    | History
    | Threads
    | Log
    | Received
    | Read
    | MarkUnread
    | Typing
    | Focus
    | Attend
    | Members
    | InviteCommand
    | Search
    | GoverningCommand
    | PersonCommand
)

State = Literal["opening", "ready"]

LEGAL: Final[dict[str, frozenset[State]]] = {
    "hello": frozenset({"opening"}),
    "create_room": frozenset({"ready"}),
    "join": frozenset({"ready"}),
    "leave": frozenset({"ready"}),
    "post": frozenset({"ready"}),
    "edit": frozenset({"ready"}),
    "delete": frozenset({"ready"}),
    "react": frozenset({"ready"}),
    "pin": frozenset({"ready"}),
    "pins": frozenset({"ready"}),
    "history": frozenset({"ready"}),
    "threads": frozenset({"ready"}),
    "log": frozenset({"ready"}),
    "received": frozenset({"ready"}),
    "read": frozenset({"ready"}),
    "mark_unread": frozenset({"ready"}),
    "typing": frozenset({"ready"}),
    "focus": frozenset({"ready"}),
    "attend": frozenset({"ready"}),
    "members": frozenset({"ready"}),
    "invite": frozenset({"ready"}),
    "kick": frozenset({"ready"}),
    "ban": frozenset({"ready"}),
    "unban": frozenset({"ready"}),
    "set_role": frozenset({"ready"}),
    "rename": frozenset({"ready"}),
    "mute": frozenset({"ready"}),
    "set_rights": frozenset({"ready"}),
    "create_invite": frozenset({"ready"}),
    "invites": frozenset({"ready"}),
    "revoke_invite": frozenset({"ready"}),
    "join_requests": frozenset({"ready"}),
    "approve": frozenset({"ready"}),
    "refuse": frozenset({"ready"}),
    "invite_info": frozenset({"ready"}),
    "delete_room": frozenset({"ready"}),
    "audit": frozenset({"ready"}),
    "channels": frozenset({"ready"}),
    "search": frozenset({"ready"}),
    "presence": frozenset({"ready"}),
    "settings": frozenset({"ready"}),
    "rooms": frozenset({"ready"}),
    "ping": frozenset({"opening", "ready"}),
}
"""Which op is legal in which state of a connection: before (`opening`) and after (`ready`) its welcome."""

FEATURES: Final = tuple(op for op in LEGAL if op not in {"hello", "ping"})
"""What `welcome.features` lists: the ops this server has built."""


def is_answered(command: Command) -> bool:
    """Whether the server owes this command a reply (`typing` gets one only when it asks by carrying an id)."""
    return not isinstance(command, Typing) or command.id is not None
