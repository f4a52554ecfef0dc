"""Who gets which entry: live, behind, and live again."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from actors import Address
from server.protocol.entries import Entry, Left, MessageEntry
from server.protocol.objects import User
from server.protocol.replies import Resumed
from server.sessions.feed import FULL_WEIGHT, PAGE_ENTRIES, Feed
from server.sessions.feed_effects import AwaitDrained, FeedEffect, GiveUp, ReadOn, Send
from server.sessions.opening import Start

ROOM, OTHER = "r_ONE", "r_TWO"
TAB, PHONE = cast("Address", "tab"), cast("Address", "phone")


def entries(after: int, upto: int, length: int = 1) -> list[Entry]:
    ann = User(user="u_ann", name="ann")
    return [
        MessageEntry(seq=seq, room=ROOM, from_=ann, text="x" * length, at="", reactions=())
        for seq in range(after + 1, upto + 1)
    ]


def feed(head: int = 10, *connections: Address) -> Feed:
    made = Feed()
    made.follow(ROOM, head, asker=None, others_from=head)
    for connection in connections or (TAB,):
        assert made.opened(connection, {ROOM: Start(head)}) == []
    return made


def sent(effects: list[FeedEffect]) -> list[int]:
    return [e.seq for s in effects if isinstance(s, Send) for e in s.events if isinstance(e, MessageEntry)]


def test_who_keeps_up_gets_what_comes() -> None:
    one = feed(10, TAB, PHONE)
    assert list(one.delivered(ROOM, 11, 12)) == [TAB, PHONE]
    assert list(one.delivered(ROOM, 11, 12)) == [], "what was seen is dropped"
    assert list(one.delivered("r_STRANGE", 1, 1)) == []


def test_a_gap_makes_everyone_fall_behind_where_it_begins() -> None:
    one = feed(10)
    assert list(one.delivered(ROOM, 13, 14)) == []
    assert one.go_on() == [ReadOn(TAB, ROOM, 10, 14)]


def test_live_entries_wait_for_the_recovery() -> None:
    one = Feed()
    one.follow(ROOM, 10, asker=None, others_from=10)
    assert one.opened(TAB, {ROOM: Start(7, resumed=True)}) == [ReadOn(TAB, ROOM, 7, 10)]
    assert list(one.delivered(ROOM, 11, 11)) == []
    effects = one.page(TAB, ROOM, entries(7, 10))
    assert sent(effects) == [8, 9, 10]
    assert effects[-1] == ReadOn(TAB, ROOM, 10, 11)
    effects = one.page(TAB, ROOM, entries(10, 11))
    assert sent(effects) == [11]
    assert effects[-1] == Send(TAB, [Resumed(room=ROOM, recovered=True, from_=8, to=11, last_seq=11)])
    assert list(one.delivered(ROOM, 12, 12)) == [TAB]


def test_a_resume_that_misses_nothing_ends_at_once() -> None:
    one = Feed()
    one.follow(ROOM, 10, asker=None, others_from=10)
    [said] = one.opened(TAB, {ROOM: Start(10, resumed=True)})
    assert said == Send(TAB, [Resumed(room=ROOM, recovered=True, from_=11, to=10, last_seq=10)])


def test_rooms_are_caught_up_one_after_the_other() -> None:
    one = feed(10)
    one.follow(OTHER, 5, asker=None, others_from=3)
    assert one.reaches(ROOM, 12) == [], "a page of another room is being read"
    assert sent(one.page(TAB, OTHER, entries(3, 5))) == [4, 5]
    assert one.page(TAB, ROOM, entries(10, 12))[0] == Send(TAB, entries(10, 12))


def test_a_full_socket_gets_nothing_until_it_has_drained() -> None:
    one = feed(10, TAB, PHONE)
    assert one.congested(TAB) == [AwaitDrained(TAB)]
    assert one.congested(TAB) == [], "asked once"
    assert list(one.takes_passing()) == [PHONE]
    assert list(one.delivered(ROOM, 11, 11)) == [PHONE]
    assert list(one.delivered(ROOM, 12, 12)) == [PHONE]
    assert one.go_on() == []
    assert one.drained(TAB) == [ReadOn(TAB, ROOM, 10, 12)]


def test_a_page_that_comes_when_the_socket_is_full_is_read_again() -> None:
    one = feed(10)
    assert one.reaches(ROOM, 12) == [ReadOn(TAB, ROOM, 10, 12)]
    one.congested(TAB)
    assert one.page(TAB, ROOM, entries(10, 12)) == []
    assert one.drained(TAB) == [ReadOn(TAB, ROOM, 10, 12)]


def test_after_a_full_page_the_socket_has_to_drain() -> None:
    one = feed(10)
    one.reaches(ROOM, 500)
    effects = one.page(TAB, ROOM, entries(10, 10 + PAGE_ENTRIES))
    assert effects[-1] == AwaitDrained(TAB)
    assert one.drained(TAB) == [ReadOn(TAB, ROOM, 10 + PAGE_ENTRIES, 500)]


def test_long_texts_make_short_pages() -> None:
    one = feed(10)
    one.reaches(ROOM, 500)
    effects = one.page(TAB, ROOM, entries(10, 110, length=4_000))
    assert sent(effects) == [11, 12, 13, 14, 15]
    weight = sum(300 + 4_000 for _ in sent(effects))
    assert weight < FULL_WEIGHT
    assert effects[-1] == ReadOn(TAB, ROOM, 15, 500)


def test_a_delivery_that_was_not_taken_is_read_from_the_log() -> None:
    one = feed(10, TAB, PHONE)
    one.delivered(ROOM, 11, 12)
    assert one.missed(TAB, ROOM, 11) == [AwaitDrained(TAB)]
    assert one.drained(TAB) == [ReadOn(TAB, ROOM, 10, 12)]


def test_a_log_with_a_gap_ends_the_connection() -> None:
    one = feed(10, TAB, PHONE)
    one.reaches(ROOM, 12)
    assert one.page(TAB, ROOM, []) == [GiveUp(TAB)]
    assert one.page(PHONE, ROOM, entries(11, 12)) == [GiveUp(PHONE)]
    assert list(one.delivered(ROOM, 13, 13)) == []


def test_a_room_that_was_lost_is_over_for_everyone() -> None:
    one = feed(10, TAB, PHONE)
    one.congested(PHONE)
    one.delivered(ROOM, 11, 11)
    left = Left(room=ROOM, user="u_ann", seq=12, at="now")
    assert one.left(ROOM, left) == [Send(TAB, [left]), Send(PHONE, [Left(room=ROOM, user="u_ann")])]
    assert not one.follows(ROOM)
    assert list(one.delivered(ROOM, 13, 13)) == []
    assert one.left(ROOM, left) == []
    assert one.page(PHONE, ROOM, entries(10, 12)) == [], "a page of it comes too late"


def test_leaving_behind_a_gap_is_told_without_its_place() -> None:
    one = feed(10)
    left = Left(room=ROOM, user="u_ann", seq=13, at="now")
    assert one.left(ROOM, left) == [Send(TAB, [Left(room=ROOM, user="u_ann")])]


def test_who_made_a_room_knows_it_and_the_others_learn_of_it() -> None:
    one = feed(10, TAB, PHONE)
    assert one.follow(OTHER, 3, asker=TAB, others_from=0) == [ReadOn(PHONE, OTHER, 0, 3)]
    assert (one.cursor(TAB, OTHER), one.cursor(PHONE, OTHER)) == (3, 0)


def test_a_page_that_fails_is_tried_again() -> None:
    one = feed(10)
    one.reaches(ROOM, 11)
    one.page_failed(TAB, ROOM)
    assert one.go_on() == [ReadOn(TAB, ROOM, 10, 11)]


@given(st.lists(st.sampled_from(["entry", "burst lost", "full", "drained", "page", "page fails"]), max_size=60))
def test_whatever_happens_a_connection_gets_each_entry_once_and_in_order(steps: list[str]) -> None:
    one = feed(0)
    heard: list[int] = []
    asked: list[ReadOn] = []
    head = 0

    def note(effects: list[FeedEffect]) -> None:
        heard.extend(sent(effects))
        asked.extend(effect for effect in effects if isinstance(effect, ReadOn))
        assert len(asked) <= 1, "one page at a time"

    for step in [*steps, *["drained", "page"] * 200]:
        match step:
            case "entry":
                head += 1
                if one.delivered(ROOM, head, head):
                    heard.append(head)
                note(one.go_on())
            case "burst lost":
                head += 3
                note(one.reaches(ROOM, head))
            case "full":
                note(one.congested(TAB))
            case "drained":
                note(one.drained(TAB))
            case "page" if asked:
                page = asked.pop()
                note(one.page(TAB, ROOM, entries(page.after, min(page.upto, page.after + 2))))
            case "page fails" if asked:
                page = asked.pop()
                one.page_failed(page.connection, page.room)
                note(one.go_on())
    assert heard == list(range(1, head + 1))
