"""The HTTP API as an OpenAPI 3.1 document: pure, from the table of its calls.

The websocket is not in it: `asyncapi.py` describes that. Neither is the web page, which is for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from server.contracts.call import Call
from server.contracts.schemas import (
    Schema,
    merged,
    said_by_clients,
    said_by_the_server,
    summary_and_description,
)
from server.gateway import refusals
from server.protocol.errors import MEANING, ErrorCode

Document = dict[str, Any]
Codes = dict[HTTPStatus, list[ErrorCode]]

VERSION: Final = "3.1.1"
TAGS: Final = {
    "accounts": "Making a token, and ending it.",
    "rooms": "What a script needs of rooms; everything else is said on the websocket.",
    "health": "For balancers and orchestrators.",
    "contract": "This document, and the one of the websocket.",
}
_BEARER: Final = "token"
_BEFORE_ANY_CALL: Final = (
    refusals.TORN, refusals.TOO_SLOW, refusals.HEAD_TOO_LARGE, refusals.FAILED, refusals.OVER_CAPACITY,
)  # fmt: skip
"""What the gateway answers before, or in place of, a call."""

_INTRODUCTION: Final = """\
What a script needs of Hubbub, with nothing but HTTP: an account, its rooms, their messages, posting. Chat clients talk
on the websocket at `/v1/ws`, which `/v1/asyncapi.json` describes.

- A token is got by `register` or `login`, and sent as `Authorization: Bearer …`. It never goes into a URL.
- Errors have one shape, `{"error": {"code", "message"}}`: programs act on `code`, people read `message`.
- Where trying again makes sense, `Retry-After` says when, in seconds.
- Fields that nobody defined are ignored, in both directions."""


@dataclass(frozen=True, slots=True)
class Conventions:
    """What all calls of an API have in common.

    Parameters
    ----------
    failure
        The type of every error's body.
    statuses
        With which status each code is answered.
    examples
        Of bodies, by type.
    """

    failure: type[Struct]
    statuses: Mapping[ErrorCode, HTTPStatus]
    examples: Mapping[type, Struct]


def openapi(calls: Iterable[Call[Any]], conventions: Conventions) -> Document:
    """The document."""
    calls = list(calls)
    schemas = _Schemas(calls, conventions.failure)
    operations = _Operations(schemas, conventions)
    paths: dict[str, Document] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = operations.of(call)
    return {
        "openapi": VERSION,
        "info": {
            "title": "Hubbub",
            "summary": "A chat server: its HTTP API.",
            "description": _INTRODUCTION,
            "version": "1",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The server this document came from."}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                _BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "From `register` or `login`. Opaque, and ends some time after its last use.",
                }
            },
        },
    }


class _Schemas:
    """Of everything the calls take and answer.

    Attributes
    ----------
    of
        How each type is referred to.
    parameters
        The types whose fields are parameters. They are no components: nobody refers to them as a whole.
    components
        What is referred to, by name.
    """

    def __init__(self, calls: list[Call[Any]], failure: type[Struct]) -> None:
        parameters = _each_once(kind for call in calls for kind in (call.in_path, call.query))
        bodies = _each_once(call.body for call in calls)
        answers = _each_once([failure, *(kind for call in calls for kind in call.answers.values())])
        _, self.parameters = said_by_clients(parameters)
        taken, taken_components = said_by_clients(bodies)
        given, given_components = said_by_the_server(answers)
        self.of: dict[type, Schema] = dict(zip([*bodies, *answers], [*taken, *given], strict=True))
        self.components = merged(taken_components, given_components)


class _Operations:
    """What the document says of one call."""

    def __init__(self, schemas: _Schemas, conventions: Conventions) -> None:
        self._schemas = schemas
        self._conventions = conventions

    def of(self, call: Call[Any]) -> Document:
        summary, description = summary_and_description(call.handler)
        operation: Document = {
            "operationId": call.name,
            "tags": [call.tag],
            "summary": summary,
            "description": description,
            "security": [{_BEARER: []}] if call.needs_token else [],
            "responses": self._successes(call) | self._failures(call),
        }
        if parameters := [*self._in(call.in_path, "path"), *self._in(call.query, "query")]:
            operation["parameters"] = parameters
        if call.body is not None:
            operation["requestBody"] = {"required": True, "content": self._content(call.body, "application/json")}
        return operation

    def _in(self, kind: type[Struct] | None, where: str) -> Iterable[Document]:
        """A parameter for each field."""
        if kind is None:
            return
        component = self._schemas.parameters[kind.__name__]
        for name, schema in component["properties"].items():
            bare = {key: value for key, value in schema.items() if key != "description"}
            yield {
                "name": name,
                "in": where,
                "required": name in component.get("required", ()),
                "schema": bare,
                **({"description": schema["description"]} if "description" in schema else {}),
            }

    def _successes(self, call: Call[Any]) -> Document:
        return {
            str(status.value): {"description": status.phrase}
            | ({} if kind is None else {"content": self._content(kind, call.media_type)})
            for status, kind in call.answers.items()
        }

    def _content(self, kind: type, media_type: str) -> Document:
        content: Document = {"schema": self._schemas.of[kind]}
        if kind in self._conventions.examples:
            content["example"] = msgspec.to_builtins(self._conventions.examples[kind])
        return {media_type: content}

    def _failures(self, call: Call[Any]) -> Document:
        return {
            str(status.value): {
                "description": "\n".join(f"- `{code}`: {MEANING[code]}" for code in codes),
                "content": {
                    "application/json": {
                        "schema": self._schemas.of[self._conventions.failure],
                        "examples": {
                            code.value: {"value": {"error": {"code": code, "message": MEANING[code]}}} for code in codes
                        },
                    }
                },
                **_headers(status),
            }
            for status, codes in sorted(self._codes(call).items())
        }

    def _codes(self, call: Call[Any]) -> Codes:
        """What a call may be refused with, by status."""
        found: Codes = {}
        for code in _refusals_of(call):
            found.setdefault(self._conventions.statuses[code], []).append(code)
        for refused in _BEFORE_ANY_CALL:
            found.setdefault(refused.status, []).append(refused.code)
        return {status: list(dict.fromkeys(codes)) for status, codes in found.items()}


def _refusals_of(call: Call[Any]) -> Iterable[ErrorCode]:
    """Its own, and those that follow from what it takes."""
    yield from call.refuses
    if call.needs_token:
        yield from (ErrorCode.BAD_TOKEN, ErrorCode.UNAVAILABLE)
    if call.query is not None or call.body is not None:
        yield ErrorCode.BAD_REQUEST
    if call.body is not None:
        yield from (ErrorCode.TOO_LONG, ErrorCode.UNAVAILABLE)
    yield ErrorCode.INTERNAL_ERROR


def _headers(status: HTTPStatus) -> Document:
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            name, schema, description = "Retry-After", {"type": "integer", "minimum": 0}, "Seconds."
        case HTTPStatus.UNAUTHORIZED:
            name, schema, description = "WWW-Authenticate", {"type": "string"}, "`Bearer`."
        case _:
            return {}
    return {"headers": {name: {"required": True, "schema": schema, "description": description}}}


def _each_once(kinds: Iterable[type | None]) -> list[Any]:
    return list(dict.fromkeys(kind for kind in kinds if kind is not None))
