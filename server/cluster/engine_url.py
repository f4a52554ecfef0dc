"""Where the engine is: what an operator writes, taken apart and checked. Pure.

    valkey://[user:password@]host[:port][/database]     redis:// means the same
    valkeys://…                                         with TLS; rediss:// means the same
    unix:///path/of/the.sock[?database=N]

A password is never shown: `str` of an `EngineUrl` leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

PORT: Final = 6_379
_PLAIN: Final = frozenset({"valkey", "redis"})
_TLS: Final = frozenset({"valkeys", "rediss"})
_WANTED: Final = "expected valkey://host:port, valkeys://… with TLS, or unix:///path"


class WrongUrl(ValueError):
    """What is wrong with it, in a few words, without the password."""


@dataclass(frozen=True, slots=True)
class EngineUrl:
    """An engine.

    Parameters
    ----------
    path
        Of its unix socket; empty: it is reached by `host` and `port`.
    database
        The number of the database in which its keys are.
    """

    host: str = ""
    port: int = PORT
    path: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False

    def __str__(self) -> str:
        if self.path:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'valkeys' if self.tls else 'valkey'}://{host}:{self.port}"


def read_engine_url(text: str) -> EngineUrl:
    """Raises `WrongUrl`."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise WrongUrl(_WANTED) from None
    if parts.scheme == "unix":
        return _unix(parts)
    if parts.scheme not in _PLAIN | _TLS or not parts.hostname or parts.query or parts.fragment:
        raise WrongUrl(_WANTED)
    return EngineUrl(
        host=parts.hostname,
        port=PORT if port is None else port,
        database=_database(parts.path.removeprefix("/")),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme in _TLS,
    )


def _unix(parts: SplitResult) -> EngineUrl:
    asked = parse_qs(parts.query)
    if parts.netloc or not parts.path.startswith("/") or parts.path == "/" or asked.keys() - {"database"}:
        raise WrongUrl(_WANTED)
    return EngineUrl(path=unquote(parts.path), database=_database(asked.get("database", [""])[0]))


def _database(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit():
        raise WrongUrl("expected the number of a database behind the last slash")
    return int(text)
