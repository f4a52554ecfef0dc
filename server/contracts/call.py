"""A call of the HTTP API, as the router and the document read it: one value, so that neither can miss what the other
has.

What follows from the rest is not said again: a call that needs a token can be refused for it, and one that has a body
can be refused for that (`openapi.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from server.protocol.errors import ErrorCode

Owner = TypeVar("Owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Owner]):
    """One method of one path.

    Parameters
    ----------
    handler
        A method of `Owner`. Its name is the operation's id, its docstring what client authors read.
    answers
        What a call that succeeds is answered with: the type of the body, or None where there is no body.
    refuses
        The codes of this call alone.
    in_path, query, body
        What it takes, where it takes anything.
    needs_token
        Whether it is made on behalf of a user.
    media_type
        Of what it answers.
    """

    method: str
    path: str
    handler: Callable[[Owner, Request], Awaitable[Response]]
    tag: str
    answers: Mapping[HTTPStatus, type | None]
    refuses: tuple[ErrorCode, ...] = ()
    in_path: type[Struct] | None = None
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    needs_token: bool = False
    media_type: str = "application/json"

    @property
    def name(self) -> str:
        """The operation's id: unique."""
        return self.handler.__name__
