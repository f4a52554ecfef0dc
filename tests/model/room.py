"""A room as a person thinks of it, who has read docs/protocol.md: plain lists and dicts, and how they are shown.

Nothing here is shared with the server. What is shown is JSON as docs/protocol.md has it; times are ms since the epoch
until then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
Answer = str | Json
"""An error's code, or what `ok` carries."""
FOREVER = 253_402_300_799_999

RANK = {"guest": 0, "member": 1, "moderator": 2, "owner": 3}
USUAL = {
    "channel": {"post": "guest", "invite": "member", "mention_all": "moderator", "pin": "moderator"},
    "group": {"post": "guest", "invite": "member", "mention_all": "member", "pin": "member"},
    "dm": {"post": "guest", "invite": "member", "mention_all": "member", "pin": "member"},
}


def stamp(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def without_nothing(**fields: Any) -> Json:
    """What is absent where it is nothing."""
    return {key: value for key, value in fields.items() if value not in (None, [], {})}


@dataclass
class Member:
    """`read`: as others are told. `seen`: as it is for themselves."""

    role: str
    joined_at: int
    read: int
    seen: int
    level: str = "all"


@dataclass
class Message:
    """`edit`: the entry of its newest edit. `by`: who deleted it; then there is no text. `pinned`: by which entry, by
    whom, and when."""

    seq: int
    author: str
    text: str | None
    at: int
    nonce: str
    reply_to: int | None
    thread: int | None
    mentions: list[str]
    edit: int | None = None
    edited_at: int | None = None
    by: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    pinned: tuple[int, str, int] | None = None

    @property
    def is_there(self) -> bool:
        return self.text is not None

    def calls(self, who: str) -> bool:
        return bool({"*", who} & set(self.mentions))


@dataclass
class Invite:
    by: str
    at: int
    uses: int | None
    ends_at: int
    used: int = 0

    def is_good(self, now: int) -> bool:
        return now < self.ends_at and (self.uses is None or self.used < self.uses)


@dataclass
class Room:
    """`entries` are as they were told when they were new. `names` are those of all users, by their ids."""

    room: str
    kind: str
    name: str | None
    names: dict[str, str]
    topic: str | None = None
    icon: str | None = None
    rights: Json = field(default_factory=dict)
    quiet_until: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    banned: set[str] = field(default_factory=set)
    muted: dict[str, int] = field(default_factory=dict)
    entries: list[Json] = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    nonces: dict[tuple[str, str], int] = field(default_factory=dict)
    thread_marks: dict[tuple[int, str], int] = field(default_factory=dict)
    invites: dict[str, Invite] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    acts: list[Json] = field(default_factory=list)

    # --- what follows from it ---------------------------------------------------------------------------------

    @property
    def last_seq(self) -> int:
        return len(self.entries)

    def rank(self, who: str) -> int:
        return RANK[self.members[who].role]

    def lowest(self, right: str) -> int:
        return RANK[self.rights.get(right, USUAL[self.kind][right])]

    def owners(self) -> list[str]:
        return [who for who, member in self.members.items() if member.role == "owner"]

    def is_only_owner(self, who: str) -> bool:
        return self.owners() == [who]

    def unread(self, who: str) -> list[Message]:
        """Other people's, which are there."""
        seen = self.members[who].seen
        return [m for m in self.messages.values() if m.seq > seen and m.author != who and m.is_there]

    def replies(self, root: int) -> list[Message]:
        """Also those that are gone."""
        return [message for message in self.messages.values() if message.thread == root]

    # --- how it is shown --------------------------------------------------------------------------------------

    def user(self, who: str) -> Json:
        return {"user": who, "name": self.names[who]}

    def info(self) -> Json:
        """What is the same for everybody."""
        return {"room": self.room, "kind": self.kind} | without_nothing(
            name=self.name, topic=self.topic, icon=self.icon, rights=self.rights
        )

    def seen_by(self, who: str, now: int) -> Json:
        member, unread = self.members[who], self.unread(who)
        peer = next((self.user(other) for other in self.members if other != who), None) if self.kind == "dm" else None
        return self.info() | {
            "members": len(self.members),
            "last_seq": self.last_seq,
            "read_seq": member.seen,
            "role": member.role,
            "unread": len(unread),
            "mentions": sum(message.calls(who) for message in unread),
        } | without_nothing(
            peer=peer,
            level=None if member.level == "all" else member.level,
            quiet_until=stamp(self.quiet_until) if self.quiet_until > now else None,
        )  # fmt: skip

    def members_seen_by(self, hides: bool, now: int) -> list[Json]:
        shown = []
        for who in sorted(self.members, key=self.names.__getitem__):
            member, muted_until = self.members[who], self.muted.get(who, 0)
            shown.append(
                {"user": self.user(who), "role": member.role, "joined_at": stamp(member.joined_at)}
                | ({} if hides else {"read_seq": member.read})
                | without_nothing(muted_until=stamp(muted_until) if muted_until > now else None)
            )
        return shown

    def message_seen_by(self, who: str | None, message: Message) -> Json:
        """`who` is None: as an entry of the log, where reactions are entries of their own."""
        said = {"seq": message.seq, "room": self.room, "from": self.user(message.author), "at": stamp(message.at)}
        if not message.is_there:
            return said | without_nothing(thread=message.thread) | {"deleted": True, "by": message.by}
        reactions = message.reactions if who is not None else {}
        return said | {
            "text": message.text,
            "nonce": message.nonce,
            "reactions": [
                {"emoji": emoji, "count": len(people), "me": who in people} for emoji, people in reactions.items()
            ],
        } | without_nothing(
            reply_to=message.reply_to,
            thread=message.thread,
            mentions=sorted(message.mentions),
            edited_at=None if message.edited_at is None else stamp(message.edited_at),
        )  # fmt: skip

    def entry_read_later(self, entry: Json) -> Json:
        """What was replaced or deleted since is not in it."""
        if entry["op"] == "message":
            return {"op": "message"} | self.message_seen_by(None, self.messages[entry["seq"]])
        if entry["op"] == "edited":
            message = self.messages[entry["target"]]
            if not message.is_there or message.edit != entry["seq"]:
                return {key: value for key, value in entry.items() if key not in ("text", "mentions")}
        return entry
