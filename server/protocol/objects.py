"""The things the wire talks about: users, rooms, members, messages.

An optional field is left out of the encoding while it has its default; a field without a default is always
there, empty or null. Ids are opaque strings. Nothing here validates: these values are made by the server.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from server.protocol.fields import Emoji, EntrySeq, Icon, InviteCode, LastSeq, LogId, RoomId, Text, Time, UserId

RoomKind = Literal["channel", "group", "dm"]
Role = Literal["owner", "moderator", "member", "guest"]
Level = Literal["all", "mentions", "none"]
Status = Literal["online", "away", "busy", "offline"]
ActKind = Literal[
    "kick", "ban", "unban", "mute", "set_role", "set_rights", "rename", "delete", "delete_room",
    "create_invite", "revoke_invite", "approve", "refuse",
]  # fmt: skip
OwnStatus = Literal["online", "busy", "invisible"]
Trusted = Literal["member", "moderator", "owner"]


class User(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person. A deleted one keeps the id and loses the name."""

    user: UserId
    name: str | None
    display_name: str | None = None
    status: Status | None = None
    status_text: Annotated[str | None, Meta(description="What they say of themselves.")] = None
    status_emoji: Emoji | None = None
    last_seen: Time | None = None
    deleted: bool = False


class RoomRights(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is not as in every room of its kind: the lowest role that may do something, and how fast people post."""

    post: Annotated[Role | None, Meta(description="Who may post and edit.")] = None
    invite: Annotated[Trusted | None, Meta(description="Who may invite.")] = None
    mention_all: Annotated[Trusted | None, Meta(description="Who may call everybody.")] = None
    pin: Annotated[Trusted | None, Meta(description="Who may pin.")] = None
    slow: Annotated[
        int | None,
        Meta(description="Seconds between two posts of one member or guest.", extra_json_schema={"minimum": 1}),
    ] = None
    ttl: Annotated[
        int | None,
        Meta(description="Seconds until what is posted now disappears.", extra_json_schema={"minimum": 1}),
    ] = None
    approval: Annotated[bool, Meta(description="Of a group: by an invite's code one only asks to come in.")] = False


class Room(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room as one of its members sees it: `role`, `read_seq`, `unread` and `mentions` are the reader's own."""

    room: RoomId
    log: LogId
    kind: RoomKind
    name: Annotated[str | None, Meta(description="Absent in a `dm`.")] = None
    topic: str | None = None
    members: Annotated[int, Meta(description="How many there are.", extra_json_schema={"minimum": 0})]
    last_seq: LastSeq
    read_seq: Annotated[int, Meta(description="Up to here the reader has read.", extra_json_schema={"minimum": 0})]
    role: Role
    unread: Annotated[
        int,
        Meta(
            description="Other people's undeleted messages after `read_seq`, counted up to 1,000: show that as many.",
            extra_json_schema={"minimum": 0},
        ),
    ]
    mentions: Annotated[int, Meta(description="Of the reader, unread.", extra_json_schema={"minimum": 0})]
    level: Annotated[Level, Meta(description="What of it the reader wants to be called for; absent: all.")] = "all"
    peer: Annotated[User | None, Meta(description="The other person of a `dm`.")] = None
    quiet_until: Annotated[
        Time | None, Meta(description="Until then only moderators and owners may post; if it has passed, everybody.")
    ] = None
    rights: RoomRights | None = None
    icon: Icon | None = None


class RoomInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a room is the same for all its members."""

    room: RoomId
    kind: RoomKind
    name: str | None = None
    topic: Annotated[str | None, Meta(description="Absent where there is none.")] = None
    rights: RoomRights | None = None
    icon: Icon | None = None


class Channel(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A channel as it is listed, for whoever looks for one."""

    room: RoomId
    name: str
    topic: Annotated[str | None, Meta(description="Absent where there is none.")] = None
    icon: Icon | None = None
    members: Annotated[int, Meta(description="How many there are.", extra_json_schema={"minimum": 0})]


class InviteLink(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An invite as those see it who may make some. Whoever knows the code may come, as long as it is good."""

    invite: InviteCode
    by: UserId
    at: Time
    uses: Annotated[int | None, Meta(description="How many may come by it; absent: any number.")] = None
    used: Annotated[int, Meta(description="How many have come.", extra_json_schema={"minimum": 0})]
    expires_at: Annotated[Time | None, Meta(description="Absent: it does not end by itself.")] = None


class JoinRequest(Struct, frozen=True, kw_only=True):
    """Somebody who asks to come in."""

    user: User
    at: Time


class Invited(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an invite shows of its room to somebody who is no member."""

    kind: RoomKind
    name: str | None = None
    icon: Icon | None = None
    members: Annotated[int, Meta(description="How many there are.", extra_json_schema={"minimum": 0})]


class AccountSettings(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What somebody has chosen for their account."""

    receipts: Annotated[
        bool, Meta(description="Whether others are told how far one has read, and one how far others have.")
    ]
    status: Annotated[OwnStatus, Meta(description="As it was said last; whether a device is idle is not in here.")]
    text: Annotated[str | None, Meta(description="What one says of oneself.")] = None
    emoji: Emoji | None = None


class Act(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody did by a right that not everybody has: to whom, or what the room is since."""

    at: Time
    act: Annotated[ActKind, Meta(description="The op by which it was done.")]
    by: User
    user: Annotated[User | None, Meta(description="Whom it concerns; of `delete`: whose message it was.")] = None
    reason: str | None = None
    target: Annotated[int | None, Meta(description="Of `delete`: the `seq` of the message.")] = None
    role: Annotated[Role | None, Meta(description="Of `set_role`: the new one.")] = None
    until: Annotated[
        Time | None,
        Meta(description="Of `mute`: until then; not after `at`: it was lifted. Without `user`: everybody."),
    ] = None
    info: Annotated[RoomInfo | None, Meta(description="Of `rename` and `set_rights`: the room as it was then.")] = None


class Member(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody in a room, and since when."""

    user: User
    role: Role
    joined_at: Time
    read_seq: Annotated[int | None, Meta(description="Up to here they have read.")] = None
    muted_until: Annotated[Time | None, Meta(description="Until then they may not post.")] = None


class Reaction(Struct, frozen=True, kw_only=True, gc=False):
    """How many people reacted with one emoji, and whether the reader is among them."""

    emoji: Emoji
    count: Annotated[int, Meta(description="People.", extra_json_schema={"minimum": 1})]
    me: bool


class Mark(Struct, frozen=True, kw_only=True, gc=False):
    """A part of a text, in code points."""

    start: Annotated[int, Meta(extra_json_schema={"minimum": 0})]
    end: Annotated[int, Meta(description="Where it has ended.", extra_json_schema={"minimum": 1})]


class Hit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that a search has found, and the part of its text that shows why.

    Lengths and places are code points of the text. What is marked is said by numbers only, so no text can feign it.
    """

    room: RoomId
    seq: EntrySeq
    from_: User = field(name="from")
    at: Time
    edited_at: Annotated[Time | None, Meta(description="When its text was changed last.")] = None
    snippet: Annotated[str, Meta(description="A part of the text, exactly as it is there; 160 at the most.")]
    start: Annotated[
        int, Meta(description="Where in the text the snippet begins.", extra_json_schema={"minimum": 0})
    ] = 0
    marks: Annotated[tuple[Mark, ...], Meta(description="What was searched for, in the snippet.")]


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message in its present state. `nonce` goes to everyone, so that everyone gets the same bytes.

    A deleted one is a tombstone: it has neither `text` nor `nonce` nor `reactions`, and `by` says who took it away.
    """

    seq: EntrySeq
    room: RoomId
    from_: User = field(name="from")
    text: Text | None = None
    at: Time
    nonce: str | None = None
    reply_to: Annotated[int | None, Meta(description="The `seq` of the message that is answered.")] = None
    thread: Annotated[
        int | None, Meta(description="It is in the thread that begins with the message of this `seq`.")
    ] = None
    edited_at: Annotated[Time | None, Meta(description="When its text was changed last.")] = None
    reactions: Annotated[
        tuple[Reaction, ...] | None, Meta(description="In the order of their first use; of an entry of the log: none.")
    ] = None
    mentions: Annotated[
        tuple[UserId, ...], Meta(description="Members whom its text mentions; `*` alone: all of them. Absent: nobody.")
    ] = ()
    deleted: bool = False
    by: Annotated[UserId | None, Meta(description="Who deleted it.")] = None


class Thread(Struct, frozen=True, kw_only=True):
    """Messages about one message of a room. `read_seq` and `unread` are the reader's own."""

    root: Annotated[Message, Meta(description="The message that it begins with, which is not counted.")]
    replies: Annotated[int, Meta(description="Messages in it that are there.", extra_json_schema={"minimum": 1})]
    last_seq: Annotated[EntrySeq, Meta(description="The newest one that ever was in it.")]
    read_seq: Annotated[int, Meta(description="Up to here the reader has read.", extra_json_schema={"minimum": 0})]
    unread: Annotated[
        int,
        Meta(
            description="Other people's messages in it that are there, after `read_seq`; counted up to 1,000.",
            extra_json_schema={"minimum": 0},
        ),
    ]


class PinnedMessage(Struct, frozen=True, kw_only=True):
    """A message that was pinned in its room."""

    seq: Annotated[EntrySeq, Meta(description="The entry that says so.")]
    message: Message
    by: UserId
    at: Time
