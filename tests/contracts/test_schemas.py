"""Schemas: who speaks decides what may be null, and one name stands for one thing."""

from __future__ import annotations

from typing import Annotated

import pytest
from msgspec import Meta, Struct

from server.contracts.schemas import (
    fields_of,
    merged,
    reference,
    said_by_clients,
    said_by_the_server,
    summary_and_description,
)

Place = Annotated[int, Meta(description="Where.", extra_json_schema={"minimum": 1})]


class Parcel(Struct, omit_defaults=True):
    """What is sent.

    And to whom.
    """

    name: str | None
    place: Place | None = None
    id: str | int | None = None


def test_a_client_may_send_null_for_what_it_may_leave_out() -> None:
    (schema,), components = said_by_clients([Parcel])
    assert schema == reference("Parcel")
    assert components["Parcel"]["properties"]["place"] == {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}],
        "default": None,
        "description": "Where.",
    }
    assert components["Parcel"]["required"] == ["name"]


def test_the_server_never_sends_null_for_what_it_leaves_out() -> None:
    _, components = said_by_the_server([Parcel])
    fields = components["Parcel"]["properties"]
    assert fields["place"] == {"type": "integer", "minimum": 1, "description": "Where."}
    assert fields["id"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    assert fields["name"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}, "always there, and may be null"


def test_one_name_for_two_things_is_an_error() -> None:
    assert merged({"b": {"type": "string"}}, {"a": {}, "b": {"type": "string"}}) == {"a": {}, "b": {"type": "string"}}
    with pytest.raises(ValueError, match="two schemas are called b"):
        merged({"b": {"type": "string"}}, {"b": {"type": "integer"}})


def test_a_part_of_a_schema_requires_what_it_always_carries() -> None:
    _, components = said_by_the_server([Parcel])
    part = fields_of(components["Parcel"], carries=["place"], may_carry=["id"])
    assert part["required"] == ["place"]
    assert list(part["properties"]) == ["place", "id"]


def test_the_first_paragraph_is_the_summary() -> None:
    assert summary_and_description(Parcel) == ("What is sent.", "What is sent.\n\nAnd to whom.")
