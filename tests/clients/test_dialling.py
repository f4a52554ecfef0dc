"""Opening streams: TCP and TLS on the loopback, and what is said when it fails."""

from __future__ import annotations

import socket
import ssl
from functools import partial
from pathlib import Path

import pytest
import trio

from clients.accounts import login
from clients.dialling import BadAuthority, dial, trusting
from clients.endpoint import Endpoint
from clients.http_call import CallFailed
from tests.harness.authority import Authority

ANSWER = b'{"user":{"user":"u_A","name":"ann"},"token":"t"}'
RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def answer_one(stream: trio.abc.Stream) -> None:
    try:
        await stream.receive_some()
        await stream.send_all(RESPONSE)
    except trio.BrokenResourceError:
        return  # the client does not trust us


@pytest.fixture
async def tls_port(authority: Authority, nursery: trio.Nursery) -> int:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    files = authority.issue("localhost")
    context.load_cert_chain(files.certificate, files.key)
    serve = partial(trio.serve_ssl_over_tcp, answer_one, 0, context, host="127.0.0.1", https_compatible=True)
    listeners: list[trio.SSLListener[trio.SocketStream]] = await nursery.start(serve)
    port: int = listeners[0].transport_listener.socket.getsockname()[1]  # type: ignore[attr-defined]
    return port


async def test_a_server_with_a_certificate_that_is_trusted(authority: Authority, tls_port: int) -> None:
    account = await login(f"https://localhost:{tls_port}", "ann", "longenough", tls=trusting(authority.file))
    assert account.token == "t"


async def test_a_certificate_nobody_vouches_for(tls_port: int) -> None:
    with pytest.raises(CallFailed, match="certificate verify failed"):
        await login(f"https://localhost:{tls_port}", "ann", "longenough")


def test_an_authority_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadAuthority, match=r"absent\.pem: No such file"):
        trusting(tmp_path / "absent.pem")
    (tmp_path / "empty.pem").touch()
    with pytest.raises(BadAuthority, match=r"empty\.pem holds no certificate"):
        trusting(tmp_path / "empty.pem")


async def test_a_certificate_of_somebody_else(authority: Authority, tls_port: int) -> None:
    with pytest.raises(CallFailed, match=r"not valid for '127\.0\.0\.1'"):
        await login(f"https://127.0.0.1:{tls_port}", "ann", "longenough", tls=trusting(authority.file))


async def test_a_server_that_speaks_no_tls(nursery: trio.Nursery) -> None:
    (listener,) = await nursery.start(partial(trio.serve_tcp, answer_one, 0, host="127.0.0.1"))
    port = listener.socket.getsockname()[1]
    with pytest.raises(CallFailed, match="TLS"):
        await login(f"https://127.0.0.1:{port}", "ann", "longenough")


async def test_a_host_that_does_not_answer_in_time() -> None:
    with trio.socket.socket() as full:
        # One place in the queue, which is taken: the next connection waits for an answer that does not come.
        await full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        async with await trio.open_tcp_stream("127.0.0.1", port):
            with pytest.raises(TimeoutError, match=r"no connection within 0\.2 s"):
                await dial(Endpoint("127.0.0.1", port, tls=False), within=0.2)


async def test_a_port_at_which_nobody_listens() -> None:
    with trio.socket.socket() as free:
        await free.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionError, match="Connection refused"):
            await dial(Endpoint("127.0.0.1", free.getsockname()[1], tls=False))


async def test_the_kernel_looks_after_a_server_that_may_be_silent_for_long(nursery: trio.Nursery) -> None:
    (listener,) = await nursery.start(partial(trio.serve_tcp, answer_one, 0, host="127.0.0.1"))
    async with await dial(Endpoint("127.0.0.1", listener.socket.getsockname()[1], tls=False)) as stream:
        assert isinstance(stream, trio.SocketStream)
        assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 120
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 180_000
