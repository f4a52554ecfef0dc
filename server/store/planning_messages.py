"""What appends about messages would write: new ones, changes, how far threads were read; pure.

What a change makes of a message is in `amending.py`; here it gets its outcome and its row in the log.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from server.protocol.errors import ErrorCode, Refusal, no_such_message
from server.store import acts
from server.store.amending import (
    Target,
    amend,
    counted,
    is_so,
    one_less,
    pinned_in,
    refusal_of,
    refusal_of_reply,
    refusal_of_thread,
)
from server.store.changes import MessageChange, MessageGone, NewText, Pinning, Reacting
from server.store.log_messages import Append, Denied, Known, Landed, NewMessage, Outcome
from server.store.mentioning import Names, People, people_of, written_people
from server.store.plans import Knowledge, Place, Plan, is_member, next_seq
from server.store.rows import EntryRow, ExpiringRow, FullMessageRow, MentionRow, MessageRow
from server.store.thread_messages import ThreadSeen

EXPIRED: Final = "expired"
"""Why nobody deleted it, as a row of the log has it."""
_DIGEST_BYTES = 16  # nobody gains from a collision: it takes the author's own nonce and answers only the author


def plan_message(append: Append, draft: NewMessage, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """A post: a new one takes a place; one whose nonce was used is `Known`, or denied where it says something else."""
    key = (append.room, draft.author, draft.nonce)
    digest = content_digest(draft.text, draft.reply_to, draft.thread)
    first = planned.places.get(key) or known.places.get(key)
    if first is None:
        root = None
        if draft.reply_to is not None or draft.thread is not None:
            root = _target(append.room, draft.thread, planned, known)
            refusal = refusal_of_reply(draft.reply_to, _target(append.room, draft.reply_to, planned, known))
            refusal = refusal or refusal_of_thread(draft.thread, root)
            if refusal is not None:
                planned.in_doubt = True
                return Denied(append.ref, refusal)
        seq = next_seq(append.room, planned, known)
        planned.places[key] = Place(seq, at, digest)
        if draft.ttl is not None:
            planned.expiring.append(ExpiringRow(append.room, seq, at + draft.ttl * 1000))
        row = MessageRow(append.room, seq, "message", at, draft.author, draft.nonce, digest, draft.text, draft.reply_to)
        if draft.mentioned is None and root is None:
            planned.messages.append(row)
            return Landed(append.ref, seq, at)
        return _full_message(append, draft, row, root, planned, known)
    if first.digest is None or first.digest == digest:
        return Known(append.ref, first.seq, first.at)
    return Denied(append.ref, Refusal(ErrorCode.CONFLICT, "this nonce was used for another message"))


def _full_message(
    append: Append, draft: NewMessage, row: MessageRow, root: Target | None, planned: Plan, known: Knowledge
) -> Outcome:
    room, author, seq = row.room_id, row.user_id, row.seq
    people = () if draft.mentioned is None else people_of(draft.mentioned, room, author, _members(planned, known))
    planned.full_messages.append(FullMessageRow(*row, written_people(people), draft.thread))
    planned.mentions += [MentionRow(room, user, seq, author) for user in people]
    if root is not None and draft.thread is not None:
        planned.amended.targets[room, draft.thread] = counted(root, seq)
    return Landed(append.ref, seq, row.at, people)


def _members(planned: Plan, known: Knowledge) -> Names:
    """Those who are called, as far as they are members by then: who comes or leaves in the same commit is one behind
    that, or ahead of it."""
    coming, members = known.messages.coming, known.messages.members
    if not (coming or planned.memberships or known.memberships):
        return members
    return {
        key: user
        for key, user in (members | coming).items()
        if is_member((key[0], user), planned, known, unless_known=key in members)
    }


def plan_change(append: Append, change: MessageChange, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """What becomes of a message: an entry, unless it is so already."""
    place = append.room, change.target
    if isinstance(change, MessageGone) and change.expired:
        planned.expired.append(place)
    target = _target(*place, planned, known)
    pinned = pinned_in(append.room, known.messages, planned.amended) if isinstance(change, Pinning) else frozenset()
    refusal = refusal_of(change, target, pinned)
    if target is None or refusal is not None:
        assert refusal is not None, "what is no message is refused"
        return Denied(append.ref, refusal)
    if is_so(change, target, has_reacted=_has_reacted(append.room, change, planned, known), pinned=pinned):
        return Landed(append.ref, None, at)
    seq = next_seq(append.room, planned, known)
    people: People = ()
    if isinstance(change, NewText) and change.mentioned is not None:
        people = people_of(change.mentioned, append.room, target.author, _members(planned, known), target.mentions)
    if isinstance(change, MessageGone):
        planned.acts += acts.of_deletion(append.room, change, target.author, at)
    planned.entries.append(_row_of_change(append.room, seq, change, at, people))
    amend(change, place, target, seq, at, planned.amended, people)
    if isinstance(change, MessageGone) and target.thread is not None:
        root = _target(append.room, target.thread, planned, known)
        assert root is not None, "what is in a thread has something that began it"
        planned.amended.targets[append.room, target.thread] = one_less(root)
    return Landed(append.ref, seq, at, people)


def plan_thread_seen(append: Append, seen: ThreadSeen, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """How far somebody has read a thread: a mark that only rises, and no entry.

    The first one is written also where the room's own mark covers it, which may be taken back, or not be on disk yet.
    """
    root = _target(append.room, seen.target, planned, known)
    if root is None or root.last_reply is None:
        return Denied(append.ref, no_such_message())
    mark = append.room, seen.target, seen.by
    kept = planned.amended.marks.get(mark, known.messages.marks.get(mark))
    before = seen.read if kept is None else kept
    has_moved = seen.seq > before
    if has_moved or kept is None:
        planned.amended.marks[mark] = max(seen.seq, before)
        planned.heads.setdefault(append.room, known.heads[append.room])
    return Landed(append.ref, None, at, is_new=has_moved)


def content_digest(text: str, reply_to: int | None, thread: int | None = None) -> bytes:
    """Two messages of one nonce say the same when their digests are equal.

    Lone surrogates pass here; that text is refused by the database, on its own.
    """
    place = reply_to if thread is None else f"{reply_to} {thread}"
    return blake2b(f"{place}\0{text}".encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def _target(room: str, seq: int | None, planned: Plan, known: Knowledge) -> Target | None:
    """A message as it is by now; None: there is none."""
    if seq is None:
        return None
    return planned.amended.targets.get((room, seq)) or known.messages.targets.get((room, seq))


def _has_reacted(room: str, change: MessageChange, planned: Plan, known: Knowledge) -> bool:
    if not isinstance(change, Reacting):
        return False
    key = room, change.target, change.by, change.emoji
    return planned.amended.reacted.get(key, key in known.messages.reacted)


def _row_of_change(room: str, seq: int, change: MessageChange, at: int, people: People) -> EntryRow:
    match change:
        case NewText(by=by, target=target, text=text):
            return EntryRow(room, seq, "edited", at, by, text=text, target=target, mentions=written_people(people))
        case MessageGone(by=by, target=target, expired=expired):
            return EntryRow(room, seq, "deleted", at, by, reason=EXPIRED if expired else None, target=target)
        case Pinning(by=by, target=target, on=on):
            return EntryRow(room, seq, "pinned" if on else "unpinned", at, by, target=target)
        case Reacting(by=by, target=target, emoji=emoji, on=on):
            return EntryRow(room, seq, "reacted" if on else "unreacted", at, by, text=emoji, target=target)
