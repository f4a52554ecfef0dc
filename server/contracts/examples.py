"""One example of every message, as a typed value: Ada has made a group, invites Bob, and says hello.

They are encoded by the real codec on their way into the document, so an example cannot have a field that the server
does not know.
"""

from __future__ import annotations

from typing import Final

from server.protocol.account_commands import SetPresence, Settings, SubscribePresence
from server.protocol.attention_commands import Attend, Focus, MarkUnread, Read, Received, Typing
from server.protocol.commands import AnyCommand
from server.protocol.entries import Deleted, Edited, Joined, Left, MessageEntry, Pinned, Reacted, RoomChanged
from server.protocol.errors import ErrorCode
from server.protocol.events import (
    Activity,
    AnyEvent,
    AskedToJoin,
    Attention,
    Heartbeat,
    Presence,
    Readers,
    ReadMark,
    Receipt,
    Reconnect,
    RoomStats,
    SettingsChanged,
    ThreadMark,
    TypingEvent,
)
from server.protocol.governing_commands import Audit, Ban, DeleteRoom, Kick, Mute, Rename, SetRights, SetRole, Unban
from server.protocol.hello_commands import Cursor, Hello, Ping
from server.protocol.invite_commands import (
    Approve,
    CreateInvite,
    Invite,
    InviteInfo,
    Invites,
    JoinRequests,
    Refuse,
    RevokeInvite,
)
from server.protocol.message_commands import Delete, Edit, Pin, Post, React
from server.protocol.objects import (
    AccountSettings,
    Act,
    Channel,
    Hit,
    Invited,
    InviteLink,
    JoinRequest,
    Mark,
    Member,
    Message,
    PinnedMessage,
    Reaction,
    Room,
    RoomInfo,
    Thread,
    User,
)
from server.protocol.page_commands import History, Log, Pins, Search, Threads
from server.protocol.replies import Error, Limits, Ok, Pong, Resumed, Welcome
from server.protocol.room_commands import Channels, CreateRoom, Join, Leave, Members, Rooms

TOKEN: Final = "q0Yv3mC1n5xW8uZkT7rB2dJ6hL9sPfAeGiOjKcVbNtM"  # noqa: S105 - nobody's
ROOM_ID: Final = "r_01KX2Y8F7Q3M5N9PABCDEFGHJK"
CHANNEL_ID: Final = "r_01KX2Z4T6V8X0B2D4F6H8K0M2P"
_ADA_ID: Final = "u_01KX2Y7A1C3E5G7J9M1P3R5T7V"
_BOB_ID: Final = "u_01KX2Y7D4F6H8K0N2Q4S6V8X0Z"
_LOG: Final = "l_9fWq2T"
NONCE: Final = "b7c1f0a94e2d4c58"
AT: Final = "2026-11-22T12:00:07.250Z"
_EARLIER: Final = "2026-11-22T12:00:00.000Z"

ADA: Final = User(user=_ADA_ID, name="ada", display_name="Ada L.", status="online")
BOB: Final = User(user=_BOB_ID, name="bob", status="offline", last_seen=_EARLIER)
ROOM: Final = Room(
    room=ROOM_ID, log=_LOG, kind="group", name="Analytical engine", members=2, last_seq=3, read_seq=2, role="owner",
    unread=1, mentions=1,
)  # fmt: skip
CHANNEL: Final = Room(
    room=CHANNEL_ID, log=_LOG, kind="channel", name="lobby", members=41, last_seq=1_204, read_seq=1_204, role="member",
    unread=0, mentions=0,
)  # fmt: skip
LISTED: Final = Channel(room=CHANNEL_ID, name="lobby", topic="Tables of numbers", members=41)
_CODE: Final = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
_LINK: Final = InviteLink(invite=_CODE, by=_ADA_ID, at=_EARLIER, uses=25, used=3, expires_at="2026-11-23T12:00:00.000Z")
THUMB: Final = "\N{THUMBS UP SIGN}"
MESSAGE: Final = Message(
    seq=3, room=ROOM_ID, from_=BOB, text="Hello, @ada", at=AT, nonce=NONCE,
    reactions=(Reaction(emoji=THUMB, count=1, me=True),), mentions=(_ADA_ID,),
)  # fmt: skip
HIT: Final = Hit(
    room=ROOM_ID, seq=4, from_=User(user=_ADA_ID, name="ada", display_name="Ada L."), at=AT, edited_at=AT,
    snippet="Hello, dear Bob", marks=(Mark(start=0, end=5), Mark(start=7, end=15)),
)  # fmt: skip
_ENTRY: Final = MessageEntry(
    seq=3, room=ROOM_ID, from_=BOB, text="Hello, @ada", at=AT, nonce=NONCE, reactions=(), mentions=(_ADA_ID,)
)
_JOINED: Final = Joined(room=ROOM_ID, seq=2, user=BOB, at=_EARLIER, by=_ADA_ID)

_SETTINGS: Final = AccountSettings(receipts=False, status="busy", text="In a meeting", emoji=THUMB)

COMMANDS: Final[dict[type[AnyCommand], AnyCommand]] = {
    Hello: Hello(token=TOKEN, resume={ROOM_ID: Cursor(_LOG, 2)}),
    CreateRoom: CreateRoom(id=1, kind="group", name="Analytical engine", members=["bob"], nonce=NONCE),
    Join: Join(id=2, name="lobby"),
    Leave: Leave(id=3, room=CHANNEL_ID),
    Post: Post(id=4, room=ROOM_ID, nonce=NONCE, text="Hello, Bob", reply_to=3),
    Edit: Edit(id=12, room=ROOM_ID, target=4, text="Hello, dear Bob"),
    Delete: Delete(id=13, room=ROOM_ID, target=4),
    React: React(id=14, room=ROOM_ID, target=3, emoji=THUMB, on=True),
    History: History(id=5, room=ROOM_ID, before=200, limit=50),
    Threads: Threads(id=22, room=ROOM_ID, limit=20),
    Pin: Pin(id=23, room=ROOM_ID, target=3, on=True),
    Pins: Pins(id=24, room=ROOM_ID),
    Log: Log(id=6, room=ROOM_ID, after=1, limit=500),
    Received: Received(id=7, room=ROOM_ID, seq=3),
    Read: Read(id=8, room=ROOM_ID, seq=3),
    MarkUnread: MarkUnread(id=18, room=ROOM_ID, seq=3),
    Typing: Typing(room=ROOM_ID),
    Focus: Focus(id=18, room=CHANNEL_ID),
    Attend: Attend(id=19, room=CHANNEL_ID, level="mentions"),
    Members: Members(id=9, room=ROOM_ID, limit=100),
    Invite: Invite(id=10, room=ROOM_ID, user="bob"),
    Kick: Kick(id=12, room=ROOM_ID, user="bob", reason="Off topic"),
    Ban: Ban(id=13, room=ROOM_ID, user=_BOB_ID, reason="Off topic, again"),
    Unban: Unban(id=14, room=ROOM_ID, user="bob"),
    SetRole: SetRole(id=15, room=ROOM_ID, user="bob", role="moderator"),
    Rename: Rename(id=16, room=ROOM_ID, name="Difference engine", topic="Tables of numbers", icon="\N{ABACUS}"),
    Mute: Mute(id=17, room=ROOM_ID, user="bob", seconds=600),
    SetRights: SetRights(id=18, room=ROOM_ID, post="moderator", slow=30),
    CreateInvite: CreateInvite(id=19, room=ROOM_ID, nonce=NONCE, uses=25, seconds=86_400),
    Invites: Invites(id=20, room=ROOM_ID),
    RevokeInvite: RevokeInvite(id=21, room=ROOM_ID, invite=_CODE),
    JoinRequests: JoinRequests(id=23, room=ROOM_ID),
    Approve: Approve(id=24, room=ROOM_ID, user="bob"),
    Refuse: Refuse(id=25, room=ROOM_ID, user=_BOB_ID),
    InviteInfo: InviteInfo(id=22, invite=_CODE),
    Audit: Audit(id=20, room=ROOM_ID, limit=50),
    DeleteRoom: DeleteRoom(id=19, room=ROOM_ID, reason="The engine is built"),
    Channels: Channels(id=18, query="numb", limit=20),
    Search: Search(id=19, query='"dear bob" hel*', room=ROOM_ID, limit=20),
    SetPresence: SetPresence(id=20, status="busy", text="In a meeting", emoji=THUMB),
    SubscribePresence: SubscribePresence(id=21, users=[_BOB_ID]),
    Settings: Settings(id=19, receipts=False),
    Rooms: Rooms(id=11),
    Ping: Ping(id="are you there"),
}

OKS: Final[dict[type[AnyCommand], Ok]] = {
    CreateRoom: Ok(id=1, room=ROOM_ID, info=ROOM),
    Join: Ok(id=2, room=CHANNEL_ID, info=CHANNEL),
    Leave: Ok(id=3, room=CHANNEL_ID),
    Post: Ok(id=4, room=ROOM_ID, seq=4, at=AT, duplicate=False),
    Edit: Ok(id=12, seq=6),
    Delete: Ok(id=13, seq=8),
    React: Ok(id=14, seq=7),
    History: Ok(id=5, messages=[MESSAGE], more=False, to=7),
    Pin: Ok(id=23, seq=9),
    Pins: Ok(id=24, pins=[PinnedMessage(seq=9, message=MESSAGE, by=_ADA_ID, at=AT)], more=False, to=9),
    Threads: Ok(id=22, threads=[Thread(root=MESSAGE, replies=2, last_seq=7, read_seq=5, unread=1)], more=False),
    Log: Ok(id=6, entries=[_JOINED, _ENTRY], from_=2, to=3, more=False),
    Received: Ok(id=7),
    Read: Ok(id=8, read_seq=3),
    MarkUnread: Ok(id=18, read_seq=2),
    Typing: Ok(id="typing 1"),
    Focus: Ok(id=18, room=CHANNEL_ID, last_seq=1_204),
    Attend: Ok(id=19),
    Members: Ok(
        id=9,
        members=[
            Member(user=ADA, role="owner", joined_at=_EARLIER, read_seq=3),
            Member(user=BOB, role="member", joined_at=_EARLIER),
        ],
        next="bob",
    ),
    Invite: Ok(id=10, seq=5),
    Kick: Ok(id=12, seq=7),
    Ban: Ok(id=13, seq=8),
    Unban: Ok(id=14),
    SetRole: Ok(id=15, seq=9),
    Rename: Ok(id=16, seq=6),
    Mute: Ok(id=17, seq=10),
    SetRights: Ok(id=18, seq=11),
    CreateInvite: Ok(id=19, invite=_CODE),
    Invites: Ok(id=20, invites=[_LINK]),
    RevokeInvite: Ok(id=21),
    JoinRequests: Ok(id=23, requests=[JoinRequest(user=BOB, at=AT)]),
    Approve: Ok(id=24, seq=5),
    Refuse: Ok(id=25),
    InviteInfo: Ok(id=22, invited=Invited(kind="group", name="Analytical engine", members=2)),
    Audit: Ok(id=20, acts=[Act(at=AT, act="kick", by=ADA, user=BOB, reason="Off topic")], next="7"),
    DeleteRoom: Ok(id=19),
    Channels: Ok(id=18, channels=[LISTED]),
    Search: Ok(id=19, hits=[HIT]),
    SetPresence: Ok(id=20, settings=_SETTINGS),
    SubscribePresence: Ok(id=21),
    Settings: Ok(id=19, settings=_SETTINGS),
    Rooms: Ok(id=11, rooms=[ROOM, CHANNEL]),
}
"""What each of them is answered with."""

EVENTS: Final[dict[type[AnyEvent], AnyEvent]] = {
    Error: Error(id=4, code=ErrorCode.RATE_LIMITED, message="too much at once, please wait", retry_after=1_500),
    Pong: Pong(id="are you there"),
    Welcome: Welcome(
        me=ADA, session="s_01KX2Y9B2D4F6H8K0M2P4R6T8V", node="n_4f1c9a02", heartbeat=30_000,
        features=("create_room", "join", "leave", "post", "history"),
        limits=Limits(frame=65_536, text=4_000, unanswered=32), rooms=[ROOM],
    ),
    Resumed: Resumed(room=ROOM_ID, recovered=True, from_=3, to=3, last_seq=3),
    MessageEntry: _ENTRY,
    Edited: Edited(room=ROOM_ID, seq=6, target=4, text="Hello, dear Bob", by=_ADA_ID, at=AT),
    Deleted: Deleted(room=ROOM_ID, seq=8, target=4, by=_ADA_ID, at=AT),
    Pinned: Pinned(room=ROOM_ID, seq=9, target=3, by=_ADA_ID, on=True, at=AT),
    Reacted: Reacted(room=ROOM_ID, seq=7, target=3, emoji=THUMB, by=_ADA_ID, on=True, at=AT),
    Joined: _JOINED,
    Left: Left(room=CHANNEL_ID, seq=1_205, user=_ADA_ID, at=AT),
    RoomChanged: RoomChanged(
        room=ROOM_ID, seq=6, at=AT, by=_ADA_ID,
        info=RoomInfo(
            room=ROOM_ID, kind="group", name="Difference engine", topic="Tables of numbers", icon="\N{ABACUS}"
        ),
    ),
    Receipt: Receipt(room=ROOM_ID, user=_BOB_ID, received=4, read=4),
    Readers: Readers(room=CHANNEL_ID, read=1_204, readers=57),
    ReadMark: ReadMark(room=ROOM_ID, read_seq=2),
    ThreadMark: ThreadMark(room=ROOM_ID, thread=3, read_seq=7),
    SettingsChanged: SettingsChanged(settings=_SETTINGS),
    TypingEvent: TypingEvent(room=ROOM_ID, user=_BOB_ID),
    Presence: Presence(user=_BOB_ID, status="offline", last_seen=AT),
    RoomStats: RoomStats(room=CHANNEL_ID, members=312, online=41),
    Attention: Attention(room=CHANNEL_ID, level="mentions"),
    AskedToJoin: AskedToJoin(room=ROOM_ID),
    Activity: Activity(room=CHANNEL_ID, last_seq=1_204, unread=31, mentions=0),
    Heartbeat: Heartbeat(every=60_000),
    Reconnect: Reconnect(after=500, window=3_000),
}  # fmt: skip
"""Of everything but `ok`."""
