"""A server for a module of tests, and people on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.people import Talker, register, talk
from tests.harness.server import ServerProcess

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests of a file."""
    with ServerProcess(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def person(server: ServerProcess) -> Iterator[Callable[[], Talker]]:
    """Signs up somebody new and opens a websocket, as often as it is called."""
    talkers: list[Talker] = []

    def arrive() -> Talker:
        _, token = register(server.url, f"person{next(_numbers)}")
        talkers.append(talk(server.websocket_url, token))
        return talkers[-1]

    yield arrive
    for talker in talkers:
        talker.close()
