"""From msgspec types to the schemas of a document: what msgspec makes of them, made fit for those who read it.

What is said to the server and what the server says are not alike in one thing. A field that may be left out may be
sent as null, too; the server itself always leaves it out (`omit_defaults`). So a schema tells the truth only if it is
known who speaks.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Final

import msgspec

Schema = dict[str, Any]

_PLACE: Final = "#/components/schemas/{name}"
_NULL: Final = {"type": "null"}
_LIFTED: Final = ("description", "examples")


def said_by_clients(types: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """A schema for each of `types`, and by name the components that these refer to."""
    schemas, components = msgspec.json.schema_components(types, ref_template=_PLACE)
    for component in components.values():
        _tidy(component)
    return list(schemas), components


def said_by_the_server(types: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The same for values that the server makes."""
    schemas, components = said_by_clients(types)
    for component in components.values():
        for field in component.get("properties", {}).values():
            _leave_out_null(field)
    return schemas, components


def merged(*components: dict[str, Schema]) -> dict[str, Schema]:
    """All of them, by name.

    Raises
    ------
    ValueError
        One name stands for two things.
    """
    together: dict[str, Schema] = {}
    for part in components:
        for name, schema in part.items():
            if together.setdefault(name, schema) != schema:
                raise ValueError(f"two schemas are called {name}")
    return dict(sorted(together.items()))


def fields_of(component: Schema, *, carries: Iterable[str], may_carry: Iterable[str] = ()) -> Schema:
    """An object schema of some fields of `component`, those of `carries` required."""
    always = list(carries)
    names = {*always, *may_carry}
    return {
        "type": "object",
        "properties": {name: field for name, field in component["properties"].items() if name in names},
        "required": always,
    }


def reference(name: str) -> Schema:
    return {"$ref": _PLACE.format(name=name)}


def summary_and_description(documented: object) -> tuple[str, str]:
    """The first paragraph of a docstring, on one line, and all of it."""
    text = inspect.getdoc(documented) or ""
    return " ".join(text.partition("\n\n")[0].split()), text


def _tidy(component: Schema) -> None:
    if "description" in component:
        component["description"] = inspect.cleandoc(component["description"])
    for field in component.get("properties", {}).values():
        _lift(field)
        _drop_discriminators(field)


def _lift(field: Schema) -> None:
    """What is said of one of several types is said of the field, where readers look for it."""
    for choice in field.get("anyOf", ()):
        for key in _LIFTED:
            if key in choice:
                field.setdefault(key, choice.pop(key))


def _drop_discriminators(schema: Schema) -> None:
    """They are written differently in OpenAPI and AsyncAPI, and say no more than `op` does in each of the choices."""
    schema.pop("discriminator", None)
    for inner in (schema.get("items"), *schema.get("anyOf", ())):
        if isinstance(inner, dict):
            _drop_discriminators(inner)


def _leave_out_null(field: Schema) -> None:
    if field.get("default", ...) is not None or _NULL not in field.get("anyOf", ()):
        return
    del field["default"]
    choices = [choice for choice in field["anyOf"] if choice != _NULL]
    if len(choices) > 1:
        field["anyOf"] = choices
    else:
        del field["anyOf"]
        field.update({key: value for key, value in choices[0].items() if key not in field})
