"""An engine that is reached by TLS. The one of the wheel speaks none, so what ends it stands in front, as in many a
data centre."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from actors import SupervisorSpec, TaskSpec, open_system
from server.cluster.engine import check_engine
from server.cluster.engine_url import read_engine_url
from server.cluster.era import Timing
from server.cluster.trouble import EngineTrouble
from server.cluster.valkey import EngineLink
from tests.cluster.waiting import until
from tests.harness.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def pass_on(source: trio.abc.Stream, target: trio.abc.Stream, scope: trio.CancelScope) -> None:
    try:
        while data := await source.receive_some(65_536):
            await target.send_all(data)
    except trio.BrokenResourceError:
        pass
    scope.cancel()


@asynccontextmanager
async def terminated(engine_url: str, authority: Authority) -> AsyncIterator[str]:
    """The URL at which an engine is reached by TLS."""
    files = authority.issue()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        engine = await trio.open_unix_socket(engine_url.removeprefix("unix://"))
        async with engine, trio.open_nursery() as both:
            both.start_soon(pass_on, stream, engine, both.cancel_scope)
            both.start_soon(pass_on, engine, stream, both.cancel_scope)

    async with trio.open_nursery() as nursery:
        begin = partial(trio.serve_ssl_over_tcp, serve, 0, context, host="127.0.0.1", https_compatible=True)
        listeners = await nursery.start(begin)
        yield f"valkeys://localhost:{listeners[0].transport_listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


class Ears:
    """What a node was told by its link."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.there: set[str] = set()

    def received(self, node: str, data: bytes, /) -> None:
        self.heard.append((node, data))

    def node_up(self, node: str, /) -> None:
        self.there.add(node)

    def node_down(self, node: str, /) -> None:
        self.there.discard(node)

    def wait_longer(self, times: float, /) -> None:
        """They are two."""


async def test_nodes_hear_each_other_over_tls(
    engine_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one record of TLS takes, too. Whom to trust is said as OpenSSL wants it said."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with terminated(engine_url, authority) as url:
        await check_engine(read_engine_url(url))
        a, b = (EngineLink(read_engine_url(url), "over tls", name, Timing()) for name in "ab")
        of_a, of_b = Ears(), Ears()
        a.open(of_a, lambda _: None)
        b.open(of_b, lambda _: None)
        tree = SupervisorSpec("stations", [TaskSpec("a", a.run), TaskSpec("b", b.run)])
        async with open_system(tree):
            await until(lambda: (of_a.there, of_b.there) == ({"b"}, {"a"}), "they see each other")
            assert a.send("b", b"x" * 100_000)
            await until(lambda: of_b.heard == [("a", b"x" * 100_000)], "it is heard")


async def test_an_engine_nobody_vouches_for_is_one_line(engine_url: str, authority: Authority) -> None:
    async with terminated(engine_url, authority) as url:
        with pytest.raises(EngineTrouble, match="does not speak TLS as expected: CERTIFICATE_VERIFY_FAILED"):
            await check_engine(read_engine_url(url))


async def test_an_engine_that_speaks_no_tls_is_one_line() -> None:
    async def say(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"-ERR unknown command\r\n")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, say, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(EngineTrouble, match="does not speak TLS as expected") as caught:
            await check_engine(read_engine_url(f"rediss://localhost:{port}"))
        assert "\n" not in str(caught.value)
        nursery.cancel_scope.cancel()
