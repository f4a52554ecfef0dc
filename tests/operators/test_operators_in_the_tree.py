"""Where the admin listener stands in the tree, and that the chat does not depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from actors import Node, TaskContext, open_system
from server import tree as tree_module
from server.gateway.listener import Listener
from server.listening import open_listener
from server.parts import Ground
from server.settings import Settings
from server.store.opening import open_store
from server.tree import PATIENCE, tree
from tests.gateway.doorway import until


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with (
        open_store(tmp_path / "data") as store,
        closing(open_listener("127.0.0.1", 0)) as listener,
        closing(open_listener("127.0.0.1", 0)) as admin,
    ):
        yield Ground(Settings(), store, listener, admin=admin)


def child(node: Node, id: str) -> Node:
    return next(each for each in node.children if each.id == id)


async def test_it_starts_before_the_entrance_and_so_outlasts_it(ground: Ground) -> None:
    async with open_system(tree(ground)) as system:
        ids = [each.id for each in system.describe().children]
    assert ids[-2:] == ["operators", "entrance"]


async def test_an_admin_listener_that_crashes_without_end_is_given_up_and_the_chat_goes_on(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = 0
    run = Listener.run

    async def broken(self: Listener, context: TaskContext) -> None:
        nonlocal runs
        if not context.path.startswith("hubbub/operators/"):
            await run(self, context)
        runs += 1
        context.started()
        raise OSError("nobody can be accepted")

    monkeypatch.setattr(Listener, "run", broken)
    monkeypatch.setattr(tree_module, "BACKOFF", tree_module.Backoff())
    async with open_system(tree(ground)) as system:
        await until(lambda: child(system.describe(), "operators").state == "stopped")
        assert runs == PATIENCE.restarts + 1
        assert child(system.describe(), "entrance").state == "running"
        sock = await trio.open_tcp_stream("127.0.0.1", ground.listener.getsockname()[1])
        async with sock:
            await sock.send_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert (await sock.receive_some(1_000)).startswith(b"HTTP/1.1 200 ")
