"""The websocket's document: nothing is missing, every reference leads somewhere, every example is a real message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from server.contracts.answers import ANSWERS
from server.contracts.examples import COMMANDS, EVENTS, OKS
from server.protocol.closing import CloseCode
from server.protocol.codec import JSON, decode_event
from server.protocol.commands import LEGAL, AnyCommand
from server.protocol.entries import Entry
from server.protocol.errors import MEANING, ErrorCode
from server.protocol.events import AnyEvent
from server.protocol.limits import RESUME_ROOMS, TEXT_CODE_POINTS
from server.protocol.replies import Ok
from tests.harness.documented import WEBSOCKET, complaints, resolved

MESSAGES = WEBSOCKET["components"]["messages"]
SCHEMAS = WEBSOCKET["components"]["schemas"]
OPERATIONS = WEBSOCKET["operations"]
(CHANNEL,) = WEBSOCKET["channels"].values()


def example_of(message: str) -> Any:
    (example,) = MESSAGES[message]["examples"]
    return example["payload"]


def answered_by(operation: str) -> set[str]:
    return {reference["$ref"].rpartition("/")[2] for reference in OPERATIONS[operation]["reply"]["messages"]}


def references(of: object) -> Iterator[str]:
    match of:
        case dict():
            yield from (value for key, value in of.items() if key == "$ref")
            for value in of.values():
                yield from references(value)
        case list():
            for value in of:
                yield from references(value)


@pytest.mark.parametrize("command", get_args(AnyCommand), ids=lambda kind: kind.__name__)
def test_every_command_is_a_message_whose_example_the_codec_takes(command: type) -> None:
    frame = msgspec.json.encode(example_of(command.__name__))
    assert JSON.decode_command(frame) == COMMANDS[command]
    assert type(JSON.decode_command(frame)) is command


@pytest.mark.parametrize("event", set(get_args(AnyEvent)) - {Ok}, ids=lambda kind: kind.__name__)
def test_every_event_is_a_message_whose_example_the_codec_takes(event: type) -> None:
    frame = msgspec.json.encode(example_of(event.__name__))
    assert decode_event(frame) == EVENTS[event]
    assert type(decode_event(frame)) is event


@pytest.mark.parametrize("command", OKS, ids=lambda kind: kind.__name__)
def test_every_ok_has_an_example_of_its_own(command: type[AnyCommand]) -> None:
    assert decode_event(msgspec.json.encode(example_of(f"{command.__name__}Ok"))) == OKS[command]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_example_is_what_its_schema_says(message: str) -> None:
    assert complaints(WEBSOCKET, MESSAGES[message]["payload"], example_of(message)) == []


def test_every_command_is_an_operation_and_says_what_answers_it() -> None:
    assert set(LEGAL) == {name for name, operation in OPERATIONS.items() if operation["action"] == "receive"}
    for command in get_args(AnyCommand):
        op = command.__struct_config__.tag
        done = ANSWERS[command].instead
        assert answered_by(op) == {"Error", f"{command.__name__}Ok" if done is None else done.__name__}
        assert OPERATIONS[op]["x-legal"] == sorted(LEGAL[op])


def test_every_event_is_sent_or_answers_something() -> None:
    sent = {
        reference["$ref"].rpartition("/")[2]
        for operation in OPERATIONS.values()
        if operation["action"] == "send"
        for reference in operation["messages"]
    }
    answers = {message for command in LEGAL for message in answered_by(command)}
    for event in set(get_args(AnyEvent)) - {Ok}:
        assert event.__name__ in sent | answers
    assert {kind.__name__ for kind in get_args(Entry)} <= sent


def test_what_an_ok_carries_are_fields_of_ok() -> None:
    fields = set(Ok.__struct_encode_fields__)
    for answer in ANSWERS.values():
        assert {*answer.carries, *answer.may_carry} <= fields


def test_every_reference_leads_somewhere() -> None:
    found = set(references(WEBSOCKET))
    assert found
    for reference in found:
        assert resolved(WEBSOCKET, {"$ref": reference})


def test_the_channel_has_every_message() -> None:
    assert set(CHANNEL["messages"]) == set(MESSAGES)


def test_everything_says_what_it_is() -> None:
    for name, schema in SCHEMAS.items():
        assert schema["description"], name
        assert "\n    " not in schema["description"], name
    for named in (*MESSAGES.values(), *OPERATIONS.values()):
        assert named["summary"]


def test_every_close_code_is_there_and_whether_to_come_back() -> None:
    told = {close["code"]: close["reconnect"] for close in CHANNEL["x-close-codes"]}
    assert set(told) == set(CloseCode)
    assert told[CloseCode.DRAINING]
    assert not told[CloseCode.BAD_TOKEN]
    for code in CloseCode:
        assert f"| {code.value} |" in CHANNEL["description"]


def test_a_client_is_told_how_an_upgrade_can_fail() -> None:
    assert {refused["status"] for refused in CHANNEL["x-refused-upgrades"]} == {400, 401, 403, 408, 426, 431, 503}


def test_every_code_has_a_meaning() -> None:
    assert set(MEANING) == set(ErrorCode)


def test_an_error_on_the_websocket_has_no_code_of_http() -> None:
    codes = set(SCHEMAS["Error"]["properties"]["code"]["enum"])
    assert {"bad_request", "unknown_op", "conflict"} <= codes
    assert not {"name_taken", "bad_credentials", "registration_closed", "method_not_allowed"} & codes


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        ("Post", "text", "x" * (TEXT_CODE_POINTS + 1)),
        ("Post", "text", ""),
        ("Post", "nonce", "n" * 65),
        ("Post", "reply_to", -1),
        ("Post", "room", None),
        ("History", "limit", 201),
        ("History", "limit", 0),
        ("Log", "limit", 501),
        ("Members", "limit", 201),
        ("Hello", "resume", {f"r_{number}": {"log": "l", "seq": 0} for number in range(RESUME_ROOMS + 1)}),
        ("CreateRoom", "kind", "castle"),
        ("Ping", "id", "x" * 65),
    ],
)
def test_a_schema_says_what_the_server_would_refuse(message: str, field: str, value: object) -> None:
    payload = MESSAGES[message]["payload"]
    assert complaints(WEBSOCKET, payload, example_of(message)) == []
    assert complaints(WEBSOCKET, payload, example_of(message) | {field: value})


@pytest.mark.parametrize(("message", "field"), [("PostOk", "seq"), ("MessageEntry", "nonce"), ("Welcome", "id")])
def test_the_server_leaves_out_what_is_not_there(message: str, field: str) -> None:
    assert complaints(WEBSOCKET, MESSAGES[message]["payload"], example_of(message) | {field: None})


def test_a_post_is_acknowledged_with_its_place() -> None:
    bare = {name: value for name, value in example_of("PostOk").items() if name != "seq"}
    assert complaints(WEBSOCKET, MESSAGES["PostOk"]["payload"], bare) == ["'seq' is a required property"]
