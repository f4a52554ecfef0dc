"""Whoever was away ends with the same messages as whoever was there: random histories with random absences.

The store is the real one; what it answers is held against a model that knows nothing of logs and rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, field

from clients.timeline import Timeline
from server.protocol.mentions import EVERYBODY
from server.protocol.objects import Message, Room, User
from server.rooms.entries import entry_of
from server.store.batches import Batch, commit
from server.store.changes import MessageGone, NewText, Pinning, Reacting
from server.store.connections import snapshot
from server.store.direct import NOBODY
from server.store.history_messages import ReadHistory, ReadLog
from server.store.log_messages import Append, Denied, Draft, Landed, NewMessage, Outcome
from server.store.log_queries import read_history, read_log
from server.store.mentioning import Mentioned
from server.store.opening import Store
from server.store.pin_messages import PinsPage, ReadPins
from server.store.pin_queries import read_pins
from server.store.questions import Done
from server.store.room_messages import CreateRoom, RoomCreated
from server.store.room_queries import list_rooms
from server.store.thread_messages import ReadThreads
from server.store.thread_queries import read_threads
from server.store.user_messages import AddUser

AT = 1_750_000_000_000
EXAMPLES = 30
PEOPLE = range(3)
EMOJI = ("👍", "❤️", "🎉")
ALL = 200

_numbers = itertools.count()


class Calling(Struct, frozen=True):
    """Whom a text mentions, by their numbers."""

    names: frozenset[int]
    here: frozenset[int]
    everybody: bool
    again: bool


people = st.sampled_from(PEOPLE)
targets = st.integers(3, 9)  # the first three entries say who has come, so there is one that is no message
callings = st.none() | st.builds(
    Calling, names=st.frozensets(people), here=st.frozensets(people), everybody=st.booleans(), again=st.booleans()
)
changes = st.one_of(
    st.tuples(st.just("post"), people, callings, st.none() | targets, st.none() | st.none() | targets),
    st.tuples(st.just("edit"), people, targets, st.sampled_from(("a", "b")), callings),
    st.tuples(st.just("delete"), people, targets, st.booleans()),
    st.tuples(st.just("pin"), people, targets, st.booleans()),
    st.tuples(st.just("react"), people, targets, st.sampled_from(EMOJI), st.booleans()),
)
steps = st.one_of(
    st.tuples(st.just("commit"), st.lists(changes, min_size=1, max_size=8)),
    st.tuples(st.just("leave"), people),
    st.tuples(st.just("return"), people, st.integers(1, 5)),
    st.tuples(st.just("page"), people, st.just(ALL) | st.integers(1, 5)),
)


class Modelled(Struct):
    """A message, as people think of it."""

    author: int
    text: str | None
    reply_to: int | None = None
    thread: int | None = None
    mentions: frozenset[str] = frozenset()
    pinned: bool = False
    reactions: dict[str, set[int]] = field(default_factory=dict)


class Reader:
    """Somebody who reads as a client does: live while there, from the log on return, and pages now and then."""

    def __init__(self, history: History, user: User) -> None:
        self.history = history
        self.user = user.user
        self.timeline = Timeline(user.user)
        self.cursor = history.head
        self.is_there = True

    def catch_up(self, most: int) -> None:
        while self.cursor < self.history.head:
            question = ReadLog(
                reply_to=NOBODY, room=self.history.room, after=self.cursor, upto=self.history.head, limit=most
            )
            with snapshot(self.history.store.reading) as connection:
                page = read_log(connection, question)
            assert page.entries[0].seq == self.cursor + 1
            for entry in page.entries:
                self.timeline.take(entry)
            self.cursor += len(page.entries)
        self.is_there = True

    def read_page(self, limit: int) -> None:
        page, known = self.history.page(self.user, limit)
        self.timeline.take_page(page, known)
        pins = self.history.pins(self.user)
        self.timeline.take_pins((pin.message.seq for pin in pins.pins), pins.known)


class History:
    """A room of three people, and what each of them knows of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.users = [self._new_user() for _ in PEOPLE]
        ids = [user.user for user in self.users]
        made = self._changed(
            CreateRoom(reply_to=NOBODY, creator=ids[0], kind="group", name="x", members=tuple(ids[1:]), nonce="n")
        )
        assert isinstance(made, RoomCreated)
        self.room = made.room
        self.head = len(PEOPLE)
        self.model: dict[int, Modelled] = {}
        self.readers = [Reader(self, user) for user in self.users]

    def _new_user(self) -> User:
        user = self._changed(
            AddUser(reply_to=NOBODY, name=f"user{next(_numbers)}", display_name=None, password_hash="hash")
        )
        assert isinstance(user, User)
        return user

    def _changed(self, change: AddUser | CreateRoom) -> object:
        [answer] = commit(self.store.writing, Batch((), {}, (change,), (), ()), AT).answers
        assert isinstance(answer, Done)
        return answer.value

    def pins(self, reader: str) -> PinsPage:
        with snapshot(self.store.reading) as connection:
            return read_pins(connection, ReadPins(reply_to=NOBODY, room=self.room, reader=reader, before=None))

    def page(self, reader: str, limit: int, thread: int | None = None) -> tuple[tuple[Message, ...], int]:
        question = ReadHistory(
            reply_to=NOBODY, room=self.room, reader=reader, upto=self.head, limit=limit, thread=thread
        )
        with snapshot(self.store.reading) as connection:
            found = read_history(connection, question)
        return found.messages, found.known

    def take(self, step: tuple[object, ...]) -> None:
        match step:
            case ("commit", list(told)):
                self._commit(told)
            case ("leave", int(who)):
                self.readers[who].is_there = False
            case ("return", int(who), int(most)):
                self.readers[who].catch_up(most)
            case ("page", int(who), int(limit)):
                self.readers[who].read_page(limit)

    def _commit(self, told: list[tuple[object, ...]]) -> None:
        """What was not in the log before is not changed by the same commit: nobody knows of it then."""
        drafts = [(who, draft) for one in told for who, draft in self._draft(one)]
        if not drafts:
            return
        appends = [Append(self.room, 1, 0, ref, draft, NOBODY) for ref, (_, draft) in enumerate(drafts)]
        committed = commit(self.store.writing, Batch(appends, {self.room: self.head}, (), (), ()), AT + self.head)
        for (who, draft), outcome in zip(drafts, committed.outcomes, strict=True):
            self._landed(who, draft, outcome)

    def _draft(self, change: tuple[object, ...]) -> Iterator[tuple[int, Draft]]:
        match change:
            case ("post", int(who), calling, reply_to, thread):
                assert calling is None or isinstance(calling, Calling)
                user, nonce, mentioned = self.users[who].user, f"n{next(_numbers)}", self._mentioned(calling)
                yield who, NewMessage(user, nonce, "a", self._logged(reply_to), mentioned, self._logged(thread))
            case (_, int(who), int(target), *_) if target > self.head:
                return
            case ("edit", int(who), int(target), str(text), calling):
                assert calling is None or isinstance(calling, Calling)
                yield who, NewText(self.users[who].user, target, text, self._mentioned(calling))
            case ("delete", int(who), int(target), bool(moderates)):
                yield who, MessageGone(self.users[who].user, target, moderates)
            case ("pin", int(who), int(target), bool(on)):
                yield who, Pinning(self.users[who].user, target, on)
            case ("react", int(who), int(target), str(emoji), bool(on)):
                yield who, Reacting(self.users[who].user, target, emoji, on)

    def _logged(self, seq: object) -> int | None:
        """Rooms know how far their log reaches."""
        return seq if isinstance(seq, int) and seq <= self.head else None

    def _mentioned(self, calling: Calling | None) -> Mentioned | None:
        if calling is None:
            return None
        names = tuple(str(self.users[who].name) for who in calling.names)
        here = tuple(self.users[who].user for who in calling.here)
        return Mentioned(names, here, calling.everybody, calling.again)

    def _landed(self, who: int, draft: Draft, outcome: Outcome) -> None:
        expected = self._model(who, draft)
        if expected is None:
            assert isinstance(outcome, Denied)
            return
        assert isinstance(outcome, Landed)
        assert (outcome.seq is not None) is expected
        if outcome.seq is None:
            return
        self.head += 1
        assert outcome.seq == self.head
        entry = entry_of(self.room, draft, self.users[who], outcome.seq, outcome.at, outcome.mentions)
        for reader in self.readers:
            if reader.is_there:
                reader.timeline.take(entry)
                reader.cursor = outcome.seq

    def _model(self, who: int, draft: Draft) -> bool | None:
        """Whether anything changes; None: it is refused."""
        if isinstance(draft, NewMessage):
            if draft.reply_to is not None and not self._is_there(draft.reply_to):
                return None
            if draft.thread is not None and not self._begins_thread(draft.thread):
                return None
            mentions = self._people(who, draft.mentioned, frozenset())
            self.model[self.head + 1] = Modelled(who, draft.text, draft.reply_to, draft.thread, mentions)
            return True
        assert isinstance(draft, NewText | MessageGone | Reacting | Pinning)
        message = self.model.get(draft.target)
        match draft:
            case _ if message is None:
                return None
            case MessageGone(of_others=may):
                if who != message.author and not may:
                    return None
                changes, message.text, message.reactions = message.text is not None, None, {}
                message.reply_to, message.mentions, message.pinned = None, frozenset(), False
                return changes
            case _ if message.text is None:
                return None
            case NewText(text=text):
                if who != message.author:
                    return None
                if changes := message.text != text:
                    message.text, message.mentions = text, self._people(who, draft.mentioned, message.mentions)
                return changes
            case Pinning(on=on):
                changes, message.pinned = message.pinned is not on, on
                return changes
            case Reacting(emoji=emoji, on=on):
                reacted = message.reactions.setdefault(emoji, set())
                changes = (who in reacted) is not on
                (reacted.add if on else reacted.discard)(who)
                return changes

    def _is_there(self, seq: int) -> bool:
        message = self.model.get(seq)
        return message is not None and message.text is not None

    def _begins_thread(self, seq: int) -> bool:
        return self._is_there(seq) and self.model[seq].thread is None

    def check_threads(self) -> None:
        """Each thread has what is in it, and its count."""
        inside: dict[int, list[int]] = {}
        for seq, message in self.model.items():
            if message.thread is not None:
                inside.setdefault(message.thread, []).append(seq)
        there = {root: [seq for seq in seqs if self._is_there(seq)] for root, seqs in inside.items()}
        expected = [(root, len(there[root]), max(inside[root])) for root in inside if there[root]]
        asked = ReadThreads(reply_to=NOBODY, room=self.room, reader=self.users[0].user, limit=ALL, before=None)
        with snapshot(self.store.reading) as connection:
            found = [(each.root.seq, each.replies, each.last_seq) for each in read_threads(connection, asked).threads]
        assert found == sorted(expected, key=lambda thread: -thread[2])
        for root, seqs in inside.items():
            page, _ = self.page(self.users[0].user, ALL, thread=root)
            assert [message.seq for message in page] == seqs

    def _people(self, author: int, mentioned: Mentioned | None, before: frozenset[str]) -> frozenset[str]:
        """Whom a text mentions, by the rules of it."""
        if mentioned is None:
            return frozenset()
        if mentioned.everybody or (mentioned.again and EVERYBODY in before):
            return frozenset({EVERYBODY})
        named = {user.user for user in self.users if user.name in mentioned.names}
        again = before if mentioned.again else frozenset()
        return frozenset(named | {*mentioned.here} | again) - {self.users[author].user}

    def check_counts(self) -> None:
        """What each has before them, whatever was edited and deleted since they have read."""
        for who, user in enumerate(self.users):
            [room] = [each for each in self._rooms(user.user) if each.room == self.room]
            others = [m for seq, m in self.model.items() if seq > who and m.author != who and m.text is not None]
            mentioning = [m for m in others if {user.user, EVERYBODY} & m.mentions]
            assert (room.unread, room.mentions) == (len(others), len(mentioning))

    def _rooms(self, user: str) -> list[Room]:
        with snapshot(self.store.reading) as connection:
            return list_rooms(connection, [user])[user]

    def check(self) -> None:
        for who, reader in enumerate(self.readers):
            reader.catch_up(3)
            page, _ = self.page(reader.user, ALL)
            assert {message.seq: self._as_modelled(message) for message in page} == {
                seq: self._expected(who, message) for seq, message in self.model.items()
            }
            assert list(reader.timeline) == list(page)
            pinned = {seq for seq, message in self.model.items() if message.pinned}
            assert reader.timeline.pinned == pinned == {pin.message.seq for pin in self.pins(reader.user).pins}

    def _as_modelled(self, message: Message) -> tuple[object, ...]:
        reactions = {(each.emoji, each.count, each.me) for each in message.reactions or ()}
        mentions = frozenset(message.mentions)
        return message.from_.user, message.text, message.deleted, reactions, message.reply_to, message.thread, mentions

    def _expected(self, who: int, message: Modelled) -> tuple[object, ...]:
        reactions = {(emoji, len(by), who in by) for emoji, by in message.reactions.items() if by}
        is_gone = message.text is None
        author = self.users[message.author].user
        return author, message.text, is_gone, reactions, message.reply_to, message.thread, message.mentions


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(steps, min_size=10, max_size=30))
def test_who_was_away_and_who_was_there_end_with_the_same(store: Store, history: list[tuple[object, ...]]) -> None:
    told = History(store)
    for step in history:
        told.take(step)
    told.check()
    told.check_counts()
    told.check_threads()
