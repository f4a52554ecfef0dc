"""A journal that is still being written."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from loadtest.prove.journal import Journal
from loadtest.prove.results import Report


def test_lines_count_when_they_are_whole_and_once(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    journal = Journal(file)
    assert list(journal.news()) == []
    first, second, *_ = (msgspec.json.encode(glance) for glance in report.glances)
    file.write_bytes(first + b"\n" + second[:20])
    assert list(journal.news()) == report.glances[:1]
    with file.open("ab") as more:
        more.write(second[20:] + b"\n" + msgspec.json.encode({"results": report.results}) + b"\n")
    assert journal.results is None
    assert list(journal.news()) == report.glances[1:2]
    assert journal.results == report.results
    assert list(journal.news()) == []


def test_what_is_no_journal_is_said(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("hello\n")
    with pytest.raises(msgspec.DecodeError):
        list(Journal(tmp_path / "journal.jsonl").news())
