"""The opening handshake of RFC 6455, section 4.2, as a pure function: a request in, our 101 or a refusal out.

Pages of other origins are refused here (section 10.2): browsers let any page open a websocket to any server,
and only the `Origin` header tells. Programs that are no browsers send none and are welcome.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Collection, Iterable
from typing import Final

from msgspec import Struct

from server.gateway import refusals
from server.gateway.deflate import agree
from server.gateway.dialects import Dialect, dialect
from server.gateway.refusals import Refused, bad_upgrade
from server.protocol.codec import JSON, MSGPACK

WEBSOCKET_PATH: Final = b"/v1/ws"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_PORTS: Final = {"http": ":80", "https": ":443"}  # as a `Host` may name them, and an origin never does
_BEARER: Final = "bearer "
_CODECS: Final = {codec.subprotocol: codec for codec in (JSON, MSGPACK)}


class Upgrade(Struct, frozen=True):
    """A request that may become a websocket.

    Parameters
    ----------
    key
        `Sec-WebSocket-Key` as it was sent.
    subprotocol
        The one to answer with, or None where the client asked for none that is spoken here.
    extensions
        What to answer to the extensions that were offered, or None where none of them is used.
    dialect
        What follows from both.
    token
        What followed `Authorization: Bearer`, or None without that header. Not looked at here.
    """

    key: bytes
    subprotocol: str | None
    extensions: str | None
    dialect: Dialect
    token: str | None


class Fields:
    """The header fields of one request; asked for by their names in lower case."""

    __slots__ = ("_values",)

    def __init__(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in fields:
            self._values.setdefault(name.lower(), []).append(value)

    def all(self, name: bytes) -> list[str]:
        values = self._values.get(name)
        return [] if values is None else [value.decode("latin-1").strip() for value in values]

    def one(self, name: bytes) -> str | None:
        """The value of a field that may stand there once; None if it is absent or ambiguous."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None

    def tokens(self, name: bytes) -> list[str]:
        """The elements of a comma-separated list, which may be spread over several fields (RFC 9110, 5.6.1)."""
        return [token.strip() for value in self.all(name) for token in value.split(",") if token.strip()]

    def names(self, name: bytes, token: str) -> bool:
        """Whether such a list has `token`, which is in lower case, in any."""
        return token in [element.strip() for value in self.all(name) for element in value.lower().split(",")]


def judge(
    method: bytes,
    http_version: bytes,
    fields: Fields,
    allowed_origins: Collection[str],
    *,
    secure: bool = False,
    compression: bool = False,
) -> Upgrade | Refused:
    """Whether this request for the websocket's path may become one.

    Parameters
    ----------
    allowed_origins
        Origins besides the server's own, as `scheme://host[:port]` in lower case.
    secure
        Whether the request is known to have come encrypted. Then the page has to have come so, too: anybody between
        could have written one that did not.
    compression
        Whether an offer of permessage-deflate is taken.
    """
    if not fields.names(b"upgrade", "websocket"):
        return refusals.NOT_A_WEBSOCKET
    if method != b"GET" or http_version != b"1.1":
        return bad_upgrade("a websocket is opened with GET and HTTP/1.1")
    if not fields.names(b"connection", "upgrade"):
        return bad_upgrade("the `Connection` header must name `Upgrade`")
    if fields.all(b"transfer-encoding") or fields.one(b"content-length") not in {None, "0"}:
        return bad_upgrade("an upgrade has no body")
    if fields.all(b"sec-websocket-version") != ["13"]:
        return refusals.OTHER_VERSION
    key = fields.one(b"sec-websocket-key")
    if key is None or not _is_key(key):
        return bad_upgrade("`Sec-WebSocket-Key` must be 16 bytes in base64")
    if not _is_welcome(fields, allowed_origins, secure=secure):
        return refusals.FOREIGN_ORIGIN
    token: str | None = None
    if authorizations := fields.all(b"authorization"):
        token = _bearer(authorizations)
        if token is None:
            return refusals.BAD_TOKEN
    return _agreed(key.encode(), fields, token, compression=compression)


def _agreed(key: bytes, fields: Fields, token: str | None, *, compression: bool) -> Upgrade:
    """The client's wishes, in its order, as far as they can be met. Who asks for no subprotocol speaks JSON."""
    offered = fields.tokens(b"sec-websocket-protocol")
    subprotocol = next((name for name in offered if name in _CODECS), None)
    agreement = agree(fields.tokens(b"sec-websocket-extensions")) if compression else None
    return Upgrade(
        key,
        subprotocol,
        None if agreement is None else agreement.response,
        dialect(
            JSON if subprotocol is None else _CODECS[subprotocol],
            None if agreement is None else agreement.window_bits,
        ),
        token,
    )


def switching_protocols(upgrade: Upgrade) -> bytes:
    """Our 101. What was offered and is not in it, the client knows was not taken."""
    accept = base64.b64encode(hashlib.sha1(upgrade.key + _GUID, usedforsecurity=False).digest())
    fields = [b"upgrade: websocket", b"connection: Upgrade", b"sec-websocket-accept: " + accept]
    if upgrade.subprotocol is not None:
        fields.append(b"sec-websocket-protocol: " + upgrade.subprotocol.encode())
    if upgrade.extensions is not None:
        fields.append(b"sec-websocket-extensions: " + upgrade.extensions.encode())
    return b"\r\n".join((b"HTTP/1.1 101 Switching Protocols", *fields, b"", b""))


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _bearer(authorizations: list[str]) -> str | None:
    """The token, or None where there is not exactly one in the form of RFC 6750, section 2.1."""
    if len(authorizations) != 1 or not authorizations[0].lower().startswith(_BEARER):
        return None
    return authorizations[0][len(_BEARER) :].strip() or None


def _is_welcome(fields: Fields, allowed: Collection[str], *, secure: bool) -> bool:
    """Same origin means here: the page came from the host and port it now connects to.

    The scheme is not compared where this socket is plain: behind a terminator the page is `https` all the same.
    """
    origins = fields.all(b"origin")
    if not origins:
        return True
    if len(origins) > 1:
        return False
    origin = origins[0].lower()
    scheme, _, authority = origin.partition("://")
    if origin in allowed:
        return True
    host = fields.one(b"host")
    if host is None or scheme not in _PORTS or (secure and scheme != "https"):
        return False
    return authority.removesuffix(_PORTS[scheme]) == host.lower().removesuffix(_PORTS[scheme]) != ""
