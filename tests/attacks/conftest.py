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
from tests.attacks.bystanders import Bystanders, Pair, shown
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
MOST_LEFT_BY_A_SIEGE = 96 * MEBIBYTE
"""Of memory, after all attacks so far: what the allocator keeps of the highest tide. One object of 1 KB that is not
given back for each of the 200,000 connects is more than that."""

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
    with Bystanders(Pair.registered(server)) as people:
        people.exchange_some_more(UNDISTURBED)
        yield people


@pytest.fixture(scope="module")
def at_first(server: ServerProcess, bystanders: Bystanders) -> Footprint:
    """What it held before the first attack."""
    return Footprint.of(server.process.pid)


@pytest.fixture(autouse=True)
def nobody_else_notices(
    request: pytest.FixtureRequest, server: ServerProcess, bystanders: Bystanders, at_first: Footprint
) -> Iterator[None]:
    pid, log_begin = server.process.pid, server.log.stat().st_size
    undisturbed, begun = bystanders.taken[:UNDISTURBED], len(bystanders.taken)
    yield
    bystanders.exchange_some_more()
    meanwhile = bystanders.taken[begun:]
    assert server.process.poll() is None, "the server is gone"
    is_siege = request.node.get_closest_marker("siege") is not None
    after = comes_back(pid, at_first, memory=MOST_LEFT_BY_A_SIEGE if is_siege else MOST_LEFT)
    said = server.log.read_bytes()[log_begin:].decode()
    assert "Traceback" not in said, said
    print(
        f"\n  {request.node.name}\n    others before:    {shown(undisturbed)}\n"
        f"    others meanwhile: {shown(meanwhile)}\n    at first: {at_first}; now: {after}"
    )


@pytest.fixture
def token(server: ServerProcess) -> Callable[[], str]:
    """Somebody new signs up, as often as it is called: their token."""
    return lambda: register(server.url, f"attacker{next(_numbers)}")[1]
