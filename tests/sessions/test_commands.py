"""The queue of a room's commands: what may go when, and in which order replies leave."""

from __future__ import annotations

from itertools import count
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from actors import Address
from server.pacing import rate_limited
from server.protocol.commands import AnyCommand
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.message_commands import Post
from server.protocol.page_commands import History
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Join, Leave, Rooms
from server.rooms.holds import HOLD_SECONDS
from server.sessions.commands import Answered, Begin, CommandEffect, Commands

ROOM = "r_ONE"
TAB = cast("Address", object())


class Desk:
    """Commands with a clock of its own; remembers what has begun and what was replied."""

    def __init__(self) -> None:
        self.commands = Commands(10.0)
        self.now = 0.0
        self.refs = count(1)
        self.begun: list[str] = []
        self.replied: list[str] = []

    def say(
        self,
        name: str,
        command: type[AnyCommand] = Post,
        room: str | None = ROOM,
        refusal: Refusal | None = None,
    ) -> int:
        ref = next(self.refs)
        fields: dict[str, object] = {"id": name}
        if command in (Post, History, Leave):
            fields["room"] = room
        if command is Post:
            fields |= {"nonce": name, "text": name}
        self.note(self.commands.said(ref, TAB, command(**fields), room, self.now, refusal))  # type: ignore[arg-type]
        return ref

    def note(self, effects: list[CommandEffect]) -> None:
        for effect in effects:
            match effect:
                case Begin(open=opened):
                    self.begun.append(str(opened.command.id))
                case Answered(reply=reply):
                    mark = "" if isinstance(reply, Ok) else "!"
                    self.replied.append(f"{mark}{reply.id}")

    def ok(self, ref: int, name: str) -> None:
        self.note(self.commands.answered(ref, Ok(id=name), self.now))

    def refuse(self, ref: int, name: str) -> None:
        error = Error(id=name, code=ErrorCode.UNAVAILABLE, message="")
        self.note(self.commands.answered(ref, error, self.now))


def test_posts_are_begun_one_behind_the_other() -> None:
    desk = Desk()
    for name in "abc":
        desk.say(name)
    assert desk.begun == ["a", "b", "c"]


def test_replies_leave_in_the_order_of_the_commands() -> None:
    desk = Desk()
    a, b, c = [desk.say(name) for name in "abc"]
    desk.ok(c, "c")
    desk.ok(b, "b")
    assert desk.replied == []
    desk.ok(a, "a")
    assert desk.replied == ["a", "b", "c"]
    assert len(desk.commands) == 0


def test_another_command_waits_for_posts_and_posts_wait_for_it() -> None:
    desk = Desk()
    a, h, b = desk.say("a"), desk.say("h", History), desk.say("b")
    assert desk.begun == ["a"]
    desk.ok(a, "a")
    assert desk.begun == ["a", "h"]
    desk.ok(h, "h")
    assert desk.begun == ["a", "h", "b"]
    desk.ok(b, "b")
    assert desk.replied == ["a", "h", "b"]


def test_rooms_do_not_wait_for_each_other() -> None:
    desk = Desk()
    desk.say("h", History)
    desk.say("x", History, "r_TWO")
    desk.say("rooms", Rooms, None)
    assert desk.begun == ["h", "x", "rooms"]


def test_a_join_by_name_queues_up_when_its_room_is_known() -> None:
    desk = Desk()
    j = desk.say("j", Join, None)
    desk.say("h", History)
    assert desk.begun == ["j", "h"], "the name has to be looked up"
    desk.note(desk.commands.concerning(j, ROOM, desk.now))
    assert desk.begun == ["j", "h"]
    desk.ok(2, "h")
    assert desk.begun == ["j", "h", "j"]


def test_a_refused_post_takes_along_what_waits_behind_it() -> None:
    desk = Desk()
    desk.commands.block(ROOM)
    for name in "abc":
        desk.say(name)
    desk.note(desk.commands.refused(1, unavailable(), desk.now))
    assert desk.replied == ["!a", "!b", "!c"]
    desk.note(desk.commands.unblock(ROOM, desk.now))
    assert desk.begun == []
    desk.say("d")
    assert desk.replied[3:] == ["!d"], "until the first one is sent again"
    for name in "abcd":
        desk.say(name)
    assert desk.begun == ["a", "b", "c", "d"]


def test_posts_that_could_not_be_sent_are_refused_together() -> None:
    desk = Desk()
    for name in "abc":
        desk.say(name)
    desk.note(desk.commands.not_taken(2, unavailable(), desk.now))
    assert desk.replied == [], "the first one is under way"
    desk.ok(1, "a")
    assert desk.replied == ["a", "!b", "!c"]


def test_a_crash_answers_what_was_begun_and_keeps_what_was_not() -> None:
    desk = Desk()
    desk.say("h", History)
    desk.say("i", History)
    desk.commands.block(ROOM)
    desk.note(desk.commands.room_crashed(ROOM, desk.now))
    assert (desk.begun, desk.replied) == (["h"], ["!h"])
    desk.note(desk.commands.unblock(ROOM, desk.now))
    assert desk.begun == ["h", "i"]


def test_what_a_room_at_rest_never_saw_is_begun_again() -> None:
    desk = Desk()
    for name in "ab":
        desk.say(name)
    desk.ok(2, "b")
    desk.note(desk.commands.room_rested(ROOM, desk.now))
    assert desk.begun == ["a", "b", "a"]


def test_a_quarantined_room_refuses_everything_with_its_time() -> None:
    desk = Desk()
    desk.commands.block(ROOM)
    desk.say("h", History)
    desk.say("a")
    effects = desk.commands.room_unavailable(ROOM, unavailable(7_000), desk.now)
    assert [cast("Answered", e).reply for e in effects] == [
        Error(id=name, code=ErrorCode.UNAVAILABLE, message=unavailable().message, retry_after=7_000)
        for name in ("h", "a")
    ]


def test_every_command_is_answered_in_its_time() -> None:
    desk = Desk()
    desk.say("h", History)
    desk.now = 4.0
    desk.say("a")
    desk.say("rooms", Rooms, None)
    assert desk.commands.next_deadline == 10.0
    desk.note(desk.commands.expire(9.9))
    assert desk.replied == []
    desk.now = 10.0
    desk.note(desk.commands.expire(10.0))
    assert (desk.replied, desk.begun[-1]) == (["!h"], "a")
    desk.note(desk.commands.expire(14.0))
    assert desk.replied == ["!h", "!a", "!rooms"]
    desk.ok(2, "a")
    assert len(desk.replied) == 3, "what comes of it later is nobody's business"
    assert len(desk.commands) == 0
    assert not desk.commands.concerns(ROOM)


def test_a_refusal_for_another_reason_holds_nobody() -> None:
    desk = Desk()
    desk.say("a")
    desk.note(desk.commands.refused(1, Refusal(ErrorCode.TOO_LONG, ""), desk.now))
    desk.say("b")
    assert desk.begun == ["a", "b"]


@given(
    st.lists(st.booleans(), min_size=1, max_size=12).flatmap(
        lambda kinds: st.tuples(st.just(kinds), st.permutations(range(len(kinds))))
    )
)
def test_whatever_the_room_answers_first_the_order_is_kept(case: tuple[list[bool], list[int]]) -> None:
    kinds, order = case
    desk = Desk()
    names = [str(n) for n in range(len(kinds))]
    for name, is_post in zip(names, kinds, strict=True):
        desk.say(name, Post if is_post else History)
    for _ in names:
        for n in order:
            if names[n] in desk.begun:
                before = len(desk.begun)
                desk.ok(n + 1, names[n])
                assert len(desk.begun) == len(set(desk.begun)) >= before
    assert desk.replied == names
    assert desk.begun == names


def test_what_came_too_early_is_refused_in_its_turn_and_so_are_the_posts_behind_it() -> None:
    desk = Desk()
    first = desk.say("a")
    desk.say("b", refusal=rate_limited(1.0))
    desk.say("c")
    desk.say("anything", Rooms, room=None, refusal=rate_limited(1.0))
    assert desk.begun == ["a"]
    assert desk.replied == ["!anything"], "a reply about a room waits for those before it"
    desk.ok(first, "a")
    assert desk.replied == ["!anything", "a", "!b", "!c"]
    for name in "bc":
        desk.say(name)
    assert desk.begun == ["a", "b", "c"], "sent again, in order"


def test_a_leave_that_came_too_early_is_not_done() -> None:
    desk = Desk()
    desk.say("l", Leave, refusal=rate_limited(1.0))
    assert desk.begun == []
    assert desk.replied == ["!l"]
    desk.say("p")
    assert desk.begun == ["p"]


def test_a_refused_post_that_never_comes_again_is_forgotten() -> None:
    desk = Desk()
    desk.say("a", refusal=rate_limited(1.0))
    assert (desk.commands.holds_back, desk.commands.are_forgotten) == (True, False)
    desk.now = HOLD_SECONDS
    desk.note(desk.commands.expire(desk.now))
    assert (desk.commands.holds_back, desk.commands.are_forgotten) == (False, True)
