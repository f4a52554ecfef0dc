from __future__ import annotations

import pytest

from server.cluster.engine_url import EngineUrl, WrongUrl, read_engine_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("valkey://localhost", EngineUrl(host="localhost")),
        ("redis://10.0.0.7:7000/3", EngineUrl(host="10.0.0.7", port=7000, database=3)),
        ("valkeys://e.example", EngineUrl(host="e.example", tls=True)),
        ("rediss://e.example:6380/", EngineUrl(host="e.example", port=6380, tls=True)),
        ("valkey://[::1]:6379", EngineUrl(host="::1")),
        ("valkey://me:p%40ss@h", EngineUrl(host="h", username="me", password="p@ss")),
        ("valkey://:secret@h", EngineUrl(host="h", password="secret")),
        ("unix:///run/engine.sock", EngineUrl(path="/run/engine.sock")),
        ("unix:///run/engine.sock?database=2", EngineUrl(path="/run/engine.sock", database=2)),
    ],
)
def test_what_an_operator_writes(text: str, url: EngineUrl) -> None:
    assert read_engine_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "localhost:6379", "http://h", "valkey://", "valkey:///0", "valkey://h:port", "valkey://h:99999",
        "valkey://h?database=1", "valkey://h/one", "valkey://h/1/2", "unix://engine.sock", "unix:///", "unix:///x?db=1",
        "unix:///x?database=-1", "valkey://h/²",
    ],
)  # fmt: skip
def test_what_is_no_engine(text: str) -> None:
    with pytest.raises(WrongUrl, match="expected"):
        read_engine_url(text)


def test_a_password_is_not_shown() -> None:
    url = read_engine_url("valkeys://me:secret@[::1]:7000/1")
    assert str(url) == "valkeys://[::1]:7000"
    assert "secret" not in repr(url)
    with pytest.raises(WrongUrl) as wrong:
        read_engine_url("valkey://me:secret@h:port")
    assert "secret" not in str(wrong.value)
