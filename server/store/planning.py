"""What a run of appends would write: pure, so that every rule of the log can be tested as arithmetic.

`plan` gives each append its outcome and collects the rows, in the order in which they were told. It trusts what it
is told to know: with `Knowledge` that holds the heads only it plans optimistically (no nonce was used before, who
joins is no member and in no other room, who leaves is one), and the database contradicts it where that is wrong.
Then the knowledge is read, and the same rules plan again.

A plan changes nothing that it was given: when its rows are refused, it is dropped, and no `seq` was spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from msgspec import Struct, field

from server.protocol.errors import ErrorCode, Refusal, no_such_invite, no_such_message
from server.protocol.objects import Level, Role
from server.store import acts
from server.store.acts import ActRow
from server.store.amending import (
    Amendments,
    Messages,
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
from server.store.fencing import Fence
from server.store.invite_changes import InviteChange, InviteMade, InviteRevoked, JoinAsked, JoinRefused
from server.store.mentioning import People, people_of, written_people
from server.store.messages import Append, Denied, Known, Landed, Lost, MemberGone, NewMember, NewMessage, Outcome
from server.store.quotas import UNLIMITED, too_many_rooms
from server.store.room_changes import (
    BanLifted,
    LevelSet,
    Muted,
    Renamed,
    RightsSet,
    RoleGiven,
    RoomChange,
    RoomDeleted,
    news_of,
    until,
    written,
    written_rights,
)
from server.store.thread_messages import ThreadSeen
from server.store.waiting import Pair, Waiting

NonceKey = tuple[str, str, str]
"""Room, author, nonce."""
Link = tuple[str, str]
"""Room, invite."""

EXPIRED: Final = "expired"
"""Why nobody deleted it, as a row of the log has it."""

_DIGEST_BYTES = 16  # nobody gains from a collision: it takes the author's own nonce and answers only the author


class MessageRow(NamedTuple):
    """A row of `entries` for a message. Nearly all are: so none of their columns is one that messages do not have."""

    room_id: str
    seq: int
    kind: str
    at: int
    user_id: str
    nonce: str
    digest: bytes
    text: str
    reply_to: int | None


class FullMessageRow(NamedTuple):
    """A row of `entries` for a message that has more than nearly all have."""

    room_id: str
    seq: int
    kind: str
    at: int
    user_id: str
    nonce: str
    digest: bytes
    text: str
    reply_to: int | None
    mentions: str | None
    thread: int | None


class ExpiringRow(NamedTuple):
    """A row of `expiring`; the fields are its columns, in its order."""

    room_id: str
    seq: int
    at: int


class MentionRow(NamedTuple):
    """A row of `mentions`; the fields are its columns, in its order."""

    room_id: str
    user_id: str
    seq: int
    author: str


class EntryRow(NamedTuple):
    """A row of `entries` for what is no message; the fields are its columns."""

    room_id: str
    seq: int
    kind: str
    at: int
    user_id: str
    text: str | None = None
    by: str | None = None
    reason: str | None = None
    target: int | None = None
    news: str | None = None
    mentions: str | None = None


class BanRow(NamedTuple):
    """A row of `bans`; the fields are its columns, in its order."""

    room_id: str
    user_id: str
    by: str
    reason: str | None
    at: int


class MemberRow(NamedTuple):
    """A row of `members` but for the name. Nothing is unread for someone who comes: the marks are the head then."""

    room: str
    user: str
    role: Role
    joined_at: int
    head: int


class Place(Struct, frozen=True, gc=False):
    """Where the message of a nonce stands, and what it said. `digest` is None where that is gone: it was edited, or
    deleted."""

    seq: int
    at: int
    digest: bytes | None


class Knowledge(Struct):
    """What is known of the database within a transaction.

    `heads` has every room that may be appended to; appends to any other one are lost. `rooms_of` are the numbers of
    rooms that users are in, of which nobody may have more than `most_rooms`. `fences` are still to be locked.
    `deleted`: rooms that were there, and are no more.
    """

    heads: dict[str, int]
    most_rooms: int
    fences: Sequence[Fence] = ()
    places: dict[NonceKey, Place] = field(default_factory=dict)
    memberships: dict[Pair, bool] = field(default_factory=dict)
    rooms_of: dict[str, int] = field(default_factory=dict)
    messages: Messages = field(default_factory=Messages)
    uses_left: dict[Link, int] = field(default_factory=dict)
    waits: dict[Pair, bool] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def learn(self, planned: Plan) -> None:
        """The rows of the plan were taken."""
        self.heads.update(planned.heads)
        self.places.update(planned.places)
        self.memberships.update(planned.memberships)
        self.messages.learn(planned.amended)
        planned.waiting.learned(self.waits)
        for link, people in planned.spent.items():
            self.uses_left[link] = self.uses_left.get(link, 0) - people
        for room in planned.deleted:
            del self.heads[room]
        self.deleted |= planned.deleted
        for user, change in planned.moves.items():
            self.rooms_of[user] = self.rooms_of.get(user, 0) + change


class Governed(Struct):
    """What becomes of rooms and rights; of what is said of the same thing the last counts.

    Attributes
    ----------
    names
        Rooms, and the name, topic and icon of each: all of them, because one may be refused.
    rights
        As a room's row has them.
    quiet, mutes
        Until when (ms since the epoch) nobody, or somebody, may post.
    roles
        Of members who are there already.
    bans
        None: lifted.
    levels
        What of a room members want to be called for.
    """

    names: list[tuple[str, str | None, str | None, str | None]] = field(default_factory=list)
    rights: dict[str, str | None] = field(default_factory=dict)
    quiet: dict[str, int] = field(default_factory=dict)
    mutes: dict[Pair, int] = field(default_factory=dict)
    roles: dict[Pair, Role] = field(default_factory=dict)
    bans: dict[Pair, BanRow | None] = field(default_factory=dict)
    levels: dict[Pair, Level] = field(default_factory=dict)

    def __bool__(self) -> bool:
        rooms, people = self.names or self.rights or self.quiet, self.mutes or self.roles or self.bans or self.levels
        return bool(rooms or people)


class Plan(Struct):
    """Rows to write, what to answer once they are on disk, and what is known then.

    `in_doubt`: a message is denied for what it answers, whose nonce nobody looked up. If it was used before, the first
    answer is the right one.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    messages: list[MessageRow] = field(default_factory=list)
    full_messages: list[FullMessageRow] = field(default_factory=list)
    mentions: list[MentionRow] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    leaves: set[Pair] = field(default_factory=set)
    joins: dict[Pair, MemberRow] = field(default_factory=dict)
    growth: dict[str, int] = field(default_factory=dict)
    moves: dict[str, int] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    places: dict[NonceKey, Place] = field(default_factory=dict)
    memberships: dict[Pair, bool] = field(default_factory=dict)
    amended: Amendments = field(default_factory=Amendments)
    in_doubt: bool = False
    governed: Governed = field(default_factory=Governed)
    invites: list[tuple[str, InviteChange]] = field(default_factory=list)
    spent: dict[Link, int] = field(default_factory=dict)
    waiting: Waiting = field(default_factory=Waiting)
    deleted: set[str] = field(default_factory=set)
    acts: list[ActRow] = field(default_factory=list)
    expiring: list[ExpiringRow] = field(default_factory=list)
    expired: list[tuple[str, int]] = field(default_factory=list)


def plan(appends: Iterable[Append], known: Knowledge, at: int) -> Plan:
    """What `appends` would write at `at` (ms since the epoch)."""
    planned = Plan()
    for append in appends:
        planned.outcomes.append(_planned(append, planned, known, at))
    return planned


def content_digest(text: str, reply_to: int | None, thread: int | None = None) -> bytes:
    """Two messages of one nonce say the same when their digests are equal.

    Lone surrogates pass here; that text is refused by the database, on its own.
    """
    place = reply_to if thread is None else f"{reply_to} {thread}"
    return blake2b(f"{place}\0{text}".encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def _planned(append: Append, planned: Plan, known: Knowledge, at: int) -> Outcome:
    if append.room not in known.heads or append.room in planned.deleted:
        return Lost(append.ref)
    match append.draft:
        case NewMessage():
            return _message(append, append.draft, planned, known, at)
        case NewMember():
            return _member(append, append.draft, planned, known, at)
        case MemberGone():
            return _gone(append, append.draft, planned, known, at)
        case NewText() | MessageGone() | Reacting() | Pinning():
            return _changed(append, append.draft, planned, known, at)
        case ThreadSeen():
            return _thread_seen(append, append.draft, planned, known, at)
        case Renamed() | RightsSet() | RoleGiven() | Muted():
            return _room_changed(append, append.draft, planned, known, at)
        case RoomDeleted():
            planned.deleted.add(append.room)
            planned.acts += acts.of_room(append.room, append.draft, at)
            planned.heads.setdefault(append.room, known.heads[append.room])
            return Landed(append.ref, None, at)
        case LevelSet(user=user, level=level):
            planned.governed.levels[append.room, user] = level
            planned.heads.setdefault(append.room, known.heads[append.room])
            return Landed(append.ref, None, at)
        case BanLifted(user=user):
            planned.acts += acts.of_room(append.room, append.draft, at)
            planned.governed.bans[append.room, user] = None
            planned.heads.setdefault(append.room, known.heads[append.room])
            return Landed(append.ref, None, at)
        case InviteMade() | InviteRevoked() as change:
            planned.invites.append((append.room, change))
            planned.heads.setdefault(append.room, known.heads[append.room])
            return Landed(append.ref, None, at)
        case JoinAsked():
            return _asked(append, append.draft, planned, known, at)
        case JoinRefused(user=user):
            planned.waiting.ends((append.room, user))
            planned.heads.setdefault(append.room, known.heads[append.room])
            return Landed(append.ref, None, at)


def _message(append: Append, draft: NewMessage, planned: Plan, known: Knowledge, at: int) -> Outcome:
    key = (append.room, draft.author, draft.nonce)
    digest = content_digest(draft.text, draft.reply_to, draft.thread)
    first = planned.places.get(key) or known.places.get(key)
    if first is None:
        root = _target(append.room, draft.thread, planned, known)
        refusal = refusal_of_reply(draft.reply_to, _target(append.room, draft.reply_to, planned, known))
        refusal = refusal or refusal_of_thread(draft.thread, root)
        if refusal is not None:
            planned.in_doubt = True
            return Denied(append.ref, refusal)
        seq = _next_seq(append.room, planned, known)
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
    people = () if draft.mentioned is None else people_of(draft.mentioned, room, author, known.messages.members)
    planned.full_messages.append(FullMessageRow(*row, written_people(people), draft.thread))
    planned.mentions += [MentionRow(room, user, seq, author) for user in people]
    if root is not None and draft.thread is not None:
        planned.amended.targets[room, draft.thread] = counted(root, seq)
    return Landed(append.ref, seq, row.at, people)


def _member(append: Append, draft: NewMember, planned: Plan, known: Knowledge, at: int) -> Outcome:
    pair = (append.room, draft.user)
    if _is_member(pair, planned, known, unless_known=False):
        return Landed(append.ref, None, at)
    if known.rooms_of.get(draft.user, 0) + planned.moves.get(draft.user, 0) >= known.most_rooms:
        return Denied(append.ref, too_many_rooms(who_asks=draft.by is None))
    if draft.asked and planned.waiting.waits(pair, known.waits) is False:
        return Denied(append.ref, Refusal(ErrorCode.NO_SUCH_USER, "nobody of this name asks to come in"))
    if draft.invite is not None and not _spends((append.room, draft.invite), planned, known):
        return Denied(append.ref, no_such_invite())
    if draft.by is not None or draft.invite is not None:
        planned.waiting.ends(pair, must_be_there=draft.asked)
    seq = None
    if draft.logged:
        seq = _next_seq(append.room, planned, known)
        planned.entries.append(EntryRow(append.room, seq, "joined", at, draft.user, by=draft.by))
    _change(pair, planned, known, member=True)
    planned.joins[pair] = MemberRow(append.room, draft.user, draft.role, at, planned.heads[append.room])
    return Landed(append.ref, seq, at)


def _asked(append: Append, draft: JoinAsked, planned: Plan, known: Knowledge, at: int) -> Outcome:
    pair = (append.room, draft.user)
    if not (_is_member(pair, planned, known, unless_known=False) or planned.waiting.waits(pair, known.waits)):
        if not _spends((append.room, draft.invite), planned, known):
            return Denied(append.ref, no_such_invite())
        planned.waiting.begins(pair)
        planned.heads.setdefault(append.room, known.heads[append.room])
    return Landed(append.ref, None, at)


def _spends(link: Link, planned: Plan, known: Knowledge) -> bool:
    """One use, if there is any left."""
    spent = planned.spent.get(link, 0)
    if spent >= known.uses_left.get(link, UNLIMITED):
        return False
    planned.spent[link] = spent + 1
    return True


def _gone(append: Append, draft: MemberGone, planned: Plan, known: Knowledge, at: int) -> Outcome:
    pair = (append.room, draft.user)
    if draft.banned:
        planned.governed.bans[pair] = BanRow(*pair, draft.by or draft.user, draft.reason, at)
        planned.waiting.ends(pair)
        planned.heads.setdefault(append.room, known.heads[append.room])
    is_member = _is_member(pair, planned, known, unless_known=True)
    if is_member or draft.banned:
        planned.acts += acts.of_removal(append.room, draft, at)
    if not is_member:
        return Landed(append.ref, None, at)
    seq = None
    if draft.logged:
        seq = _next_seq(append.room, planned, known)
        planned.entries.append(EntryRow(append.room, seq, "left", at, draft.user, by=draft.by, reason=draft.reason))
    _change(pair, planned, known, member=False)
    planned.governed.roles.pop(pair, None)
    if planned.joins.pop(pair, None) is None:
        planned.leaves.add(pair)
    return Landed(append.ref, seq, at)


def _changed(append: Append, change: MessageChange, planned: Plan, known: Knowledge, at: int) -> Outcome:
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
    seq = _next_seq(append.room, planned, known)
    people: People = ()
    if isinstance(change, NewText) and change.mentioned is not None:
        people = people_of(change.mentioned, append.room, target.author, known.messages.members, target.mentions)
    if isinstance(change, MessageGone):
        planned.acts += acts.of_deletion(append.room, change, target.author, at)
    planned.entries.append(_row_of_change(append.room, seq, change, at, people))
    amend(change, place, target, seq, at, planned.amended, people)
    if isinstance(change, MessageGone) and target.thread is not None:
        root = _target(append.room, target.thread, planned, known)
        assert root is not None, "what is in a thread has something that began it"
        planned.amended.targets[append.room, target.thread] = one_less(root)
    return Landed(append.ref, seq, at, people)


def _thread_seen(append: Append, seen: ThreadSeen, planned: Plan, known: Knowledge, at: int) -> Outcome:
    root = _target(append.room, seen.target, planned, known)
    if root is None or root.last_reply is None:
        return Denied(append.ref, no_such_message())
    mark = append.room, seen.target, seen.by
    if seen.seq > planned.amended.marks.get(mark, known.messages.marks.get(mark, 0)):
        planned.amended.marks[mark] = seen.seq
        planned.heads.setdefault(append.room, known.heads[append.room])
    return Landed(append.ref, None, at)


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


def _room_changed(append: Append, change: RoomChange, planned: Plan, known: Knowledge, at: int) -> Outcome:
    room, governed = append.room, planned.governed
    match change:
        case Renamed(info=info):
            governed.names.append((room, info.name, info.topic, info.icon))
        case RightsSet(info=info):
            governed.rights[room] = written_rights(info.rights)
        case Muted(user=None, seconds=seconds):
            governed.quiet[room] = until(seconds, at)
        case Muted(user=str(user), seconds=seconds):
            governed.mutes[room, user] = until(seconds, at)
        case RoleGiven(user=user, role=role):
            if not _is_member((room, user), planned, known, unless_known=True):
                return Landed(append.ref, None, at)
            if (joined := planned.joins.get((room, user))) is not None:
                planned.joins[room, user] = joined._replace(role=role)
            else:
                governed.roles[room, user] = role
    seq = _next_seq(room, planned, known)
    news = written(news_of(change, at))
    planned.entries.append(EntryRow(room, seq, "room", at, change.by, news=news))
    planned.acts += acts.of_room(room, change, at, news)
    return Landed(append.ref, seq, at)


def _next_seq(room: str, planned: Plan, known: Knowledge) -> int:
    seq = planned.heads.get(room, known.heads[room]) + 1
    planned.heads[room] = seq
    return seq


def _is_member(pair: Pair, planned: Plan, known: Knowledge, *, unless_known: bool) -> bool:
    return planned.memberships.get(pair, known.memberships.get(pair, unless_known))


def _change(pair: Pair, planned: Plan, known: Knowledge, *, member: bool) -> None:
    room, user = pair
    change = 1 if member else -1
    planned.memberships[pair] = member
    planned.growth[room] = planned.growth.get(room, 0) + change
    planned.moves[user] = planned.moves.get(user, 0) + change
    planned.heads.setdefault(room, known.heads[room])
