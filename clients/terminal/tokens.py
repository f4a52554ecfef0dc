"""The tokens of this machine's user, kept between runs.

One JSON file, `$XDG_STATE_HOME/hubbub/tokens.json` (XDG Base Directory Specification 0.8; `~/.local/state` where
the variable is not set), readable by its owner only: whoever reads a token is that person. It is replaced, never
rewritten, so that a crash leaves the old or the new one; two terminals that sign in at the same moment take turns
by a lock.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

_OWNER_ONLY: Final = 0o600
_OWNER_ONLY_FOLDER: Final = 0o700

Tokens = dict[str, dict[str, str]]
"""By the server's URL, then by user name."""


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where Hubbub keeps its state. A relative `XDG_STATE_HOME` is ignored, as the specification demands."""
    given = Path(environment.get("XDG_STATE_HOME", ""))
    base = given if given.is_absolute() else Path.home() / ".local" / "state"
    return base / "hubbub"


class TokenFile:
    """The file in `folder`. All of it is quick, and blocks: there is no waiting but for another terminal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "tokens.json"

    def find(self, url: str, name: str) -> str | None:
        return self._read().get(url, {}).get(name)

    def keep(self, url: str, name: str, token: str) -> None:
        def change(tokens: Tokens) -> None:
            tokens.setdefault(url, {})[name] = token

        self._change(change)

    def forget(self, url: str, name: str) -> None:
        def change(tokens: Tokens) -> None:
            tokens.get(url, {}).pop(name, None)
            if not tokens.get(url):
                tokens.pop(url, None)

        self._change(change)

    def _read(self) -> Tokens:
        """What is kept; a file that is missing or damaged keeps nothing, and whoever signs in again repairs it."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Tokens)
        except (FileNotFoundError, msgspec.DecodeError):
            return {}

    def _change(self, change: Callable[[Tokens], None]) -> None:
        with self._locked():
            tokens = self._read()
            change(tokens)
            self._replace(msgspec.json.format(msgspec.json.encode(tokens)))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(mode=_OWNER_ONLY_FOLDER, exist_ok=True)
        self._folder.chmod(_OWNER_ONLY_FOLDER)
        lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _replace(self, content: bytes) -> None:
        """`mkstemp` makes the file with mode 0600, so there is no moment at which others could read it."""
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix="tokens-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            Path(temporary).replace(self._file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
