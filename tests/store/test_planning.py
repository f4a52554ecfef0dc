from __future__ import annotations

from server.protocol.errors import ErrorCode
from server.store.amending import Messages, Target
from server.store.log_messages import Append, Denied, Draft, Known, Landed, Lost, MemberGone, NewMember, NewMessage
from server.store.planning import plan
from server.store.planning_messages import content_digest
from server.store.plans import Knowledge, Place
from tests.store.desk import Ear

AT = 1_750_000_000_000
EAR = Ear()
MOST = 3  # rooms of a user


def appends(*drafts: Draft, room: str = "r") -> list[Append]:
    return [Append(room, 1, 0, ref, draft, EAR) for ref, draft in enumerate(drafts, 1)]


def test_seq_follows_the_head_in_the_order_of_telling() -> None:
    known = Knowledge({"r": 5}, MOST)
    planned = plan(
        appends(NewMessage("ann", "1", "a"), NewMember("bob", "member"), NewMessage("ann", "2", "b")), known, AT
    )
    assert planned.outcomes == [Landed(1, 6, AT), Landed(2, 7, AT), Landed(3, 8, AT)]
    assert [(row.seq, row.kind) for row in planned.messages] == [(6, "message"), (8, "message")]
    assert [(row.seq, row.kind) for row in planned.entries] == [(7, "joined")]


def test_a_dropped_plan_has_spent_nothing() -> None:
    known = Knowledge({"r": 5}, MOST)
    plan(appends(NewMessage("ann", "1", "a")), known, AT)
    assert known == Knowledge({"r": 5}, MOST)


def test_what_was_learned_from_a_plan_counts_in_the_next() -> None:
    known = Knowledge({"r": 0}, MOST)
    known.learn(plan(appends(NewMessage("ann", "1", "a"), NewMember("bob", "member")), known, AT))
    again = plan(
        appends(NewMessage("ann", "1", "a"), NewMember("bob", "member"), NewMessage("ann", "2", "b")), known, AT
    )
    assert again.outcomes == [Known(1, 1, AT), Landed(2, None, AT), Landed(3, 3, AT)]


def test_a_retry_in_the_same_batch_gets_the_first_ones_place() -> None:
    message = NewMessage("ann", "1", "a", reply_to=3)
    answered = Messages({("r", 3): Target("bob", "hello")})
    planned = plan(appends(message, message), Knowledge({"r": 5}, MOST, messages=answered), AT)
    assert planned.outcomes == [Landed(1, 6, AT), Known(2, 6, AT)]
    assert len(planned.messages) == 1


def test_a_reply_to_what_is_gone_is_denied_and_its_nonce_to_be_looked_up() -> None:
    message = NewMessage("ann", "1", "a", reply_to=3)
    gone = Messages({("r", 3): Target("bob", None, by="bob")})
    planned = plan(appends(message), Knowledge({"r": 5}, MOST, messages=gone), AT)
    [denied] = planned.outcomes
    assert isinstance(denied, Denied)
    assert denied.refusal.code is ErrorCode.NO_SUCH_MESSAGE
    assert planned.in_doubt
    known = Knowledge({"r": 5}, MOST, messages=gone, places={("r", "ann", "1"): Place(4, AT, content_digest("a", 3))})
    again = plan(appends(message), known, AT)
    assert again.outcomes == [Known(1, 4, AT)]
    assert not again.in_doubt


def test_a_nonce_with_another_text_or_another_reply_to_is_a_conflict() -> None:
    known = Knowledge({"r": 5}, MOST, places={("r", "ann", "1"): Place(2, AT, content_digest("a", None))})
    planned = plan(appends(NewMessage("ann", "1", "b"), NewMessage("ann", "1", "a", reply_to=1)), known, AT)
    assert [o.refusal.code for o in planned.outcomes if isinstance(o, Denied)] == [ErrorCode.CONFLICT] * 2
    assert not planned.heads


def test_a_nonce_is_its_authors_and_its_rooms_own() -> None:
    known = Knowledge({"r": 5, "s": 0}, MOST, places={("r", "ann", "1"): Place(2, AT, content_digest("a", None))})
    told = [*appends(NewMessage("bob", "1", "b")), *appends(NewMessage("ann", "1", "b"), room="s")]
    assert plan(told, known, AT).outcomes == [Landed(1, 6, AT), Landed(1, 1, AT)]


def test_an_append_without_a_known_head_is_lost() -> None:
    assert plan(appends(NewMessage("ann", "1", "a")), Knowledge({}, MOST), AT).outcomes == [Lost(1)]


def test_whoever_is_a_member_already_lands_without_a_place() -> None:
    known = Knowledge({"r": 5}, MOST, memberships={("r", "bob"): True})
    planned = plan(appends(NewMember("bob", "member")), known, AT)
    assert planned.outcomes == [Landed(1, None, AT)]
    assert not planned.entries
    assert not planned.joins


def test_coming_and_going_in_one_batch_leaves_two_entries_and_no_row() -> None:
    known = Knowledge({"r": 5}, MOST, memberships={("r", "bob"): False})
    planned = plan(appends(NewMember("bob", "member"), MemberGone("bob"), MemberGone("bob")), known, AT)
    assert planned.outcomes == [Landed(1, 6, AT), Landed(2, 7, AT), Landed(3, None, AT)]
    assert (planned.joins, planned.leaves, planned.growth) == ({}, set(), {"r": 0})


def test_going_and_coming_back_in_one_batch_replaces_the_row() -> None:
    known = Knowledge({"r": 5}, MOST, memberships={("r", "bob"): True})
    planned = plan(appends(MemberGone("bob"), NewMember("bob", "member")), known, AT)
    assert planned.leaves == {("r", "bob")}
    assert planned.joins["r", "bob"].head == 7
    assert planned.growth == {"r": 0}


def test_what_is_not_logged_takes_no_place_but_moves_the_count() -> None:
    planned = plan(appends(NewMember("bob", "member", logged=False)), Knowledge({"r": 5}, MOST), AT)
    assert planned.outcomes == [Landed(1, None, AT)]
    assert planned.heads == {"r": 5}
    assert planned.growth == {"r": 1}
    assert planned.joins["r", "bob"].head == 5


def test_nobody_is_planned_into_more_rooms_than_they_may_be_in() -> None:
    known = Knowledge({"r": 5, "s": 5}, MOST, rooms_of={"bob": 2, "cat": 3})
    planned = plan(
        [
            *appends(NewMember("bob", "member"), NewMember("cat", "member", by="ann")),
            *appends(NewMember("bob", "member"), room="s"),
        ],
        known,
        AT,
    )
    landed, invited, again = planned.outcomes
    assert isinstance(landed, Landed)
    for denied in (invited, again):
        assert isinstance(denied, Denied)
        assert denied.refusal.code is ErrorCode.LIMIT_REACHED
    assert [row.user_id for row in planned.entries] == ["bob"]


def test_who_leaves_a_room_may_come_to_another() -> None:
    known = Knowledge({"r": 5, "s": 5}, MOST, memberships={("r", "bob"): True}, rooms_of={"bob": 3})
    outcomes = plan([*appends(MemberGone("bob")), *appends(NewMember("bob", "member"), room="s")], known, AT).outcomes
    assert all(isinstance(outcome, Landed) for outcome in outcomes)
