"""Where a server is: one URL, read once, for its websocket and its HTTP calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_SCHEMES: Final = {"http": False, "ws": False, "https": True, "wss": True}
_PORTS: Final = {False: 80, True: 443}


class BadUrl(ValueError):
    """No server can be found by this URL; the message says why."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's address. `prefix` is the path under which it is mounted, without a slash at its end."""

    host: str
    port: int
    tls: bool
    prefix: str = ""

    @property
    def authority(self) -> str:
        """What goes into the `Host` header (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.tls] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.prefix}"

    def target(self, path: str) -> str:
        return self.prefix + path


def endpoint_of(url: str) -> Endpoint:
    """The server at `url`: http(s):// or ws(s)://, a bare `host:port` means http.

    Raises
    ------
    BadUrl
        Another scheme, no host, a port that is none, or a part that would be ignored (user, query, fragment).
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError as error:
        raise BadUrl(f"{url!r}: {error}") from None
    if parts.scheme not in _SCHEMES:
        raise BadUrl(f"{url!r}: the scheme must be http or https")
    if not parts.hostname:
        raise BadUrl(f"{url!r}: no host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadUrl(f"{url!r}: only scheme, host, port and path are understood")
    if not parts.path.isascii() or not parts.hostname.isprintable():
        raise BadUrl(f"{url!r}: unreadable characters")
    tls = _SCHEMES[parts.scheme]
    return Endpoint(parts.hostname, _PORTS[tls] if port is None else port, tls, parts.path.rstrip("/"))
