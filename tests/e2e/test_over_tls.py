"""The server as its operator runs it, with TLS: certificates that change, wrong ones, proxies, and all its clients."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.harness.authority import Authority
from tests.harness.people import PASSWORD, Talker, open_websocket
from tests.harness.server import ServerProcess


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(tmp_path: Path, authority: Authority) -> Iterator[ServerProcess]:
    """A server that shows `server.pem`."""
    install(authority, tmp_path)
    options = ["--tls-cert", str(tmp_path / "server.pem"), "--tls-key", str(tmp_path / "server.key")]
    with ServerProcess(tmp_path / "data", options=options) as running:
        yield running


def install(authority: Authority, folder: Path) -> None:
    """A new certificate in place of the one before."""
    issued = authority.issue()
    shutil.copy(issued.certificate, folder / "server.pem")
    shutil.copy(issued.key, folder / "server.key")


def call(
    server: ServerProcess, authority: Authority, path: str, body: object = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (in lower case) and body of one call."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data)
    try:
        with urllib.request.urlopen(request, timeout=15, context=authority.trusting()) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def token_of(server: ServerProcess, authority: Authority, name: str) -> str:
    status, _, body = call(server, authority, "/v1/register", {"name": name, "password": PASSWORD})
    assert status == 201, body
    token: str = json.loads(body)["token"]
    return token


def talk(server: ServerProcess, authority: Authority, token: str) -> Talker:
    """This client reads in a thread of its own, and Python 3.11 lets two threads into one object of OpenSSL at once:
    once in hundreds of times that is an `internal error` of the client."""
    tries = 3
    while True:
        tries -= 1
        try:
            return Talker(open_websocket(server.websocket_url, ssl=authority.trusting()), token)
        except ConnectionClosedError as error:
            if not tries or "internal error" not in str(error.__cause__):
                raise


def serial_number(server: ServerProcess, authority: Authority) -> str:
    """Of the certificate that somebody is shown who comes now."""
    with (
        socket.create_connection(server.address, timeout=10) as plain,
        authority.trusting().wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        shown = secured.getpeercert()
        assert shown is not None
        return str(shown["serialNumber"])


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.02)


def test_calls_and_websockets_over_tls(server: ServerProcess, authority: Authority) -> None:
    assert server.url.startswith("https://127.0.0.1:")
    with (
        talk(server, authority, token_of(server, authority, "ada")) as ada,
        talk(server, authority, token_of(server, authority, "bob")) as bob,
    ):
        room = ada.ask("create_room", kind="group", name="Kin", members=["bob"], nonce="n")["room"]
        bob.expect("joined")
        texts = ["x" * 3_000 + str(number) for number in range(50)]
        for text in texts:
            ada.post(room, text)
        assert [bob.expect("message")["text"] for _ in texts] == texts
        seen = bob.ask("history", room=room, limit=50)
        page = [message["text"] for message in seen["messages"]]
        assert len(page) > 20, "more than one record holds"
        assert page == texts[-len(page) :]
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


def test_a_hangup_of_their_parent_renews_the_certificate_of_all_workers(tmp_path: Path, authority: Authority) -> None:
    install(authority, tmp_path)
    options = ["--tls-cert", str(tmp_path / "server.pem"), "--tls-key", str(tmp_path / "server.key"), "--workers", "3"]
    with ServerProcess(tmp_path / "data", options=options) as server:
        before = serial_number(server, authority)
        install(authority, tmp_path)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: server.log.read_text().count("the certificate was read anew") == 3)
        assert before not in {serial_number(server, authority) for _ in range(30)}
        assert server.stop() == 0


def test_the_page_is_told_to_keep_to_https(server: ServerProcess, authority: Authority) -> None:
    for path in ("/", "/static/main.js", "/v1/nowhere"):
        _, headers, _ = call(server, authority, path)
        assert headers["strict-transport-security"] == "max-age=31536000"


def test_pages_of_others_and_pages_in_plain_may_not_connect(server: ServerProcess, authority: Authority) -> None:
    own = server.url.removeprefix("https://")
    with open_websocket(server.websocket_url, ssl=authority.trusting(), origin=f"https://{own}"):
        pass
    for origin in (f"http://{own}", "https://evil.example"):
        with pytest.raises(InvalidStatus) as caught:
            open_websocket(server.websocket_url, ssl=authority.trusting(), origin=origin)
        assert caught.value.response.status_code == 403


def test_a_hangup_reads_the_certificate_anew_and_disturbs_nobody(
    server: ServerProcess, authority: Authority, tmp_path: Path
) -> None:
    before = serial_number(server, authority)
    with talk(server, authority, token_of(server, authority, "ada")) as ada:
        install(authority, tmp_path)
        assert serial_number(server, authority) == before, "not without being told to"
        server.process.send_signal(signal.SIGHUP)
        until(lambda: serial_number(server, authority) != before)
        renewed = serial_number(server, authority)
        (tmp_path / "server.pem").write_text("no certificate")
        for complaints in (1, 2):
            server.process.send_signal(signal.SIGHUP)
            until(lambda wanted=complaints: server.log.read_text().count("stays as it was") == wanted)  # type: ignore[misc]
        lines = [line for line in server.log.read_text().splitlines() if "stays as it was" in line]
        assert all("`tls_cert`" in line and "server.pem" in line for line in lines)
        assert serial_number(server, authority) == renewed
        assert ada.ask("ping")["op"] == "pong"
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tls-cert", "absent.pem"], ["`tls_cert`", "absent.pem", "No such file"]),
        (["--tls-cert", "server.key"], ["`tls_cert`", "no certificate"]),
        (["--tls-cert", "server.pem"], ["`tls_key`", "no private key"]),
        (["--tls-cert", "server.pem", "--tls-key", "absent.key"], ["`tls_key`", "absent.key", "No such file"]),
        (["--tls-cert", "server.pem", "--tls-key", "other.key"], ["`tls_key`", "other.key"]),
        (["--tls-key", "server.key"], ["`tls_key`", "`tls_cert` is not"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_wrong_files_are_one_line_and_nothing_is_touched(
    tmp_path: Path, authority: Authority, options: list[str], words: list[str]
) -> None:
    install(authority, tmp_path)
    shutil.copy(authority.issue().key, tmp_path / "other.key")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        [sys.executable, "-m", "server", "serve", "--data", "data", "--port", "0", *options],
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    for word in words:
        assert word in line
    assert not (tmp_path / "data").exists()


def test_the_terminal_client_trusts_who_it_is_told_to(
    server: ServerProcess, authority: Authority, tmp_path: Path
) -> None:
    def chat(*options: str, url: str = server.url, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "server", "chat", url, "--name", "ada", "--register", *options],
            input="/rooms\n", capture_output=True, text=True, timeout=60, check=False,
            env=os.environ | {"HUBBUB_PASSWORD": PASSWORD, "XDG_STATE_HOME": str(tmp_path / "state")} | environment,
        )  # fmt: skip

    stranger = chat()
    assert stranger.returncode == 1
    (line,) = stranger.stderr.splitlines()
    assert "certificate verify failed" in line
    assert "--ca" in line
    for trusting in (chat("--ca", str(authority.file)), chat(HUBBUB_CA=str(authority.file))):
        assert trusting.returncode == 0, trusting.stderr
    assert chat("--ca", str(authority.file), url=server.url.replace("https", "wss")).returncode == 0
    for wrong in (tmp_path / "absent.pem", tmp_path / "server.key"):
        ended = chat("--ca", str(wrong))
        assert ended.returncode == 2
        (line,) = ended.stderr.splitlines()
        assert str(wrong) in line


def test_who_is_behind_a_proxy_is_believed_only_from_there(tmp_path: Path) -> None:
    """Logins are throttled by name and address: the address is the forwarded one where the proxy is trusted."""

    def statuses(server: ServerProcess, forwarded: list[str]) -> list[int]:
        found = []
        for address in forwarded:
            request = urllib.request.Request(
                server.url + "/v1/login",
                json.dumps({"name": "ada", "password": "a wrong password"}).encode(),
                {"X-Forwarded-For": address},
            )
            with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request, timeout=15):
                pass
            with caught.value as error:
                found.append(error.code)
        return found

    guesses = [f"192.0.2.{number}" for number in range(4)]
    few = {"HUBBUB_LOGIN_ATTEMPTS": "2"}
    with ServerProcess(tmp_path / "open", environment=few) as server:
        assert statuses(server, guesses) == [401, 401, 429, 429]
        assert server.stop() == 0
    trusting = few | {"HUBBUB_TRUSTED_PROXIES": "127.0.0.0/8, ::1"}
    with ServerProcess(tmp_path / "behind", environment=trusting) as server:
        assert statuses(server, guesses) == [401] * 4
        assert statuses(server, ["6.6.6.6, 192.0.2.9", "7.7.7.7, 192.0.2.9", "192.0.2.9"]) == [401, 401, 429]
        assert server.stop() == 0
