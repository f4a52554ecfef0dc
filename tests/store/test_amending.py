"""What a change makes of a message, as arithmetic."""

from __future__ import annotations

import pytest

from server.protocol.errors import ErrorCode
from server.protocol.limits import REACTION_EMOJI
from server.store.amending import Messages, Tally, Target, read_tally, written
from server.store.changes import MessageChange, MessageGone, NewText, Reacting
from server.store.log_messages import Append, Denied, Known, Landed, NewMessage
from server.store.planning import plan
from server.store.plans import Knowledge, Place, Plan
from tests.store.desk import Ear

AT = 1_750_000_000_000
EAR = Ear()
THUMB, HEART = "👍", "❤️"


def planned(target: Target | None, *changes: MessageChange, reacted: tuple[str, str] | None = None) -> Plan:
    """Changes of the message 3 of a room whose log stands at 5."""
    known = Knowledge({"r": 5}, 10)
    if target is not None:
        known.messages = Messages({("r", 3): target}, set() if reacted is None else {("r", 3, *reacted)})
    return plan([Append("r", 1, 0, ref, change, EAR) for ref, change in enumerate(changes, 1)], known, AT)


def said(text: str | None = "hello", reactions: Tally = ()) -> Target:
    return Target("ann", text, b"digest", reactions=reactions)


def codes(found: Plan) -> list[ErrorCode | None]:
    return [outcome.refusal.code if isinstance(outcome, Denied) else None for outcome in found.outcomes]


def test_an_edit_has_its_place_and_the_old_text_is_nowhere() -> None:
    found = planned(said(), NewText("ann", 3, "hallo"))
    assert found.outcomes == [Landed(1, 6, AT)]
    assert [(row.seq, row.kind, row.user_id, row.text, row.target) for row in found.entries] == [
        (6, "edited", "ann", "hallo", 3)
    ]
    assert found.amended.targets == {("r", 3): Target("ann", "hallo", None, edited_seq=6, edited_at=AT)}


def test_each_edit_empties_the_one_before() -> None:
    found = planned(Target("ann", "b", edited_seq=4, edited_at=1), NewText("ann", 3, "c"), NewText("ann", 3, "d"))
    assert found.outcomes == [Landed(1, 6, AT), Landed(2, 7, AT)]
    assert found.amended.emptied == {("r", 4), ("r", 6)}
    assert found.amended.targets["r", 3].text == "d"


def test_a_deleted_message_keeps_nothing_of_what_was_said() -> None:
    found = planned(Target("ann", "b", b"d", None, 4, 1, ((THUMB, 2),)), MessageGone("bob", 3, of_others=True))
    assert found.amended.targets == {("r", 3): Target("ann", None, None, "bob")}
    assert found.amended.emptied == {("r", 4)}
    assert found.amended.bare == {("r", 3)}
    assert found.entries[0].text is None


def test_what_is_so_already_changes_nothing() -> None:
    found = planned(said(), NewText("ann", 3, "hello"), Reacting("bob", 3, THUMB, on=False))
    assert found.outcomes == [Landed(1, None, AT), Landed(2, None, AT)]
    again = planned(said(reactions=((THUMB, 1),)), Reacting("bob", 3, THUMB, on=True), reacted=("bob", THUMB))
    gone = planned(Target("ann", None, by="ann"), MessageGone("ann", 3))
    for nothing in (found, again, gone):
        assert not nothing.entries
        assert not nothing.heads
        assert not nothing.amended.targets


def test_only_authors_edit_and_delete_unless_they_moderate() -> None:
    found = planned(said(), NewText("bob", 3, "x"), MessageGone("bob", 3), MessageGone("bob", 3, of_others=True))
    assert codes(found) == [ErrorCode.FORBIDDEN, ErrorCode.FORBIDDEN, None]
    found = planned(Target("ann", None, by="ann"), MessageGone("bob", 3))
    assert codes(found) == [ErrorCode.FORBIDDEN], "also of one that is gone"


@pytest.mark.parametrize("target", [None, Target("ann", None, by="ann")], ids=["none", "deleted"])
def test_what_is_no_message_is_not_changed(target: Target | None) -> None:
    found = planned(target, NewText("ann", 3, "x"), Reacting("bob", 3, THUMB, on=True))
    assert codes(found) == [ErrorCode.NO_SUCH_MESSAGE] * 2
    assert codes(planned(None, MessageGone("ann", 3))) == [ErrorCode.NO_SUCH_MESSAGE]
    assert not found.heads


def test_within_a_batch_each_change_sees_those_before() -> None:
    found = planned(
        said(), Reacting("bob", 3, THUMB, on=True), Reacting("bob", 3, THUMB, on=True),
        Reacting("bob", 3, THUMB, on=False), MessageGone("ann", 3), Reacting("bob", 3, THUMB, on=True),
    )  # fmt: skip
    assert [getattr(outcome, "seq", "denied") for outcome in found.outcomes] == [6, None, 7, 8, "denied"]


def test_reactions_are_counted_in_the_order_of_their_first_use() -> None:
    found = planned(
        said(reactions=((THUMB, 1),)), Reacting("bob", 3, HEART, on=True), Reacting("cat", 3, THUMB, on=True),
        Reacting("dan", 3, THUMB, on=False), reacted=("dan", THUMB),
    )  # fmt: skip
    assert found.amended.targets["r", 3].reactions == ((THUMB, 1), (HEART, 1))
    found = planned(
        said(reactions=((THUMB, 1), (HEART, 1))), Reacting("dan", 3, THUMB, on=False), reacted=("dan", THUMB)
    )
    assert found.amended.targets["r", 3].reactions == ((HEART, 1),)


def test_a_message_has_so_many_different_reactions_and_no_more() -> None:
    full = tuple((chr(0x1F600 + number), 1) for number in range(REACTION_EMOJI))
    found = planned(said(reactions=full), Reacting("bob", 3, THUMB, on=True), Reacting("bob", 3, full[0][0], on=True))
    assert codes(found) == [ErrorCode.LIMIT_REACHED, None]


def test_a_plan_that_is_dropped_has_changed_nothing() -> None:
    known = Knowledge({"r": 5}, 10, messages=Messages({("r", 3): said()}))
    appends = [
        Append("r", 1, 0, 1, NewText("ann", 3, "x"), EAR),
        Append("r", 1, 0, 2, Reacting("b", 3, THUMB, on=True), EAR),
    ]
    first = plan(appends, known, AT)
    assert plan(appends, known, AT) == first
    known.learn(first)
    assert known.messages.forgotten
    assert [outcome.seq for outcome in plan(appends, known, AT).outcomes if isinstance(outcome, Landed)] == [None, None]


def test_reactions_alone_leave_nothing_to_forget() -> None:
    known = Knowledge({"r": 5}, 10, messages=Messages({("r", 3): said()}))
    known.learn(plan([Append("r", 1, 0, 1, Reacting("b", 3, THUMB, on=True), EAR)], known, AT))
    assert not known.messages.forgotten


def test_a_nonce_whose_content_is_gone_still_has_its_place() -> None:
    known = Knowledge({"r": 5}, 10, places={("r", "ann", "n"): Place(2, AT, None)})
    found = plan([Append("r", 1, 0, 1, NewMessage("ann", "n", "whatever"), EAR)], known, AT)
    assert found.outcomes == [Known(1, 2, AT)]


@pytest.mark.parametrize("tally", [(), ((THUMB, 1),), ((HEART, 3), (THUMB, 10_000))])
def test_a_tally_is_read_as_it_was_written(tally: Tally) -> None:
    assert read_tally(written(tally)) == tally
