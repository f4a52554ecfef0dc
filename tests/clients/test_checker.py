"""The checker names each kind of broken promise, and finds nothing in an honest history, whatever that is."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.checker import Checker
from clients.facts import (
    Acknowledged,
    Began,
    CaughtUp,
    Closed,
    Delivered,
    Fact,
    Followed,
    GapTold,
    LookedAway,
    Posted,
    Refused,
    Shown,
    Stored,
)
from clients.findings import Finding, Kind

ROOM = "r_1"


def judge(*facts: Fact) -> list[Finding]:
    checker = Checker()
    for fact in facts:
        checker.feed(fact)
    return checker.findings()


def kinds(*facts: Fact) -> set[Kind]:
    return {finding.kind for finding in judge(*facts)}


def posted(nonce: str, connection: str = "c1", at: float = 0.0) -> Posted:
    return Posted("ann", ROOM, nonce, f"text of {nonce}", connection, at)


def ok(nonce: str, seq: int, duplicate: bool = False) -> Acknowledged:
    return Acknowledged("ann", ROOM, nonce, seq, duplicate)


def stored(nonce: str, seq: int) -> Stored:
    return Stored(ROOM, seq, "ann", nonce, f"text of {nonce}")


def delivered(nonce: str, seq: int, reader: str = "bob") -> Delivered:
    return Delivered(reader, ROOM, seq, "ann", nonce, f"text of {nonce}")


TWO_HONEST_POSTS = (posted("a"), posted("b"), ok("a", 1), ok("b", 2), stored("a", 1), stored("b", 2))


# --- each kind, by a minimal example -------------------------------------------------------------------------


def test_an_honest_talk_has_no_finding() -> None:
    assert judge(*TWO_HONEST_POSTS, Began("bob", ROOM, 0), delivered("a", 1), delivered("b", 2)) == []


def test_an_acknowledged_post_that_is_not_in_the_log_is_lost() -> None:
    (finding,) = judge(posted("a"), ok("a", 1))
    assert finding == Finding(Kind.LOST, ROOM, (ok("a", 1),))


def test_a_post_without_an_answer_may_be_in_the_log_or_not() -> None:
    assert judge(posted("a")) == []
    assert judge(posted("a"), stored("a", 1)) == []


def test_one_nonce_in_the_log_twice() -> None:
    (finding,) = judge(posted("a"), ok("a", 1), stored("a", 1), stored("a", 2))
    assert finding == Finding(Kind.STORED_TWICE, ROOM, (stored("a", 1), stored("a", 2)))


def test_the_same_nonce_in_another_room_is_another_post() -> None:
    there = replace(posted("a"), room="r_2")
    assert judge(posted("a"), there, stored("a", 1), replace(stored("a", 1), room="r_2")) == []


def test_one_reader_gets_an_entry_twice() -> None:
    (finding,) = judge(*TWO_HONEST_POSTS, delivered("a", 1), delivered("a", 1))
    assert finding.kind is Kind.DELIVERED_TWICE


def test_two_readers_get_an_entry_once_each() -> None:
    assert judge(*TWO_HONEST_POSTS, delivered("a", 1), delivered("a", 1, reader="cem")) == []


def test_a_delivered_entry_that_a_crash_took_back_is_a_phantom() -> None:
    assert kinds(posted("a"), delivered("a", 1)) == {Kind.PHANTOM}


def test_content_nobody_posted_is_forged_wherever_it_is_seen() -> None:
    assert kinds(stored("a", 1)) == {Kind.FORGED}
    other = replace(stored("a", 1), content="something else")
    assert judge(posted("a"), other) == [Finding(Kind.FORGED, ROOM, (other, posted("a")))]
    assert Kind.FORGED in kinds(posted("a"), stored("a", 1), replace(delivered("a", 1), content="something else"))


def test_an_entry_that_comes_late_is_disorder() -> None:
    began = Began("bob", ROOM, 0)
    assert Kind.DISORDER in kinds(*TWO_HONEST_POSTS, began, delivered("b", 2), delivered("a", 1))


def test_an_entry_from_before_the_reader_began_is_disorder() -> None:
    assert kinds(*TWO_HONEST_POSTS, Began("bob", ROOM, 1), delivered("a", 1)) == {Kind.DISORDER}


def test_a_skipped_entry_is_a_gap_unless_it_was_told() -> None:
    facts = (*TWO_HONEST_POSTS, Began("bob", ROOM, 0))
    (finding,) = judge(*facts, delivered("b", 2))
    assert finding == Finding(Kind.SILENT_GAP, ROOM, (Began("bob", ROOM, 0), delivered("b", 2)))
    assert judge(*facts, GapTold("bob", ROOM, 1), delivered("b", 2)) == []


def test_who_was_told_that_all_came_must_have_it_all() -> None:
    facts = (*TWO_HONEST_POSTS, Began("bob", ROOM, 0), delivered("a", 1))
    assert kinds(*facts, CaughtUp("bob", ROOM, 2)) == {Kind.SILENT_GAP}
    assert judge(*facts, delivered("b", 2), CaughtUp("bob", ROOM, 2)) == []


def test_a_range_and_what_was_in_it_stand_for_each_delivery() -> None:
    shown = [Shown("bob", ROOM, seq, "ann", nonce, f"text of {nonce}") for nonce, seq in (("b", 2), ("a", 1))]
    facts = (*TWO_HONEST_POSTS, *shown, Began("bob", ROOM, 0), Followed("bob", ROOM, 0, 2, readers=100))
    assert judge(*facts, CaughtUp("bob", ROOM, 2)) == []
    assert kinds(*facts, delivered("b", 2)) == {Kind.DELIVERED_TWICE}
    assert kinds(*facts, Shown("cem", ROOM, 3)) == {Kind.PHANTOM}
    assert Kind.SEQ_TWICE in kinds(*facts, replace(shown[0], reader="cem", content="something else"))


def test_a_range_that_does_not_go_on_where_the_reader_was_is_a_gap() -> None:
    began, first = Began("bob", ROOM, 0), Followed("bob", ROOM, 0, 1, readers=7)
    behind = Followed("bob", ROOM, 2, 3)
    assert judge(began, first, behind) == [Finding(Kind.SILENT_GAP, ROOM, (first, behind))]
    assert kinds(*TWO_HONEST_POSTS, began, first, CaughtUp("bob", ROOM, 2)) == {Kind.SILENT_GAP}
    assert kinds(*TWO_HONEST_POSTS, began, first, behind, delivered("b", 2)) == {Kind.SILENT_GAP, Kind.DISORDER}


def test_who_joins_again_is_owed_nothing_of_the_time_between() -> None:
    facts = (*TWO_HONEST_POSTS, posted("c"), stored("c", 3), Began("bob", ROOM, 0), delivered("a", 1))
    assert judge(*facts, Began("bob", ROOM, 2), delivered("c", 3)) == []


def test_a_log_that_skips_a_seq() -> None:
    assert kinds(posted("a"), stored("a", 2)) == {Kind.LOG_GAP}
    assert judge(posted("a"), stored("a", 2), Stored(ROOM, 1)) == []


def test_one_seq_for_two_entries_in_the_log_between_readers_and_between_answer_and_log() -> None:
    assert kinds(posted("a"), posted("b"), stored("a", 1), stored("b", 1)) == {Kind.SEQ_TWICE}
    assert Kind.SEQ_TWICE in kinds(*TWO_HONEST_POSTS, delivered("a", 1), delivered("b", 1, reader="cem"))
    assert Kind.SEQ_TWICE in kinds(*TWO_HONEST_POSTS, delivered("b", 1))
    assert kinds(posted("a"), posted("b"), ok("a", 2), stored("a", 1), stored("b", 2)) == {Kind.SEQ_TWICE}


def test_one_post_with_two_seqs() -> None:
    assert kinds(posted("a"), ok("a", 7), stored("a", 1)) == {Kind.SEQ_CHANGED}
    assert Kind.SEQ_CHANGED in kinds(posted("a"), posted("a"), ok("a", 1), ok("a", 2, duplicate=True))


def test_who_sees_the_own_post_is_answered_while_the_connection_stays_open() -> None:
    seen = replace(delivered("a", 1, reader="ann"), connection="c1", at=1.0)
    facts: tuple[Fact, ...] = (posted("a"), seen, stored("a", 1))
    assert kinds(*facts, Closed("c2", 11.0)) == {Kind.UNANSWERED}
    assert judge(*facts, Closed("c1", 5.0), Closed("c2", 60.0)) == [], "the connection ended before the deadline"
    assert judge(*facts, Closed("c2", 10.0)) == [], "there was still time"
    assert judge(*facts, ok("a", 1), Closed("c2", 11.0)) == []
    assert judge(*facts, Refused("ann", ROOM, "a"), Closed("c2", 11.0)) == []


def test_who_else_sees_it_does_not_matter_for_that() -> None:
    seen = replace(delivered("a", 1, reader="ann"), connection="c1", at=1.0)
    others = replace(delivered("a", 1), connection="c9", at=0.5)
    facts: tuple[Fact, ...] = (posted("a"), stored("a", 1), Closed("c2", 20.0))
    assert kinds(*facts, others, seen) == {Kind.UNANSWERED}
    assert judge(*facts, others) == [], "its poster has not seen it"


def test_a_post_retried_after_a_refusal_is_owed_an_answer_again() -> None:
    seen = replace(delivered("a", 1, reader="ann"), connection="c1", at=3.0)
    facts: tuple[Fact, ...] = (posted("a"), Refused("ann", ROOM, "a"), posted("a", at=2.0), seen, stored("a", 1))
    assert kinds(*facts, Closed("c2", 13.0)) == {Kind.UNANSWERED}


def test_a_post_refused_for_good_is_not_in_the_log() -> None:
    no = Refused("ann", ROOM, "a", final=True)
    assert kinds(posted("a"), no, stored("a", 1)) == {Kind.REFUSED_YET_STORED}
    assert judge(posted("a"), replace(no, final=False), stored("a", 1)) == []
    assert judge(posted("a"), posted("a"), no, stored("a", 1)) == [], "the first attempt may have been stored"


def test_duplicate_is_said_of_a_retry_and_only_of_a_retry() -> None:
    assert kinds(posted("a"), ok("a", 1, duplicate=True), stored("a", 1)) == {Kind.WRONG_DUPLICATE}
    twice = (posted("a"), posted("a"), stored("a", 1))
    assert kinds(*twice, ok("a", 1), ok("a", 1)) == {Kind.WRONG_DUPLICATE}
    assert judge(*twice, ok("a", 1), ok("a", 1, duplicate=True)) == []
    assert judge(*twice, ok("a", 1, duplicate=True)) == [], "the first answer was lost with its connection"


def test_a_finding_reads_as_a_sentence() -> None:
    (finding,) = judge(posted("a"), ok("a", 1))
    assert str(finding).startswith("LOST in r_1: acknowledged, and not in the log: Acknowledged(who='ann'")


# --- any history ---------------------------------------------------------------------------------------------


def honest_history(dice: Random) -> list[Fact]:
    """Some rooms, posters who retry and lose connections, readers who join late, resume and are told of gaps."""
    facts: list[Fact] = []
    for room in [f"r_{n}" for n in range(dice.randint(1, 3))]:
        entries = [_some_entry(dice, room, seq) for seq in range(1, dice.randint(3, 15))]
        facts += [fact for entry in entries for fact in _how_it_was_posted(dice, entry)]
        facts += entries
        for n in range(dice.randint(1, 4)):
            facts += _what_a_reader_saw(dice, f"reader {n}", room, entries)
    return facts


def _some_entry(dice: Random, room: str, seq: int) -> Stored:
    if dice.random() < 0.2:
        return Stored(room, seq)
    return Stored(room, seq, dice.choice(["ann", "bob"]), f"n{seq}", dice.randint(0, 3))


def _how_it_was_posted(dice: Random, entry: Stored) -> list[Fact]:
    if entry.nonce is None:
        return []
    posted = Posted(entry.who, entry.room, entry.nonce, entry.content, f"{entry.who}'s first", 1.0)
    answer = Acknowledged(entry.who, entry.room, entry.nonce, entry.seq)
    match dice.randint(0, 3):
        case 0:
            return [posted, answer]
        case 1:
            return [posted, posted, answer, replace(answer, duplicate=True)]
        case 2:
            retry = replace(posted, connection=f"{entry.who}'s second")
            return [posted, Closed(posted.connection, 2.0), retry, replace(answer, duplicate=True)]
        case _:
            return [posted, Refused(entry.who, entry.room, entry.nonce), posted, answer]


def _what_a_reader_saw(dice: Random, reader: str, room: str, entries: list[Stored]) -> list[Fact]:
    began = dice.randint(0, len(entries) // 2)
    facts: list[Fact] = [Began(reader, room, began)]
    missing = False
    for entry in entries[began:]:
        if missing := dice.random() < 0.1:
            facts.append(GapTold(reader, room, entry.seq))
        else:
            facts.append(Delivered(reader, room, entry.seq, entry.who, entry.nonce, entry.content))
    return facts if missing else [*facts, CaughtUp(reader, room, len(entries))]


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_honest_history_has_a_finding(dice: Random) -> None:
    assert judge(*honest_history(dice)) == []


def _names_a_post(fact: Fact) -> bool:
    return getattr(fact, "nonce", "") is not None


def _pick(dice: Random, facts: list[Fact], *types: type[Fact]) -> int | None:
    fitting = [n for n, fact in enumerate(facts) if isinstance(fact, types) and getattr(fact, "nonce", "") is not None]
    return dice.choice(fitting) if fitting else None


def lose(dice: Random, facts: list[Fact], at: int) -> None:
    del facts[at]


def repeat(dice: Random, facts: list[Fact], at: int) -> None:
    facts.insert(at + 1, facts[at])


def change_content(dice: Random, facts: list[Fact], at: int) -> None:
    fact = facts[at]
    assert isinstance(fact, Stored | Delivered)
    facts[at] = replace(fact, content="what nobody wrote")


def move_up(dice: Random, facts: list[Fact], at: int) -> None:
    fact = facts[at]
    assert isinstance(fact, Stored | Delivered | Acknowledged)
    facts[at] = replace(fact, seq=fact.seq + 100)


def swap_with_next_delivery(dice: Random, facts: list[Fact], at: int) -> None:
    if at + 1 < len(facts) and isinstance(facts[at + 1], Delivered):
        facts[at], facts[at + 1] = facts[at + 1], facts[at]
    else:
        repeat(dice, facts, at)


FAULTS = {
    "an acknowledged message vanishes from the log": (Stored, lose),
    "an entry is in the log twice": (Stored, repeat),
    "a log entry's text rots": (Stored, change_content),
    "a log entry moves": (Stored, move_up),
    "a delivery is dropped": (Delivered, lose),
    "a delivery comes twice": (Delivered, repeat),
    "a delivery's text rots": (Delivered, change_content),
    "a delivery has a wrong seq": (Delivered, move_up),
    "two deliveries change places": (Delivered, swap_with_next_delivery),
    "an answer names a wrong seq": (Acknowledged, move_up),
    "a gap is not told": (GapTold, lose),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda name: name.replace(" ", "_"))
@settings(deadline=None)
@given(dice=st.randoms(use_true_random=False))
def test_one_seeded_fault_is_always_found(fault: str, dice: Random) -> None:
    facts = honest_history(dice)
    kind, break_it = FAULTS[fault]
    at = _pick(dice, facts, kind)
    if at is None or (break_it is lose and _nobody_could_know(facts, at)):
        return
    break_it(dice, facts, at)
    assert judge(*facts) != []


def _nobody_could_know(facts: list[Fact], at: int) -> bool:
    """Whether what follows in the reader's stream hides that this fact is missing: a gap told, or nothing."""
    fact = facts[at]
    if not isinstance(fact, Delivered | GapTold):
        return False
    stream = (
        later
        for later in facts[at + 1 :]
        if isinstance(later, Delivered | GapTold | CaughtUp) and (later.reader, later.room) == (fact.reader, fact.room)
    )
    return isinstance(next(stream, None), GapTold | None)


def test_who_looks_away_is_owed_nothing_until_it_looks_again() -> None:
    history = (*TWO_HONEST_POSTS, posted("c"), ok("c", 3), stored("c", 3))
    looked = (Began("bob", ROOM, 0), delivered("a", 1))
    assert kinds(*history, *looked, LookedAway("bob", ROOM), Began("bob", ROOM, 2), delivered("c", 3)) == set()
    assert kinds(*history, *looked, LookedAway("bob", ROOM), CaughtUp("bob", ROOM, 3)) == set()
    assert kinds(*history, *looked, delivered("c", 3)) == {Kind.SILENT_GAP}
    again = (*looked, LookedAway("bob", ROOM), Began("bob", ROOM, 1), delivered("a", 1))
    assert kinds(*history, *again) == {Kind.DELIVERED_TWICE}
    skipping = (*looked, LookedAway("bob", ROOM), Began("bob", ROOM, 1), delivered("c", 3))
    assert kinds(*history, *skipping) == {Kind.SILENT_GAP}
