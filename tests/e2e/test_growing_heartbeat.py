"""The interval of heartbeats, as clients and operators of a whole server see it grow."""

from __future__ import annotations

from pathlib import Path

from tests.harness.people import register, talk
from tests.harness.server import ServerProcess
from tests.operators.scrapes import scrape

CROWDED = {"HUBBUB_HEARTBEAT_MS": "1000", "HUBBUB_HEARTBEAT_LONGEST_MS": "16000", "HUBBUB_PROCESSORS": "1e-6"}
"""A server for which one connection is a crowd."""


def test_who_is_there_is_told_newcomers_are_welcomed_with_it_and_operators_see_it(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", environment=CROWDED) as server:
        _, token = register(server.url, "ann")
        with talk(server.websocket_url, token) as ann:
            assert ann.expect("heartbeat") == {"op": "heartbeat", "every": 16_000}
            with talk(server.websocket_url, token) as again:
                assert again.welcome["heartbeat"] == 16_000
            assert scrape(server.admin_url)("hubbub_heartbeat_seconds") == 16
