"""What the gateway itself answers by HTTP when it says no: which status for which failure, and its bytes. Pure.

Each ends its connection, and is written without an HTTP library, because some are written when there is none at
hand (a request that is no HTTP, a server that has no descriptor to spare). The body is the one of
docs/protocol.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from server.protocol.errors import ErrorCode

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A request the gateway does not pass on."""

    status: HTTPStatus
    code: ErrorCode
    message: str
    headers: Headers = ()


def response(refused: Refused, *, head_only: bool = False) -> bytes:
    """The whole response; without its body when the request was a HEAD."""
    body = json.dumps({"error": {"code": refused.code, "message": refused.message}}).encode()
    lines = [
        f"HTTP/1.1 {refused.status.value} {refused.status.phrase}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "connection: close",
        *(f"{name}: {value}" for name, value in refused.headers),
    ]
    head = "\r\n".join((*lines, "", "")).encode("ascii")
    return head if head_only else head + body


def _unavailable(message: str, *, retry_after: int) -> Refused:
    """Not now, but after so many seconds."""
    headers = (("retry-after", str(retry_after)),)
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.UNAVAILABLE, message, headers)


TORN: Final = Refused(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, "this is not an HTTP/1.1 request")
HEAD_TOO_LARGE: Final = Refused(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, ErrorCode.TOO_LONG, "the head of the request is too large"
)
TOO_SLOW: Final = Refused(HTTPStatus.REQUEST_TIMEOUT, ErrorCode.BAD_REQUEST, "the request took too long to arrive")
NO_PLAIN_HTTP: Final = Refused(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, "this port speaks plain http, not https")
NO_TLS: Final = Refused(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, "this port speaks https, not plain http")
BODY_TOO_LARGE: Final = Refused(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, ErrorCode.TOO_LONG, "the body of the request is too large"
)
FAILED: Final = Refused(
    HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.UNAVAILABLE, "something went wrong here, please try again"
)
OVER_CAPACITY: Final = _unavailable("the server is full, please try again", retry_after=5)
ADDRESS_OVER_CAPACITY: Final = _unavailable(
    "your address has as many connections as it may, please close some", retry_after=30
)
ADDRESS_TOO_FAST: Final = _unavailable("your address connects too often, please wait", retry_after=5)
TOO_MANY_AT_ONCE: Final = _unavailable("too many connect at the same time, please try again", retry_after=2)
DEPARTING: Final = _unavailable("the server is about to stop, please try again", retry_after=1)
NOT_A_WEBSOCKET: Final = Refused(
    HTTPStatus.UPGRADE_REQUIRED,
    ErrorCode.BAD_REQUEST,
    "this address speaks the websocket protocol",
    (("upgrade", "websocket"), ("sec-websocket-version", "13")),
)
OTHER_VERSION: Final = Refused(  # RFC 6455, section 4.4
    HTTPStatus.UPGRADE_REQUIRED,
    ErrorCode.BAD_REQUEST,
    "only version 13 of the websocket protocol is spoken here",
    (("upgrade", "websocket"), ("sec-websocket-version", "13")),
)
FOREIGN_ORIGIN: Final = Refused(HTTPStatus.FORBIDDEN, ErrorCode.FORBIDDEN, "pages of that origin may not connect")
BAD_TOKEN: Final = Refused(
    HTTPStatus.UNAUTHORIZED,
    ErrorCode.BAD_TOKEN,
    "this token is not good, please log in",
    (("www-authenticate", "Bearer"),),
)


def bad_upgrade(complaint: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, complaint)


_REASONS: Final = {
    OVER_CAPACITY: "full",
    ADDRESS_OVER_CAPACITY: "address_full",
    ADDRESS_TOO_FAST: "address_too_fast",
    TOO_MANY_AT_ONCE: "too_many_at_once",
    DEPARTING: "departing",
    FOREIGN_ORIGIN: "foreign_origin",
    BAD_TOKEN: "bad_token",
    TOO_SLOW: "too_slow",
    HEAD_TOO_LARGE: "head_too_large",
    TORN: "torn",
    NO_PLAIN_HTTP: "tls",
    NO_TLS: "no_tls",
}


def reason_of(refused: Refused) -> str:
    """One word for counters; there are only so many of them, whatever peers send."""
    return _REASONS.get(refused, refused.status.phrase.lower().replace(" ", "_"))
