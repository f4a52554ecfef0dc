"""The tree of one process of several: what lives in it, in which order, for each kind of node."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest
import trio.testing

from actors import Node, System, open_system
from server.cluster.joining import joined
from server.cluster.names import new_node_name
from server.cluster.node import ClusterNode
from server.cluster.remote_writer import WRITER
from server.cluster.trouble import EngineTrouble
from server.listening import open_listener
from server.operators.cluster_families import cluster_families
from server.parts import Ground
from server.rooms.finding import RoomsAnywhere
from server.serving import prepare, serve
from server.settings import DatabaseUrl, Engine, Settings
from server.store.opening import Store, open_claimed, open_store
from server.tree import tree
from tests.cluster.waiting import until
from tests.harness.postgres import PostgresServer

OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text()
ROOM = "r_01HZY3T4V5W6X7Y8Z9A0B1C2D3"


class Grounds:
    """What trees of nodes may stand on."""

    def __init__(self, data: Path, engine: str, opened: ExitStack) -> None:
        self._data = data
        self._engine = engine
        self._opened = opened

    def sqlite(self, *, owner: bool) -> Ground:
        settings = Settings(data=self._data)
        if not (self._data / "hubbub.sqlite3").exists():
            open_store(self._data).close()
        return self._ground(settings, self._opened.enter_context(open_claimed(self._data, writes=owner)), owner)

    def postgres(self, url: str, *, owner: bool) -> Ground:
        settings = Settings(data=self._data, database=DatabaseUrl(url))
        return self._ground(settings, self._opened.enter_context(open_store(self._data, database=url)), owner)

    def _ground(self, settings: Settings, store: Store, owner: bool) -> Ground:
        listener = self._opened.enter_context(closing(open_listener("127.0.0.1", 0)))
        node = joined(settings, store, name=new_node_name(), engine=self._engine, owner=owner)
        return Ground(settings, store, listener, cluster=self._opened.enter_context(node))


@pytest.fixture
def grounds(tmp_path: Path, engine_url: str) -> Iterator[Grounds]:
    with ExitStack() as opened:
        yield Grounds(tmp_path / "data", engine_url, opened)


@pytest.fixture
def owner(grounds: Grounds) -> Ground:
    return grounds.sqlite(owner=True)


@pytest.fixture
def gateway(grounds: Grounds) -> Ground:
    return grounds.sqlite(owner=False)


@pytest.fixture
def sharing(grounds: Grounds, postgres: PostgresServer) -> Ground:
    return grounds.postgres(postgres.database(), owner=True)


def leaves(node: Node) -> list[str]:
    """The children that are no supervisors of a fixed list, in start order."""
    if node.kind == "supervisor":
        return [leaf for child in node.children for leaf in leaves(child)]
    return [node.id]


def node_of(ground: Ground) -> ClusterNode:
    assert ground.cluster is not None
    return ground.cluster


BEFORE_SESSIONS = ["engine", "links", "rooms", "relays", "heads", "users"]
ABOUT_SHARDS = ["mover", "hints", "placement"]


def until_sessions(system: System) -> list[str]:
    order = leaves(system.describe())
    return order[: order.index("sessions")]


async def test_who_owns_all_rooms_over_sqlite_writes_for_others(owner: Ground) -> None:
    node = node_of(owner)
    async with open_system(tree(owner), distribution=node.distribution) as system:
        asked = ["remote writer", "writer"]
        assert until_sessions(system) == ["writer", "indexing", "reader", *BEFORE_SESSIONS, *asked, *ABOUT_SHARDS]
        assert leaves(system.describe())[-1] == "departure", "it stops before everything else"
        assert node.is_writer()
        assert node.ownership.is_mine(ROOM)
        assert node.trouble() == ""


async def test_a_gateway_over_sqlite_has_no_writer_and_asks_the_owner(grounds: Grounds, gateway: Ground) -> None:
    node = node_of(gateway)
    async with open_system(tree(gateway), distribution=node.distribution) as system:
        assert until_sessions(system) == ["reader", *BEFORE_SESSIONS, "remote writer", "writer", *ABOUT_SHARDS]
        assert node.at_owner(WRITER) is None, "nobody owns anything yet"
        rooms = node.rooms(system)
        assert isinstance(rooms, RoomsAnywhere)
        assert rooms.find_or_start(ROOM).path.startswith("hubbub/relays/")


async def test_a_gateway_that_nobody_has_come_to_reads_nothing(gateway: Ground, owner: Ground) -> None:
    for ground, reads in ((gateway, False), (owner, True)):
        async with open_system(tree(ground), distribution=node_of(ground).distribution) as system:
            await trio.testing.wait_all_tasks_blocked()
            assert ("ending" in leaves(system.describe())) is reads, "who looks after rooms"
            assert ("reading" in vars(ground.store)) is reads, "its engine is made when it is needed"


async def test_one_of_several_over_postgres_writes_beside_the_others(sharing: Ground) -> None:
    node = node_of(sharing)
    async with open_system(tree(sharing), distribution=node.distribution) as system:
        assert until_sessions(system) == ["writer", "indexing", "reader", *BEFORE_SESSIONS, *ABOUT_SHARDS]
        await until(lambda: node.ownership.is_mine(ROOM), "alone, it takes all shards")
        assert node.rooms(system).find_or_start(ROOM).path.startswith("hubbub/rooms/")
        assert node.trouble() == ""


async def test_what_is_told_to_a_room_of_others_starts_none_here(gateway: Ground, owner: Ground) -> None:
    for ground, starts in ((gateway, False), (owner, True)):
        node = node_of(ground)
        async with open_system(tree(ground), distribution=node.distribution) as system:
            assert node.distribution.find(f"rooms/{ROOM}", start=False) is None
            assert (node.distribution.find(f"rooms/{ROOM}", start=True) is not None) is starts
            assert node.distribution.find("rooms/no room", start=True) is None
            assert node.distribution.find(f"sessions/{ROOM}", start=True) is None, "sessions are started by nobody else"
            assert system.dynamic("rooms").find("no room") is None


async def test_what_a_node_measures_is_explained_to_operators(sharing: Ground) -> None:
    node = node_of(sharing)
    async with open_system(tree(sharing), distribution=node.distribution):
        families = list(cluster_families(node))
    section = OPERATIONS.split("## Several nodes")[1].split("\n## ")[0]
    names = {f"{family.name}_total" if family.kind == "counter" else family.name for family in families}
    assert set(re.findall(r"^\| `(hubbub_\w+)` \|", section, re.MULTILINE)) == names
    assert [sample.value for family in families if family.name == "hubbub_shards" for sample in family.samples] == [
        1024
    ]  # type: ignore[union-attr]


@pytest.mark.parametrize("begin", [prepare, partial(serve, ready=lambda url, system: None)], ids=["workers", "alone"])
def test_an_engine_that_cannot_be_reached_keeps_a_server_from_starting(
    tmp_path: Path, begin: Callable[[Settings], None]
) -> None:
    settings = Settings(data=tmp_path / "data", port=0, engine=Engine(f"unix://{tmp_path}/nobody.sock"))
    with pytest.raises(EngineTrouble, match="cannot be reached"):
        begin(settings)


def test_a_gateway_has_not_opened_the_database_for_itself(gateway: Ground) -> None:
    """What it makes when somebody needs it is for itself, not shared with the other gateways."""
    assert not {"reading", "writing", "log_file"} & vars(gateway.store).keys()


def test_no_two_starts_of_a_node_have_one_name() -> None:
    assert len({new_node_name() for _ in range(100)}) == 100
