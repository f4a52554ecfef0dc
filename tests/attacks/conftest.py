"""Every test here is an attack on a server process that runs as an operator would run it, with people on it.

Around each one the same is looked at: two bystanders go on talking, and everything they say is acknowledged and
delivered; the server lives; its log has no traceback; descriptors and memory come back. How long the bystanders'
messages took is printed (`pytest -s`), beside how long they took before; it is not asserted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from server.settings import described
from server.settings import shown as as_text
from tests.attacks.bystanders import Bystanders, shown
from tests.attacks.footprint import MEBIBYTE, Footprint, comes_back
from tests.harness.people import register
from tests.harness.server import UNHURRIED, ServerProcess

AS_DELIVERED = {
    variable: as_text(setting.default)
    for setting in described()
    if (variable := f"HUBBUB_{setting.name.upper()}") in UNHURRIED
}
"""The paces that other tests turn off."""

SHORT = {"HUBBUB_HANDSHAKE_DEADLINE": "1", "HUBBUB_HELLO_DEADLINE": "1", "HUBBUB_STALL_DEADLINE": "3"}
"""Deadlines that end within a test."""

MOST_LEFT = 24 * MEBIBYTE
"""Of memory, after an attack that held much more: what the allocator keeps for the next one. A leak of one object a
connection, or a message, is more than that in the long runs (`make attacks`)."""

UNDISTURBED = 50
"""Exchanges before the first attack."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """More settings, for a file that needs some."""
    return {}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("besieged") / "data"
    with ServerProcess(data, environment=AS_DELIVERED | SHORT | environment) as running:
        yield running


@pytest.fixture(scope="module")
def bystanders(server: ServerProcess) -> Iterator[Bystanders]:
    people = Bystanders(server.url)
    try:
        people.exchange_some_more(UNDISTURBED)
        yield people
    finally:
        people.leave()


@pytest.fixture(autouse=True)
def nobody_else_notices(
    request: pytest.FixtureRequest, server: ServerProcess, bystanders: Bystanders
) -> Iterator[None]:
    pid, log_begin = server.process.pid, server.log.stat().st_size
    undisturbed = bystanders.taken[:UNDISTURBED]
    before, begun = Footprint.of(pid), len(bystanders.taken)
    yield
    bystanders.exchange_some_more()
    meanwhile = bystanders.taken[begun:]
    assert server.process.poll() is None, "the server is gone"
    after = comes_back(pid, before, memory=MOST_LEFT)
    said = server.log.read_bytes()[log_begin:].decode()
    assert "Traceback" not in said, said
    print(
        f"\n  {request.node.name}\n    others before:    {shown(undisturbed)}\n"
        f"    others meanwhile: {shown(meanwhile)}\n    before: {before}; after: {after}"
    )


@pytest.fixture
def token(server: ServerProcess) -> Callable[[], str]:
    """Somebody new signs up, as often as it is called: their token."""
    return lambda: register(server.url, f"attacker{next(_numbers)}")[1]
