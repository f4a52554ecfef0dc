"""Opening streams: TCP and TLS on the loopback, and what is said when it fails."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from functools import partial
from pathlib import Path

import pytest
import trio

from clients.accounts import login
from clients.dialling import dial
from clients.endpoint import Endpoint
from clients.http_call import CallFailed

ANSWER = b'{"user":{"user":"u_A","name":"ann"},"token":"t"}'
RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a self-signed certificate of `localhost`, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "certificate.pem").read_bytes())
    return both


async def answer_one(stream: trio.abc.Stream) -> None:
    try:
        await stream.receive_some()
        await stream.send_all(RESPONSE)
    except trio.BrokenResourceError:
        return  # the client does not trust us


@pytest.fixture
async def tls_port(certificate: Path, nursery: trio.Nursery) -> int:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    serve = partial(trio.serve_ssl_over_tcp, answer_one, 0, context, host="127.0.0.1", https_compatible=True)
    listeners: list[trio.SSLListener[trio.SocketStream]] = await nursery.start(serve)
    port: int = listeners[0].transport_listener.socket.getsockname()[1]  # type: ignore[attr-defined]
    return port


async def test_a_server_with_a_certificate_that_is_trusted(certificate: Path, tls_port: int) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    account = await login(f"https://localhost:{tls_port}", "ann", "longenough", tls=trusting)
    assert account.token == "t"


async def test_a_certificate_nobody_vouches_for(tls_port: int) -> None:
    with pytest.raises(CallFailed, match="certificate verify failed"):
        await login(f"https://localhost:{tls_port}", "ann", "longenough")


async def test_a_certificate_of_somebody_else(certificate: Path, tls_port: int) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    with pytest.raises(CallFailed, match=r"not valid for '127\.0\.0\.1'"):
        await login(f"https://127.0.0.1:{tls_port}", "ann", "longenough", tls=trusting)


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
