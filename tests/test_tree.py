"""The supervision tree: its order, and which failures it survives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from actors import Node, RootGaveUp, TaskContext, open_system
from server import tree as tree_module
from server.gateway.reactor import Reactor
from server.listening import open_listener
from server.parts import Ground
from server.settings import Settings
from server.store.opening import open_store
from server.tree import PATIENCE, tree


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with open_store(tmp_path / "data") as store, closing(open_listener("127.0.0.1", 0)) as listener:
        yield Ground(Settings(), store, listener)


def leaves(node: Node) -> list[str]:
    """The children that are no supervisors of a fixed list, in start order."""
    if node.kind == "supervisor":
        return [leaf for child in node.children for leaf in leaves(child)]
    return [node.id]


def restarts(node: Node, id: str) -> int:
    return max([node.restarts if node.id == id else 0, *(restarts(child, id) for child in node.children)])


async def test_the_order_is_from_the_store_to_the_door(ground: Ground) -> None:
    async with open_system(tree(ground)) as system:
        assert leaves(system.describe()) == [
            "writer",
            "indexing",
            "reader",
            "rooms",
            "sessions",
            "watching",
            "hashing",
            "revocations",
            "blocks",
            "choices",
            "usage",
            "departing",
            "disappearing",
            "ending",
            "reactor",
            "connections",
            "heartbeats",
            "pacing",
            "listener",
            "draining",
        ]


async def test_a_task_that_crashes_now_and_then_is_started_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, steady = 0, trio.Event()

    async def shaky(context: TaskContext, **_: object) -> None:
        nonlocal runs
        runs += 1
        context.started()
        if runs <= 3:
            raise OSError("the disk had a bad moment")
        steady.set()
        await trio.sleep_forever()

    monkeypatch.setattr(tree_module, "run_writer", shaky)
    async with open_system(tree(ground)) as system:
        with trio.fail_after(10):
            await steady.wait()
        assert restarts(system.describe(), "writer") == 3
        assert restarts(system.describe(), "reader") == 0


async def test_a_task_that_crashes_without_end_ends_the_process(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = 0

    async def broken(context: TaskContext, **_: object) -> None:
        nonlocal runs
        runs += 1
        context.started()
        raise OSError("the disk is gone")

    monkeypatch.setattr(tree_module, "run_writer", broken)
    monkeypatch.setattr(tree_module, "BACKOFF", tree_module.Backoff())
    with pytest.raises(RootGaveUp) as caught:
        async with open_system(tree(ground)):
            await trio.sleep(10)
    assert "store" in caught.value.path
    assert runs == PATIENCE.restarts + 1


async def test_without_the_reactor_there_is_no_going_on(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(_: Reactor, context: TaskContext) -> None:
        context.started()
        raise OSError("epoll is gone")

    monkeypatch.setattr(Reactor, "run", run)
    with pytest.raises(RootGaveUp) as caught:
        async with open_system(tree(ground)):
            await trio.sleep(10)
    assert "reactor" in caught.value.path
