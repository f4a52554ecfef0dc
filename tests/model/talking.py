"""What the model says of messages, and of reading them. Whoever comes here is a member, and may."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from server.protocol import commands as c
from tests.model import governing
from tests.model.room import RANK, Answer, Json, Message, Room, stamp, without_nothing

if TYPE_CHECKING:
    from tests.model.chat import Chat

TEXTS: dict[str, tuple[set[str], bool, bool]] = {
    "hello": (set(), False, False),
    "Hello again": (set(), False, False),
    "@ann hello": ({"ann"}, False, False),
    "hello (@Bob), and @cyd. @nobody": ({"bob", "cyd"}, False, False),
    "a@ann.example `@bob` \\@cyd": (set(), False, False),
    "@here": (set(), True, False),
    "@all @dan": ({"dan"}, False, True),
    "@here @eve": ({"eve"}, True, False),
}
"""What is said, and what it means: whom it names, and whether it calls those who are here, or everybody."""


def mentioned(chat: Chat, room: Room, who: str, text: str, before: list[str] | None) -> list[str]:
    """`before`: of an edit, whom the message mentioned."""
    names, here, everybody = TEXTS[text]
    if room.rank(who) < room.lowest("mention_all"):
        here = everybody = False
    if everybody or (here and before == ["*"]):
        return ["*"]
    people = {one for one in room.members if room.names[one] in names}
    if here:
        people |= {one for one in room.members if chat.is_online(one)} if before is None else set(before)
    return sorted(people - {who})


def _is_logged(room: Room, seq: int | None) -> bool:
    return seq is None or 1 <= seq <= room.last_seq


def _there(room: Room, seq: int) -> bool:
    return seq in room.messages and room.messages[seq].is_there


def _post(chat: Chat, room: Room, who: str, post: c.Post) -> Answer:
    if post.text.isspace():
        return "bad_request"
    if not (_is_logged(room, post.reply_to) and _is_logged(room, post.thread)):
        return "no_such_message"
    if (first := room.nonces.get((who, post.nonce))) is not None:
        message = room.messages[first]
        was_kept = message.is_there and message.edit is None
        if was_kept and (message.text, message.reply_to, message.thread) != (post.text, post.reply_to, post.thread):
            return "conflict"
        return {"room": room.room, "seq": first, "at": stamp(message.at), "duplicate": True}
    if post.reply_to is not None and not _there(room, post.reply_to):
        return "no_such_message"
    if post.thread is not None:
        root = room.messages.get(post.thread)
        if root is not None and root.thread is not None:
            return "bad_request"
        if root is None or not root.is_there:
            return "no_such_message"
    seq = room.last_seq + 1
    people = mentioned(chat, room, who, post.text, None)
    message = Message(seq, who, post.text, chat.now, post.nonce, post.reply_to, post.thread, people)
    room.messages[seq] = message
    room.nonces[who, post.nonce] = seq
    governing.log(chat, room, {"op": "message"} | room.message_seen_by(None, message))
    return {"room": room.room, "seq": seq, "at": stamp(chat.now), "duplicate": False}


def _edit(chat: Chat, room: Room, who: str, edit: c.Edit) -> Answer:
    message = room.messages.get(edit.target)
    if edit.text.isspace() and _is_logged(room, edit.target) and edit.target:
        return "bad_request"
    if message is None:
        return "no_such_message"
    if message.author != who:
        return "forbidden"
    if not message.is_there:
        return "no_such_message"
    if message.text == edit.text:
        return {}
    message.text, message.edit, message.edited_at = edit.text, room.last_seq + 1, chat.now
    message.mentions = mentioned(chat, room, who, edit.text, message.mentions)
    entry = {"op": "edited", "target": edit.target, "text": edit.text, "by": who}
    return governing.log(chat, room, entry | without_nothing(mentions=message.mentions))


def _delete(chat: Chat, room: Room, who: str, delete: c.Delete) -> Answer:
    message = room.messages.get(delete.target)
    if message is None:
        return "no_such_message"
    if message.author != who and room.rank(who) < RANK["moderator"]:
        return "forbidden"
    if not message.is_there:
        return {}
    message.text, message.by, message.reply_to, message.edited_at = None, who, None, None
    message.mentions, message.reactions, message.pinned = [], {}, None
    if message.author != who:
        governing.act(chat, room, "delete", who, user=room.user(message.author), target=delete.target)
    return governing.log(chat, room, {"op": "deleted", "target": delete.target, "by": who})


def _react(chat: Chat, room: Room, who: str, react: c.React) -> Answer:
    message = room.messages.get(react.target)
    if message is None or not message.is_there:
        return "no_such_message"
    people = message.reactions.get(react.emoji, [])
    if (who in people) == react.on:
        return {}
    people = [*people, who] if react.on else [one for one in people if one != who]
    message.reactions[react.emoji] = people
    if not people:
        del message.reactions[react.emoji]
    entry = {"op": "reaction", "target": react.target, "emoji": react.emoji, "by": who, "on": react.on}
    return governing.log(chat, room, entry)


def _pin(chat: Chat, room: Room, who: str, pin: c.Pin) -> Answer:
    message = room.messages.get(pin.target)
    if message is None or not message.is_there:
        return "no_such_message"
    if (message.pinned is not None) == pin.on:
        return {}
    message.pinned = (room.last_seq + 1, who, chat.now) if pin.on else None
    return governing.log(chat, room, {"op": "pinned", "target": pin.target, "by": who, "on": pin.on})


def _pins(chat: Chat, room: Room, who: str, pins: c.Pins) -> Answer:
    pinned = [(*message.pinned, message) for message in room.messages.values() if message.pinned is not None]
    shown = [
        {"seq": seq, "message": room.message_seen_by(who, message), "by": by, "at": stamp(at)}
        for seq, by, at, message in sorted(pinned, key=lambda pin: -pin[0])
        if pins.before is None or seq < pins.before
    ]
    return {"pins": shown, "more": False, "to": room.last_seq}


def _history(chat: Chat, room: Room, who: str, asked: c.History) -> Answer:
    if asked.before is not None and asked.after is not None:
        return "bad_request"
    first, last = asked.after or 0, room.last_seq if asked.before is None else asked.before - 1
    found = [
        message
        for message in room.messages.values()
        if first < message.seq <= last and asked.thread in (None, message.thread)
    ]
    page = found[-asked.limit :] if asked.after is None else found[: asked.limit]
    messages = [room.message_seen_by(who, message) for message in page]
    return {"messages": messages, "more": len(page) < len(found), "to": room.last_seq}


def _threads(chat: Chat, room: Room, who: str, asked: c.Threads) -> Answer:
    shown: list[Json] = []
    for root in room.messages.values():
        replies = room.replies(root.seq)
        there = [message for message in replies if message.is_there]
        if not there:
            continue
        read = room.thread_marks.get((root.seq, who), room.members[who].seen)
        unread = [message for message in there if message.seq > read and message.author != who]
        shown.append(
            {
                "root": room.message_seen_by(who, root),
                "replies": len(there),
                "last_seq": max(message.seq for message in replies),
                "read_seq": read,
                "unread": len(unread),
            }
        )
    shown.sort(key=lambda thread: -thread["last_seq"])
    shown = [thread for thread in shown if asked.before is None or thread["last_seq"] < asked.before]
    return {"threads": shown[: asked.limit], "more": len(shown) > asked.limit}


def _log(chat: Chat, room: Room, who: str, asked: c.Log) -> Answer:
    entries = [room.entry_read_later(entry) for entry in room.entries[asked.after : asked.after + asked.limit]]
    to = asked.after + len(entries)
    return {"entries": entries, "from": asked.after + 1, "to": to, "more": to < room.last_seq}


def _read(chat: Chat, room: Room, who: str, read: c.Read) -> Answer:
    seq = min(read.seq, room.last_seq)
    if read.thread is not None:
        if not room.replies(read.thread):
            return "no_such_message"
        mark = read.thread, who
        room.thread_marks[mark] = max(seq, room.thread_marks.get(mark, room.members[who].seen))
        return {}
    member = room.members[who]
    member.seen = max(member.seen, seq)
    if not chat.accounts[who].hides:
        member.read = max(member.read, seq)
    return {"read_seq": member.seen}


def _mark_unread(chat: Chat, room: Room, who: str, mark: c.MarkUnread) -> Answer:
    member = room.members[who]
    member.seen = min(member.seen, max(0, mark.seq - 1))
    return {"read_seq": member.seen}


def _members(chat: Chat, room: Room, who: str, asked: c.Members) -> Answer:
    members = room.members_seen_by(chat.accounts[who].hides, chat.now)
    return {"members": [one for one in members if not asked.online or chat.is_online(one["user"]["user"])]}


def _search(chat: Chat, room: Room, who: str, asked: c.Search) -> Answer:
    return {"hits": hits([room], asked.query)}


def hits(rooms: Iterable[Room], word: str) -> list[Json]:
    """The newest first; only where they are."""
    found = [
        message_at
        for room in rooms
        for message in room.messages.values()
        if message.text is not None and word in message.text.lower()
        for message_at in [(message.at, room.room, message.seq)]
    ]
    return [{"room": room, "seq": seq} for _, room, seq in sorted(found, reverse=True)]


def _attend(chat: Chat, room: Room, who: str, attend: c.Attend) -> Answer:
    room.members[who].level = attend.level
    return {}


RULES: dict[type[c.Command], Callable[[Chat, Room, str, Any], Answer]] = {
    c.Post: _post,
    c.Edit: _edit,
    c.Delete: _delete,
    c.React: _react,
    c.Pin: _pin,
    c.Pins: _pins,
    c.History: _history,
    c.Threads: _threads,
    c.Log: _log,
    c.Read: _read,
    c.MarkUnread: _mark_unread,
    c.Members: _members,
    c.Search: _search,
    c.Attend: _attend,
    c.Received: lambda chat, room, who, command: {},
    c.Typing: lambda chat, room, who, command: {},
    c.Focus: lambda chat, room, who, command: {"room": room.room, "last_seq": room.last_seq},
}
