"""What the server really says, held against the documents that describe it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
from jsonschema import Draft202012Validator

from server.contracts.asyncapi import asyncapi
from server.contracts.openapi import openapi
from server.http_api.app import CALLS
from server.http_api.contract_calls import CONVENTIONS

Document = dict[str, Any]


def as_read(document: Document) -> Document:
    """As it is for whoever gets it: JSON."""
    read: Document = msgspec.json.decode(msgspec.json.encode(document))
    return read


HTTP: Document = as_read(openapi(CALLS, CONVENTIONS))
WEBSOCKET: Document = as_read(asyncapi())


def complaints(document: Document, schema: Document, value: object) -> list[str]:
    """Why `value` is not what `schema` of `document` says; also fields that the schema does not name."""
    whole = {"components": document["components"], **schema}
    found = [error.message for error in Draft202012Validator(whole).iter_errors(value)]
    return found or list(undocumented(document, schema, value))


def undocumented(document: Document, schema: Document, value: object) -> Iterator[str]:
    """Fields of a valid `value` that no client author has been told of."""
    schema = resolved(document, schema)
    if "anyOf" in schema:
        each = [list(undocumented(document, choice, value)) for choice in _fitting(document, schema["anyOf"], value)]
        yield from min(each, key=len, default=[])
    elif isinstance(value, dict) and "properties" in schema:
        for name, inner in value.items():
            if name not in schema["properties"]:
                yield f"{name!r} is not documented"
            else:
                yield from undocumented(document, schema["properties"][name], inner)
    elif isinstance(value, list) and "items" in schema:
        for inner in value:
            yield from undocumented(document, schema["items"], inner)


def _fitting(document: Document, choices: list[Document], value: object) -> Iterator[Document]:
    for choice in choices:
        if Draft202012Validator({"components": document["components"], **choice}).is_valid(value):
            yield choice


def resolved(document: Document, schema: Document) -> Document:
    """What a reference refers to, at last."""
    while "$ref" in schema:
        place: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        schema = place
    return schema


def operation_of(request: httpx.Request) -> Document | None:
    """The documented operation that `request` asks for."""
    for path, methods in HTTP["paths"].items():
        if _matches(path, request.url.path):
            operation: Document | None = methods.get(request.method.lower())
            return operation
    return None


def _matches(pattern: str, path: str) -> bool:
    wanted, given = pattern.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        (want.startswith("{") and got) or want == got for want, got in zip(wanted, given, strict=True)
    )


async def check_documented(response: httpx.Response) -> None:
    """For a client's hooks: a call that is documented is answered as it is documented there."""
    operation = operation_of(response.request)
    if operation is None:
        return
    documented = operation["responses"].get(str(response.status_code))
    assert documented is not None, f"{operation['operationId']} is not documented to answer {response.status_code}"
    await response.aread()
    assert _required_headers(documented) <= {name.lower() for name in response.headers}
    if "content" not in documented:
        assert response.content == b""
        return
    ((media_type, content),) = documented["content"].items()
    assert response.headers["content-type"] == media_type
    if not media_type.endswith("json"):
        return
    assert complaints(HTTP, content["schema"], response.json()) == []
    if response.is_error:
        assert response.json()["error"]["code"] in content["examples"]
    elif "requestBody" in operation:
        ((_, body),) = operation["requestBody"]["content"].items()
        assert complaints(HTTP, body["schema"], httpx.Response(200, content=response.request.content).json()) == []


def _required_headers(documented: Document) -> set[str]:
    return {name.lower() for name, header in documented.get("headers", {}).items() if header["required"]}
