"""Logs: both sources in one stream, each record a line, and no value from inside a crash."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from server.logs import _speaker, configure_logs, speak_as


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_has_one_object_a_line_from_both_sources(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    structlog.get_logger("server.here").info("serving", port=80)
    logging.getLogger("actors.supervisor").warning("%s crashed", "hubbub/writer")
    logging.getLogger("actors.supervisor").debug("nothing to see")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["port"], first["level"], first["logger"]) == ("serving", 80, "info", "server.here")
    assert (second["event"], second["level"]) == ("hubbub/writer crashed", "warning")
    assert first["time"].endswith("Z")


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_crash_shows_where_and_not_what(capsys: pytest.CaptureFixture[str], format: str) -> None:
    configure_logs("info", "json" if format == "json" else "text")

    def crash(token: str) -> None:
        raise KeyError(len(token))

    try:
        crash("a-very-secret-" + "token")
    except KeyError as error:
        logging.getLogger("actors.supervisor").error("crashed: %r", error, exc_info=error)
    shown = capsys.readouterr().err
    assert "in crash" in shown
    assert "very-secret-token" not in shown


def test_nothing_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug", "text")
    structlog.get_logger("server.here").info("serving")
    assert capsys.readouterr().out == ""


def test_who_is_one_of_several_says_which(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_speaker, "worker", None)
    configure_logs("info", "json")
    logging.getLogger("actors").info("before it is one")
    speak_as(3)
    logging.getLogger("actors").info("a record")
    structlog.get_logger("server.here").info("of another", worker=5)
    said = [json.loads(line).get("worker") for line in capsys.readouterr().err.splitlines()]
    assert said == [None, 3, 5]
