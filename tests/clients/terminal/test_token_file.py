"""Tokens are kept for their owner's eyes only, and survive each other and a crash."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clients.terminal.tokens import TokenFile, state_folder

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "hubbub"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_token_is_found_by_server_and_name(folder: Path) -> None:
    tokens = TokenFile(folder)
    assert tokens.find(HERE, "ann") is None
    tokens.keep(HERE, "ann", "t1")
    tokens.keep(HERE, "bob", "t2")
    tokens.keep("https://chat.example", "ann", "t3")
    assert [tokens.find(HERE, "ann"), tokens.find(HERE, "bob")] == ["t1", "t2"]
    assert TokenFile(folder).find("https://chat.example", "ann") == "t3"


def test_a_forgotten_token_is_gone_and_no_other(folder: Path) -> None:
    tokens = TokenFile(folder)
    tokens.keep(HERE, "ann", "t1")
    tokens.keep(HERE, "bob", "t2")
    tokens.forget(HERE, "ann")
    tokens.forget(HERE, "nobody")
    tokens.forget("http://elsewhere", "ann")
    assert tokens.find(HERE, "ann") is None
    assert tokens.find(HERE, "bob") == "t2"
    assert b"t1" not in (folder / "tokens.json").read_bytes()


def test_only_the_owner_may_read_them_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        TokenFile(folder).keep(HERE, "ann", "t")
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


def test_a_folder_that_was_open_to_others_is_closed(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    TokenFile(folder).keep(HERE, "ann", "t")
    assert mode(folder) == 0o700


def test_a_damaged_file_keeps_nothing_and_is_repaired(folder: Path) -> None:
    tokens = TokenFile(folder)
    tokens.keep(HERE, "ann", "t")
    (folder / "tokens.json").write_text('{"http://127')
    assert tokens.find(HERE, "ann") is None
    tokens.keep(HERE, "ann", "t2")
    assert tokens.find(HERE, "ann") == "t2"


def test_a_write_that_fails_leaves_the_old_file_and_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = TokenFile(folder)
    tokens.keep(HERE, "ann", "t")

    def no_space(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        tokens.keep(HERE, "ann", "t2")
    assert tokens.find(HERE, "ann") == "t"
    assert sorted(file.name for file in folder.iterdir()) == ["lock", "tokens.json"]


def test_terminals_that_sign_in_together_keep_all_their_tokens(folder: Path) -> None:
    def sign_in(n: int) -> None:
        TokenFile(folder).keep(HERE, f"user{n}", f"t{n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sign_in, range(40)))
    assert [TokenFile(folder).find(HERE, f"user{n}") for n in range(40)] == [f"t{n}" for n in range(40)]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_STATE_HOME": "/var/state"}, Path("/var/state/hubbub")),
        ({"XDG_STATE_HOME": "relative"}, Path.home() / ".local/state/hubbub"),
        ({}, Path.home() / ".local/state/hubbub"),
    ],
)
def test_where_they_are(environment: dict[str, str], folder: Path) -> None:
    assert state_folder(environment) == folder
