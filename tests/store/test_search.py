"""Searches in a real database: what is found, by whom, and when; in the index and in what is not in it yet."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.store.changes import MessageGone, NewText
from server.store.log_messages import Landed, MemberGone
from server.store.opening import Store
from server.store.search_messages import FindTails, IndexTails, Tails
from server.store.searching import _tail
from tests.store.desk import Desk, Room
from tests.store.finder import Finder


@pytest.fixture(params=["index", "tail"])
def is_indexed(request: pytest.FixtureRequest) -> bool:
    """Whether what was said is in the index, or still behind it: nobody may see a difference."""
    return bool(request.param == "index")


async def test_all_words_have_to_be_there_and_the_newest_comes_first(desk: Desk, *, is_indexed: bool) -> None:
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    await talk.said(room, ann, "Red apples, green pears", "green APPLES", "pears only", "ápplés are gréen")
    if is_indexed:
        assert await talk.indexed(room) == 4
    assert await talk.texts(ann, "apples green") == ["ápplés are gréen", "green APPLES", "Red apples, green pears"]
    assert await talk.texts(ann, '"green apples"') == ["green APPLES"]
    assert await talk.texts(ann, "app*") == await talk.texts(ann, "apples")
    assert await talk.texts(ann, "ap*") == []
    assert await talk.texts(ann, "apple") == []
    assert await talk.texts(ann, "pears -only") == ["pears only"]


async def test_whatever_is_asked_for_is_text(desk: Desk, *, is_indexed: bool) -> None:
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    queries = [
        'a" OR "b', "room:x", "NEAR(c d)", "e AND NOT f", "'; DROP TABLE g", "& | ! h", "i\\", "{j}:k", "l:*", "-m",
    ]  # fmt: skip
    await talk.said(room, ann, *(f"look: {query} here" for query in queries))
    if is_indexed:
        await talk.indexed(room)
    for query in queries:
        assert await talk.texts(ann, query) == [f"look: {query} here"]


async def test_languages_without_spaces_are_found(desk: Desk, *, is_indexed: bool) -> None:
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    texts = ["我们明天去北京吃烤鸭", "東京タワーへ行きました", "학교에서 만나요", "สวัสดีชาวโลก", "👋 hello"]
    await talk.said(room, ann, *texts)
    if is_indexed:
        await talk.indexed(room)
    for query, text in [
        ("北京", texts[0]), ("去北京吃", texts[0]), ("鸭", texts[0]), ("明天 烤鸭", texts[0]), ("タワー", texts[1]),
        ("학교", texts[2]), ("ชาว", texts[3]), ("👋", texts[4]),
    ]:  # fmt: skip
        assert await talk.texts(ann, query) == [text], query
    assert await talk.texts(ann, "京北") == []


async def test_only_members_find_anything(desk: Desk, *, is_indexed: bool) -> None:
    talk = Finder(desk)
    ann, bob, eve = [await desk.user(name) for name in ("ann", "bob", "eve")]
    ours, hers = await talk.room(ann, bob), await talk.room(ann)
    [seq] = await talk.said(ours, ann, "a secret")
    [own] = await talk.said(hers, ann, "another secret")
    if is_indexed:
        await talk.indexed(ours, hers)
    assert await talk.found(ann, "secret") == [(hers.room, own), (ours.room, seq)]
    assert await talk.found(bob, "secret") == [(ours.room, seq)]
    assert await talk.found(eve, "secret") == []
    for reader, room in ((eve, ours), (bob, hers)):
        with pytest.raises(Refusal) as refused:
            await talk.found(reader, "secret", room=room.room)
        assert refused.value.code is ErrorCode.NO_SUCH_ROOM
    await talk.changed(ours, MemberGone(bob))
    assert await talk.found(bob, "secret") == []


async def test_somebody_in_many_rooms_finds_what_is_rare_and_what_is_common(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are looked for by their words; and fewer candidates than there are messages that others find."""
    monkeypatch.setattr("server.store.full_text.FEW_ROOMS", 2)
    monkeypatch.setattr("server.store.full_text.CANDIDATES", 5)
    talk = Finder(desk)
    ann, bob = await desk.user("ann"), await desk.user("bob")
    mine = [await talk.room(ann, name=f"room {n}") for n in range(4)]
    theirs = await talk.room(bob)
    places = [(room.room, (await talk.said(room, ann, f"common {n}"))[0]) for n, room in enumerate(mine)]
    [rare] = await talk.said(mine[0], ann, "rare")
    await talk.said(theirs, bob, *("common" for _ in range(10)))
    await talk.indexed(*mine, theirs)
    assert await talk.found(ann, "common") == places[::-1]
    assert await talk.found(ann, "rare") == [(mine[0].room, rare)]
    assert await talk.found(ann, "nothing") == []


async def test_edits_and_deletions_count_at_once(desk: Desk, *, is_indexed: bool) -> None:
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    first, second = await talk.said(room, ann, "before it", "as well before")
    if is_indexed:
        await talk.indexed(room)
    await talk.changed(room, NewText(ann, first, "afterwards"))
    assert await talk.found(ann, "before") == [(room.room, second)]
    [hit] = (await talk.page(ann, "afterwards")).hits
    assert (hit.seq, hit.edited_at is not None) == (first, True)
    await talk.changed(room, NewText(ann, first, "before, again"))
    assert await talk.found(ann, "before") == [(room.room, second), (room.room, first)]
    await talk.changed(room, MessageGone(ann, first))
    await talk.changed(room, MessageGone(ann, second))
    assert await talk.found(ann, "before") == []
    await talk.indexed(room)
    assert await talk.found(ann, "before") == []


async def test_a_change_that_is_refused_changes_nothing_there(desk: Desk) -> None:
    """Tried with all others first, and then alone: the index as well."""
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    first, second = await talk.said(room, ann, "one thing", "another thing")
    await talk.indexed(room)
    room.append(NewText(ann, first, "broken \ud800"))
    room.append(NewText(ann, second, "a good thing"))
    await room.ear.outcomes_of(4)
    assert await talk.texts(ann, "thing") == ["a good thing", "one thing"]


async def pages(
    talk: Finder, reader: str, query: str, limit: int, between: Sequence[Room] = ()
) -> list[tuple[str, int]]:
    found, cursor = [], None
    while True:
        page = await talk.page(reader, query, limit=limit, next=cursor)
        found += [(hit.room, hit.seq) for hit in page.hits]
        assert len(page.hits) <= limit
        cursor = page.next
        if cursor is None:
            return found
        await talk.indexed(*between)


@pytest.mark.parametrize("step", [0, 1])
async def test_pages_have_every_hit_once_also_while_it_is_indexed(desk: Desk, step: int) -> None:
    """Also where all was said in one moment, and half of it is in the index."""
    talk = Finder(desk)
    ann = await desk.user("ann")
    rooms = [await talk.room(ann, name=f"room {n}") for n in range(3)]
    expected = set()
    for turn in range(10):
        for room in rooms:
            desk.now += step
            outcome = await room.said(ann, f"m{turn}", f"word {turn}")
            assert isinstance(outcome, Landed)
            expected.add((room.room, outcome.seq))
        if turn == 4:
            await talk.indexed(*rooms)
    whole = await talk.found(ann, "word")
    assert (len(whole), set(whole)) == (30, expected)
    for limit in (1, 4, 7):
        assert await pages(talk, ann, "word", limit) == whole
    assert await pages(talk, ann, "word", 4, rooms) == whole
    assert await talk.found(ann, "word") == whole


async def test_by_author_and_by_time(desk: Desk, *, is_indexed: bool) -> None:
    talk = Finder(desk)
    ann, bob = await desk.user("ann"), await desk.user("bob")
    room = await talk.room(ann, bob)
    [one] = await talk.said(room, ann, "a word")
    middle = desk.now + 1
    [two] = await talk.said(room, bob, "a word")
    if is_indexed:
        await talk.indexed(room)
    assert await talk.found(ann, "word", author="bob") == [(room.room, two)]
    assert await talk.found(ann, "word", author=ann) == [(room.room, one)]
    assert await talk.found(ann, "word", before=middle) == [(room.room, one)]
    assert await talk.found(ann, "word", after=middle) == [(room.room, two)]
    assert await talk.found(ann, "word", after=middle, before=middle) == []
    with pytest.raises(Refusal) as refused:
        await talk.found(ann, "word", author="nobody")
    assert refused.value.code is ErrorCode.NO_SUCH_USER


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.r", "1.r.x", ".r.1", "99999999999999999999.r.1", "1.ä.1"])
async def test_a_cursor_that_was_never_given(desk: Desk, cursor: str) -> None:
    ann = await desk.user("ann")
    with pytest.raises(Refusal) as refused:
        await Finder(desk).page(ann, "word", next=cursor)
    assert refused.value.code is ErrorCode.BAD_REQUEST


async def test_a_database_without_an_index_is_taken_in_bit_by_bit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.store.search_index.ENTRIES_AT_ONCE", 3)
    monkeypatch.setattr("server.store.search_index.ROOMS_AT_ONCE", 2)
    talk = Finder(desk)
    ann = await desk.user("ann")
    rooms = [await talk.room(ann, name=f"room {n}") for n in range(4)]
    for room in rooms[:3]:
        await talk.said(room, ann, *(f"word {n}" for n in range(5)))
    tails = await desk.read(FindTails, after="")
    assert isinstance(tails, Tails)
    assert sorted(tails.rooms) == sorted(room.room for room in rooms[:3]), "where nothing was said nothing is behind"
    left: tuple[str, ...] = tails.rooms
    steps = 0
    while left:
        left = (await desk.write(IndexTails, rooms=left)).left
        steps += 1
        assert len(await talk.found(ann, "word")) == 15
    assert steps >= 5
    assert (await desk.read(FindTails, after="")).rooms == ()


async def test_more_is_behind_than_a_search_reads(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.store.searching.TAIL", 3)
    talk = Finder(desk)
    ann, bob = await desk.user("ann"), await desk.user("bob")
    room, other = await talk.room(ann), await talk.room(bob)
    await talk.said(room, ann, "one", "two", "three", "four")
    with pytest.raises(Refusal) as refused:
        await talk.found(ann, "one")
    assert (refused.value.code, refused.value.retry_after) == (ErrorCode.UNAVAILABLE, 5_000)
    await talk.said(other, bob, "one")
    assert len(await talk.found(bob, "one")) == 1, "what others said does not matter"


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_search_that_takes_too_long_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Finder(desk)
    ann = await desk.user("ann")
    room = await talk.room(ann)
    await talk.said(room, ann, "a word")
    await talk.indexed(room)
    with monkeypatch.context() as patched:
        patched.setattr("server.store.full_text.MOST_SECONDS", -1.0)
        patched.setattr("server.store.full_text._CALLS_OF_A_LOOK", 1)
        with pytest.raises(Refusal) as refused:
            await talk.found(ann, "word")
        assert refused.value.code is ErrorCode.UNAVAILABLE
    assert len(await talk.found(ann, "word")) == 1


@pytest.mark.parametrize("engine", ["sqlite"])
def test_of_a_log_only_the_tail_is_read(store: Store) -> None:
    """A filter in place of a range would read all that was ever said in one's rooms."""
    wanted = _tail.params(reader="u", rooms=["r"])
    with store.reading.begin() as connection:
        statement = wanted.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert "SEARCH entries USING PRIMARY KEY (room_id=? AND seq>?)" in plan
