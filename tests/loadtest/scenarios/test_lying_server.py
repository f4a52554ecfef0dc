"""A server that breaks one promise, and what the run comes to: exactly that finding, and exit 1."""

from __future__ import annotations

from functools import partial

import pytest

from clients.checker import Checker
from loadtest import accounts
from loadtest.people import People
from loadtest.scenarios.messages import Options, Results
from loadtest.scenarios.running import run
from tests.loadtest.scenarios.double import Double, Lie

PEOPLE = People.made(12, "all,each:3")


def played(lie: Lie, settle_within: float = 0.5, scenario: str = "broadcast", lies_with: int = 3) -> Results:
    """Twelve people, and five posts into the room of all; before it, in a proof, twenty into four small rooms."""
    with Double(PEOPLE, lie, lies_with) as double:
        options = Options(
            scenario=scenario, connections=12, repeats=5, seconds=0.5, posts=20, rate=40.0, settle_within=settle_within
        )
        return run(PEOPLE, [double.endpoint], options)


@pytest.mark.parametrize("scenario", ["broadcast", "proof"])
def test_a_truthful_server_has_nothing_to_fear(scenario: str) -> None:
    results = played(Lie.NONE, settle_within=10.0, scenario=scenario)
    assert results.verdict.findings == []
    assert (results.failures, results.verdict.unchecked, results.exit_code) == ([], [], 0)
    assert results.verdict.posts >= 5
    assert results.verdict.entries_read == results.verdict.posts


LIES = {
    Lie.FORGETS: ("LOST",),
    Lie.STORES_TWICE: ("STORED_TWICE",),
    Lie.CHANGES: ("FORGED",),
    Lie.DELIVERS_TWICE: ("DELIVERED_TWICE",),
    Lie.REFUSES_AND_STORES: ("REFUSED_YET_STORED",),
    Lie.SAYS_DUPLICATE: ("WRONG_DUPLICATE",),
}


@pytest.mark.parametrize(("lie", "kinds"), LIES.items(), ids=[lie.name for lie in LIES])
def test_a_lie_is_found(lie: Lie, kinds: tuple[str, ...]) -> None:
    results = played(lie)
    assert tuple(found.kind for found in results.verdict.findings) == kinds
    assert results.exit_code == 1


def test_what_is_delivered_and_never_stored_is_found() -> None:
    """With the last post of all, or the next one would take its place in the log: then one `seq` has two meanings."""
    assert {found.kind for found in played(Lie.DELIVERS_UNSTORED, lies_with=5).verdict.findings} == {"PHANTOM"}
    found = {found.kind for found in played(Lie.DELIVERS_UNSTORED).verdict.findings}
    assert "SEQ_TWICE" in found


@pytest.mark.parametrize(("lie", "kinds"), [(Lie.SKIPS, ["SILENT_GAP"]), (Lie.REORDERS, ["DISORDER", "SILENT_GAP"])])
def test_who_is_not_given_what_others_are_or_not_in_its_turn_is_found(lie: Lie, kinds: list[str]) -> None:
    """In a small room, where others follow."""
    results = played(lie, scenario="proof")
    assert [found.kind for found in results.verdict.findings] == kinds
    assert results.exit_code == 1


def test_who_waited_out_the_deadline_and_saw_the_event_was_owed_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is ten seconds, which is long for a test: here the judge is told that it is a third of one."""
    monkeypatch.setattr(accounts, "Checker", partial(Checker, deadline=0.3))
    results = played(Lie.NEVER_ANSWERS)
    assert [found.kind for found in results.verdict.findings] == ["UNANSWERED"]
    assert results.failures == ["settle: not within 0.5 s: every post is answered (1 of 1 processes still waited)"]
    assert results.exit_code == 1


def test_logs_that_nobody_is_shown_are_no_good_ones() -> None:
    results = played(Lie.HIDES)
    (unchecked,) = results.verdict.unchecked
    assert "the server answers `log` with forbidden" in unchecked
    assert (results.verdict.findings, results.exit_code) == ([], 1)


def test_a_finding_is_told_in_words_that_need_no_source_code() -> None:
    (found,) = played(Lie.FORGETS).verdict.findings
    assert found.room == PEOPLE.room(0)
    assert found.words.startswith("acknowledged, and not in the log. u_")
    assert "is entry 3" in found.words
