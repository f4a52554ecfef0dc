"""What decides whether a run is proved, and what is only told."""

from __future__ import annotations

import msgspec

from loadtest.prove.admin import Told
from loadtest.prove.claims import claims_of, proved
from loadtest.prove.results import Claim, Report
from loadtest.scenarios.messages import Found, Results, Verdict


def changed(played: Results | None, **values: object) -> Results:
    assert played is not None
    return msgspec.structs.replace(played, **values)


def asked(report: Report, **values: object) -> Told:
    return msgspec.structs.replace(report.told[-1], **values)


def missed(claims: list[Claim]) -> list[str]:
    return [claim.what for claim in claims if claim.met is False]


def test_a_good_run_is_proved(report: Report) -> None:
    assert missed(report.claims) == []
    assert proved(report.claims)


def test_nothing_played_proves_nothing() -> None:
    assert not proved(claims_of(None, None, None, None))


def test_a_broken_promise_decides(report: Report) -> None:
    broken = changed(report.results, verdict=Verdict(findings=[Found("lost", "r_1", "one entry")], broken=1, posts=9))
    assert not proved(claims_of(broken, report.memory, None, 0))


def test_a_run_in_which_nobody_posted_proves_nothing(report: Report) -> None:
    silent = changed(report.results, verdict=Verdict())
    assert not proved(claims_of(silent, report.memory, None, 0))


def test_what_was_not_checked_decides(report: Report) -> None:
    unread = changed(report.results, verdict=Verdict(unchecked=["the log of r_1 could not be read"]))
    assert not proved(claims_of(unread, report.memory, None, 0))


def test_what_did_not_happen_in_time_decides(report: Report) -> None:
    late = changed(report.results, failures=["come: everybody is welcome: not in time"])
    assert not proved(claims_of(late, report.memory, None, 0))


def test_a_crash_and_a_worker_that_ended_decide(report: Report) -> None:
    assert not proved(claims_of(report.results, report.memory, asked(report, crashes=1), 0))
    assert not proved(claims_of(report.results, report.memory, asked(report), 1))


def test_slowness_and_memory_are_told_and_decide_nothing(report: Report) -> None:
    assert report.memory is not None
    figures = {"broadcast_to": 1_000.0, "broadcast_median": 2.5, "broadcast_worst": 3.0}
    slow = changed(report.results, figures=figures | {"connect_seconds": 61.0, "connects_per_second": 16.0})
    claims = claims_of(slow, msgspec.structs.replace(report.memory, server_unique=1_300.0, connections=18_000), None, 0)
    assert len(missed(claims)) == 3
    assert proved(claims)


def test_memory_of_few_is_told_and_not_judged(report: Report) -> None:
    assert report.memory is not None
    few = msgspec.structs.replace(report.memory, server_unique=9_000.0, connections=200)
    assert missed(claims_of(report.results, few, None, 0)) == []


def test_more_than_was_promised_has_more_time(report: Report) -> None:
    assert report.results is not None
    figures = {"connect_seconds": 500.0, "connects_per_second": 2_000.0}
    options = msgspec.structs.replace(report.results.options, connections=1_000_000)
    assert missed(claims_of(changed(report.results, figures=figures, options=options), None, None, 0)) == []


def test_what_was_not_measured_is_not_claimed(report: Report) -> None:
    claims = claims_of(changed(report.results, figures={}, phases=[]), None, None, None)
    assert all(claim.decides or "gap" in claim.what for claim in claims)
