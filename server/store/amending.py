"""What a change makes of a message: pure, and the same whether it is planned once or again.

The rules:
- Only an author edits; authors delete their own, and others where the change says that they may.
- A deleted message is a tombstone: who wrote it and who took it away, nothing that was said. It is changed no more.
- What somebody asks for that is so already changes nothing.
- A text that was replaced is kept nowhere: not in the message, not in its earlier edits, and not as a digest, from
  which a short one could be guessed.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from msgspec import Struct, field
from msgspec.structs import replace

from server.protocol.errors import ErrorCode, Refusal, no_such_message
from server.protocol.limits import PINS, REACTION_EMOJI
from server.store.changes import MessageChange, MessageGone, NewText, Pinning, Reacting
from server.store.mentioning import People

Place = tuple[str, int]
"""Room, seq."""
Mark = tuple[str, int, str]
"""Room, seq of what begins a thread, user."""
Reaction = tuple[str, int, str, str]
"""Room, seq of the message, user, emoji."""
Tally = tuple[tuple[str, int], ...]
"""Each emoji and how many people, in the order of their first use."""


class Target(Struct, frozen=True, gc=False):
    """A message as its row has it. `text` is None once it was deleted, and `by` says who did.

    `edited_seq` is the newest edit, whose row has the text, too. `thread`: what begins the thread that it is in. Of one
    that begins a thread, `replies` are there in it, and `last_reply` is the newest that ever was.
    """

    author: str
    text: str | None
    digest: bytes | None = None
    by: str | None = None
    edited_seq: int | None = None
    edited_at: int | None = None
    reactions: Tally = ()
    mentions: People = ()
    thread: int | None = None
    replies: int | None = None
    last_reply: int | None = None


class Amendments(Struct):
    """What messages have become, and what else has to be written for it.

    Attributes
    ----------
    targets
        The messages, as they are then.
    reacted
        Who has reacted with what, and who has not any more.
    emptied
        Edits whose text must be gone.
    bare
        Messages of which no reaction is left.
    marks
        How far threads were read.
    pins
        Which messages are pinned, by which entry, whom, and when; None: it is pinned no more.
    """

    targets: dict[Place, Target] = field(default_factory=dict)
    reacted: dict[Reaction, bool] = field(default_factory=dict)
    emptied: set[Place] = field(default_factory=set)
    bare: set[Place] = field(default_factory=set)
    marks: dict[Mark, int] = field(default_factory=dict)
    pins: dict[Place, tuple[int, str, int] | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.targets or self.marks or self.pins)


class Messages(Struct):
    """What is known of the messages that are to be changed, or answered. One that is missing is none.

    `members`: those of whom somebody speaks; `coming`: those who come with the same commit. `marks`: how far threads
    were read. `pinned`: in rooms where somebody pins. `forgotten`: something that was said is to be gone.
    """

    targets: dict[Place, Target] = field(default_factory=dict)
    reacted: set[Reaction] = field(default_factory=set)
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    coming: dict[tuple[str, str], str] = field(default_factory=dict)
    marks: dict[Mark, int] = field(default_factory=dict)
    pinned: dict[str, frozenset[int]] = field(default_factory=dict)
    forgotten: bool = False

    def learn(self, amended: Amendments) -> None:
        """The amendments were written."""
        self.marks.update(amended.marks)
        for room in {room for room, _ in amended.pins}:
            self.pinned[room] = pinned_in(room, self, amended)
        if any(target.text != self.targets[place].text for place, target in amended.targets.items()):
            self.forgotten = True
        self.targets.update(amended.targets)
        for reaction, on in amended.reacted.items():
            (self.reacted.add if on else self.reacted.discard)(reaction)


def pinned_in(room: str, known: Messages, amended: Amendments) -> frozenset[int]:
    """What is pinned in a room by now."""
    pinned = set(known.pinned.get(room, ()))
    for (where, target), pin in amended.pins.items():
        if where == room:
            (pinned.discard if pin is None else pinned.add)(target)
    return frozenset(pinned)


def refusal_of(change: MessageChange, target: Target | None, pinned: Collection[int] = ()) -> Refusal | None:
    """Why a change cannot be; None: it can, or is so already. `pinned`: in this room."""
    if target is None:
        return no_such_message()
    match change:
        case NewText(by=by) if by != target.author:
            return Refusal(ErrorCode.FORBIDDEN, "only its author can edit a message")
        case MessageGone(by=by, of_others=False) if by != target.author:
            return Refusal(ErrorCode.FORBIDDEN, "only its author and moderators can delete a message")
        case NewText() | Reacting() | Pinning() if target.text is None:
            return no_such_message()
        case Pinning(target=wanted, on=True) if len(pinned) >= PINS and wanted not in pinned:
            return Refusal(ErrorCode.LIMIT_REACHED, f"at most {PINS} messages are pinned in a room")
        case Reacting(emoji=emoji, on=True) if _is_one_too_many(emoji, target.reactions):
            return Refusal(ErrorCode.LIMIT_REACHED, f"a message has at most {REACTION_EMOJI} different reactions")
    return None


def refusal_of_reply(reply_to: int | None, target: Target | None) -> Refusal | None:
    """Why a message cannot answer that one. What is gone is not answered; what was answered may go."""
    if reply_to is None or (target is not None and target.text is not None):
        return None
    return Refusal(ErrorCode.NO_SUCH_MESSAGE, "`reply_to` names no message of this room")


def refusal_of_thread(thread: int | None, root: Target | None) -> Refusal | None:
    """Why a message cannot be in that thread. One that is gone begins no thread, and goes on with none."""
    if thread is None or (root is not None and root.text is not None and root.thread is None):
        return None
    if root is not None and root.thread is not None:
        return Refusal(ErrorCode.BAD_REQUEST, "`thread` names a message that is in a thread itself")
    return Refusal(ErrorCode.NO_SUCH_MESSAGE, "`thread` names no message of this room")


def counted(root: Target, seq: int) -> Target:
    """A message has come into the thread that this one begins."""
    return replace(root, replies=(root.replies or 0) + 1, last_reply=seq)


def one_less(root: Target) -> Target:
    """A message of its thread is gone. What was the newest is still what the thread was left at."""
    return replace(root, replies=(root.replies or 0) - 1)


def is_so(change: MessageChange, target: Target, *, has_reacted: bool, pinned: Collection[int] = ()) -> bool:
    """Whether everything is already as the change would have it."""
    match change:
        case NewText(text=text):
            return target.text == text
        case MessageGone():
            return target.text is None
        case Reacting(on=on):
            return has_reacted == on
        case Pinning(target=wanted, on=on):
            return (wanted in pinned) == on


def amend(
    change: MessageChange, place: Place, target: Target, seq: int, at: int, amended: Amendments, mentions: People = ()
) -> None:
    """Enter into `amended` what the change makes of the message, as entry `seq` of the log at `at` (ms).

    `mentions`: whom a new text mentions.
    """
    room, _ = place
    match change:
        case NewText(text=text):
            amended.targets[place] = replace(
                target, text=text, digest=None, edited_seq=seq, edited_at=at, mentions=mentions
            )
        case MessageGone(by=by):
            amended.targets[place] = Target(
                target.author, None, by=by, thread=target.thread, replies=target.replies, last_reply=target.last_reply
            )
            amended.bare.add(place)
            amended.pins[place] = None
        case Reacting(by=by, emoji=emoji, on=on):
            amended.targets[place] = replace(target, reactions=_counted(target.reactions, emoji, 1 if on else -1))
            amended.reacted[*place, by, emoji] = on
            return
        case Pinning(by=by, on=on):
            amended.pins[place] = (seq, by, at) if on else None
            return
    if target.edited_seq is not None:
        amended.emptied.add((room, target.edited_seq))


def written(tally: Tally) -> str | None:
    """As a message's row has it."""
    return json.dumps(tally, ensure_ascii=False, separators=(",", ":")) if tally else None


def read_tally(text: str | None) -> Tally:
    return () if text is None else tuple((str(emoji), int(people)) for emoji, people in json.loads(text))


def _counted(tally: Tally, emoji: str, change: int) -> Tally:
    """An emoji that comes anew stands last; one that nobody uses any more is gone."""
    counts = dict(tally)
    counts[emoji] = counts.get(emoji, 0) + change
    return tuple((each, people) for each, people in counts.items() if people > 0)


def _is_one_too_many(emoji: str, tally: Tally) -> bool:
    return len(tally) >= REACTION_EMOJI and all(emoji != each for each, _ in tally)
