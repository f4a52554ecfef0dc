"""The HTTP API's document: valid OpenAPI, and exactly the calls that are routed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from msgspec import Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from server.contracts.call import Call
from server.contracts.openapi import TAGS, openapi
from server.http_api.app import CALLS
from server.http_api.contract_calls import CONVENTIONS
from server.protocol.errors import ErrorCode
from tests.harness.documented import HTTP, complaints

OPERATIONS = {
    operation["operationId"]: operation for methods in HTTP["paths"].values() for operation in methods.values()
}


class Name(Struct):
    """Whose."""

    name: str


class Shelf:
    """An API of one call."""

    async def take(self, _request: Any) -> Any:
        """Takes a book.

        For two weeks.
        """


def document_of(**more: Any) -> Any:
    call = Call(
        method="GET", path="/shelf/{name}", handler=Shelf.take, tag="rooms", answers={HTTPStatus.OK: None}, **more
    )
    document = openapi([call], CONVENTIONS)
    OpenAPIV31SpecValidator(document).validate()
    return document


def codes(operation: Any, status: int) -> set[str]:
    return set(operation["responses"][str(status)]["content"]["application/json"]["examples"])


def test_it_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(HTTP).validate()


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert set(OPERATIONS) == {call.name for call in CALLS}
    assert len(OPERATIONS) == len(CALLS)
    for operation in OPERATIONS.values():
        assert operation["summary"]
        assert set(operation["tags"]) <= set(TAGS)
    for name, schema in HTTP["components"]["schemas"].items():
        assert schema["description"], name


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_is_what_its_schema_says(name: str) -> None:
    bodies = [OPERATIONS[name].get("requestBody", {}), *OPERATIONS[name]["responses"].values()]
    for body in bodies:
        for content in body.get("content", {}).values():
            examples = [each["value"] for each in content.get("examples", {}).values()]
            if "$ref" in content["schema"]:
                assert "example" in content or examples, f"{content['schema']} has no example"
            if "example" in content:
                examples.append(content["example"])
            for example in examples:
                assert complaints(HTTP, content["schema"], example) == []


def test_posting_says_all_that_can_become_of_it() -> None:
    post = OPERATIONS["post"]
    assert set(post["responses"]) == {
        *("200", "201"), *("400", "401", "403", "404", "408", "409", "413", "429", "431"), *("500", "503"),
    }  # fmt: skip
    assert codes(post, 404) == {"no_such_room", "no_such_message"}
    assert "Retry-After" in post["responses"]["429"]["headers"]
    assert "WWW-Authenticate" in post["responses"]["401"]["headers"]
    assert post["security"] == [{"token": []}]


def test_a_query_is_a_parameter_for_each_field() -> None:
    parameters = {parameter["name"]: parameter for parameter in OPERATIONS["history"]["parameters"]}
    assert {name: parameter["in"] for name, parameter in parameters.items()} == {
        "room": "path", "before": "query", "after": "query", "limit": "query",
    }  # fmt: skip
    assert parameters["room"]["required"]
    assert not parameters["limit"]["required"]
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert "anyOf" not in parameters["before"]["schema"]


def test_a_call_can_be_refused_for_what_it_takes() -> None:
    def of(**more: Any) -> Any:
        return document_of(in_path=Name, **more)["paths"]["/shelf/{name}"]["get"]

    assert codes(of(), 400) == {"bad_request"}, "a request that is no HTTP"
    assert "401" not in of()["responses"]
    assert codes(of(needs_token=True), 401) == {"bad_token"}
    assert codes(of(body=Name), 413) == {"too_long"}
    assert codes(of(refuses=(ErrorCode.CONFLICT,)), 409) == {"conflict"}
    assert of()["summary"] == "Takes a book."
    assert of()["description"] == "Takes a book.\n\nFor two weeks."


def test_what_stands_in_the_path_is_no_schema_of_its_own() -> None:
    document = document_of(in_path=Name)
    assert "Name" not in document["components"]["schemas"]
    assert document["paths"]["/shelf/{name}"]["get"]["parameters"] == [
        {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    ]
