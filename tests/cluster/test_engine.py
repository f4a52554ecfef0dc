"""What may be wrong with an engine, and the line that says so."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from server.cluster.engine import check_engine, open_connection
from server.cluster.engine_url import EngineUrl
from server.cluster.trouble import EngineRefuses, EngineTrouble
from tests.harness.valkey import ValkeyProcess


@asynccontextmanager
async def answering(said: bytes, afterwards: bytes | None = None) -> AsyncIterator[EngineUrl]:
    """A listener that answers a greeting with some bytes, and everything else, too, or with other ones."""

    async def answer(stream: trio.SocketStream) -> None:
        async for heard in stream:
            if answer := said if b"HELLO" in heard or afterwards is None else afterwards:
                await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        yield EngineUrl(host="127.0.0.1", port=listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


async def trouble_with(url: EngineUrl) -> EngineTrouble:
    with pytest.raises(EngineTrouble) as caught:
        await check_engine(url)
    line = str(caught.value)
    assert "\n" not in line
    assert str(url) in line
    assert "secret" not in line
    return caught.value


async def test_a_good_one(engine_url: str) -> None:
    await check_engine(EngineUrl(path=engine_url.removeprefix("unix://")))


async def test_who_says_something_all_the_time_is_heard_all_the_same(engine_url: str) -> None:
    async with trio.open_nursery() as nursery:
        connection = await open_connection(nursery, EngineUrl(path=engine_url.removeprefix("unix://")), "a")
        first = connection.create_request(b"PUBLISH", b"nobody's", b"0")
        with trio.fail_after(10):
            while not first.complete:
                connection.create_request(b"PUBLISH", b"nobody's", b"more")
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()


async def test_what_has_come_is_heard_in_one_go(engine_url: str) -> None:
    async with trio.open_nursery() as nursery:
        connection = await open_connection(nursery, EngineUrl(path=engine_url.removeprefix("unix://")), "a")
        connection.send_command(b"SUBSCRIBE", b"some")
        async with aclosing(connection.push_messages) as messages:
            assert (await anext(messages))[0] == b"subscribe"
            said = [b"%d" % number for number in range(100)]
            for what in said:
                connection.create_request(b"PUBLISH", b"some", what)
            heard = [await anext(messages)]
            with trio.fail_after(10):
                while len(heard) < 2:
                    await trio.lowlevel.checkpoint()
                    heard += connection.at_hand
            heard += [await anext(messages) for _ in range(100 - len(heard))]
        assert [message[2] for message in heard] == said
        nursery.cancel_scope.cancel()


async def test_nobody_there(tmp_path: Path, nobodys_port: int) -> None:
    trouble = await trouble_with(EngineUrl(path=str(tmp_path / "engine.sock")))
    assert str(trouble).endswith("cannot be reached: No such file or directory")
    trouble = await trouble_with(EngineUrl(host="127.0.0.1", port=nobodys_port))
    assert str(trouble).endswith("cannot be reached: Connection refused")
    assert not isinstance(trouble, EngineRefuses), "it may be there in a moment"


async def test_a_name_that_means_nothing() -> None:
    assert "cannot be reached: " in str(await trouble_with(EngineUrl(host="engine.invalid")))


async def test_a_wrong_password() -> None:
    with ValkeyProcess(["--requirepass", "other"]) as engine:
        without = await trouble_with(EngineUrl(path=str(engine.socket)))
        wrong = await trouble_with(EngineUrl(path=str(engine.socket), password="secret"))
        await check_engine(EngineUrl(path=str(engine.socket), password="other"))
    for trouble in (without, wrong):
        assert isinstance(trouble, EngineRefuses)
        assert "wants another name or password" in str(trouble)


async def test_a_replica_takes_no_writes() -> None:
    with ValkeyProcess(["--replicaof", "127.0.0.1 1"]) as engine:
        trouble = await trouble_with(EngineUrl(path=str(engine.socket)))
    assert isinstance(trouble, EngineRefuses)
    assert "is a replica" in str(trouble)


async def test_a_part_of_a_cluster() -> None:
    with ValkeyProcess(["--cluster-enabled", "yes", "--port", "0", "--cluster-port", "0"]) as engine:
        trouble = await trouble_with(EngineUrl(path=str(engine.socket)))
    assert "Redis Cluster" in str(trouble)


async def test_one_that_is_too_old_for_the_protocol() -> None:
    async with answering(b"-ERR unknown command `HELLO`, with args beginning with: `3`\r\n") as url:
        trouble = await trouble_with(url)
    assert isinstance(trouble, EngineRefuses)
    assert re.search(r"too old; 6\.2 or newer", str(trouble))


async def test_one_that_is_too_old_by_its_version() -> None:
    said = b"%3\r\n+version\r\n+6.0.16\r\n+proto\r\n:3\r\n+id\r\n:1\r\n"
    async with answering(said, b"+OK\r\n") as url:
        trouble = await trouble_with(url)
    assert "is version 6.0.16; 6.2 or newer" in str(trouble)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\r\n", b"+OK\r\n", b"*0\r\n"])
async def test_something_else_listens_there(said: bytes) -> None:
    async with answering(said) as url:
        assert await trouble_with(url)


async def test_somebody_who_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.cluster.engine.CONNECT_SECONDS", 0.1)
    async with answering(b"") as url:
        assert str(await trouble_with(url)).endswith("does not answer")
