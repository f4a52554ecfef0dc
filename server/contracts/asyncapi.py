"""The websocket as an AsyncAPI 3.0 document: pure, from the types of the protocol.

It is written from the server's side, as the specification wants it: the server *receives* commands and *sends* the
rest. Each command has a message of its own, and so has the `ok` that answers it, with the fields that it carries there
(`answers.py`). Close codes, refused upgrades and limits have no place in AsyncAPI: they are in the channel's
description for people, and beside it under `x-…` for programs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec

from server.contracts import examples
from server.contracts.answers import ANSWERS, commands, events, refusals_of
from server.contracts.schemas import (
    Schema,
    fields_of,
    merged,
    reference,
    said_by_clients,
    said_by_the_server,
    summary_and_description,
)
from server.gateway import refusals
from server.gateway.upgrade import WEBSOCKET_PATH
from server.protocol import limits
from server.protocol.bases import Command
from server.protocol.closing import MEANING as CLOSE_MEANING
from server.protocol.closing import NAMES, CloseCode, may_reconnect
from server.protocol.codec import JSON, MSGPACK, encode_command, encode_event
from server.protocol.commands import LEGAL, AnyCommand
from server.protocol.entries import Entry
from server.protocol.errors import MEANING, ErrorCode
from server.protocol.events import AnyEvent
from server.protocol.replies import Error, Ok

Document = dict[str, Any]

VERSION: Final = "3.0.0"
MEDIA_TYPE: Final = f"application/vnd.aai.asyncapi+json;version={VERSION}"
_CHANNEL: Final = "websocket"
_HERE: Final = {"$ref": f"#/channels/{_CHANNEL}"}
_BEFORE_THE_UPGRADE: Final = (
    refusals.bad_upgrade("the message names what is wrong with the request"), refusals.TOO_SLOW,
    refusals.BAD_TOKEN, refusals.FOREIGN_ORIGIN, refusals.NOT_A_WEBSOCKET, refusals.OTHER_VERSION,
    refusals.HEAD_TOO_LARGE, refusals.OVER_CAPACITY, refusals.TOO_MANY_AT_ONCE, refusals.ADDRESS_OVER_CAPACITY,
    refusals.ADDRESS_TOO_FAST, refusals.DEPARTING,
)  # fmt: skip

_INTRODUCTION: Final = """\
Chat, on one websocket. A client says `hello` with a token (`POST /v1/login`, see `/v1/openapi.json`) and is answered
with `welcome`; from then on it gives commands, each answered with `ok` or `error` within 10 s, and is told what happens
in its rooms.

- **Each room has a log**, and every entry of it the next `seq`: 1, 2, 3 … without a gap. Only `seq` orders. A client
  that sees a gap asks `log`; one that comes back says in `hello` how far it has read, and gets what is missing first.
- **Retries are safe**: the same `nonce` with the same content answers as the first time, with `duplicate: true`.
- **Acknowledged means on disk.** A post's `ok` comes before its own `message` on that connection.
- Replies come in the order of the commands of a room; nothing is promised across rooms.
- Every object has an `op`. A command may carry an `id`, which its reply carries back. Fields that nobody defined are
  ignored; a client ignores events that it does not know."""


def asyncapi() -> Document:
    """The document."""
    _, said = said_by_clients(commands())
    _, heard = said_by_the_server(events())
    ok = heard.pop(Ok.__name__)
    _only_codes_of_the_websocket(heard[Error.__name__])
    messages = (
        {command.__name__: _message(command, examples.COMMANDS[command]) for command in commands()}
        | {event.__name__: _message(event, examples.EVENTS[event]) for event in events() if event is not Ok}
        | {_ok_name(command): _ok_message(command) for command in commands() if _is_answered_by_ok(command)}
    )
    oks = {_ok_name(command): _ok_schema(ok, command) for command in commands() if _is_answered_by_ok(command)}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Hubbub",
            "version": "1",
            "description": _INTRODUCTION,
            "license": {"name": "MIT"},
            "tags": [{"name": "chat"}],
        },
        "defaultContentType": "application/json",
        "servers": {"plain": _server("ws"), "tls": _server("wss")},
        "channels": {_CHANNEL: _channel(messages)},
        "operations": {_op(command): _operation(command) for command in commands()}
        | {
            "entries": _told("What happened in a room: entries of its log, in the order of `seq`.", get_args(Entry)),
            "passing": _told("What is in no log, and has no order against it.", _passing()),
        },
        "components": {
            "messages": messages,
            "schemas": merged(said, heard, oks),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A header of the upgrade; or, for browsers, `token` of `hello`. Never in a URL.",
                }
            },
        },
    }


# --- the channel ---------------------------------------------------------------------------------------------


def _server(protocol: str) -> Document:
    return {
        "host": "{host}",
        "protocol": protocol,
        "description": "The server this document came from.",
        "variables": {"host": {"default": "localhost:8000", "description": "Host and port."}},
        "security": [{"$ref": "#/components/securitySchemes/token"}],
    }


def _channel(messages: Iterable[str]) -> Document:
    return {
        "address": WEBSOCKET_PATH.decode(),
        "title": "The websocket",
        "description": _channel_description(),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "ws": {
                "method": "GET",
                "headers": {
                    "type": "object",
                    "properties": {
                        "Authorization": {"type": "string", "description": "`Bearer` and a token."},
                        "Sec-WebSocket-Protocol": {"type": "string", "enum": [JSON.subprotocol, MSGPACK.subprotocol]},
                    },
                },
                "bindingVersion": "0.1.0",
            }
        },
        "x-close-codes": [
            {
                "code": code.value,
                "name": NAMES[code],
                "meaning": CLOSE_MEANING[code],
                "reconnect": may_reconnect(code),
            }
            for code in CloseCode
        ],
        "x-refused-upgrades": [
            {"status": refused.status.value, "code": refused.code, "message": refused.message}
            for refused in _BEFORE_THE_UPGRADE
        ],
        "x-limits": {name.lower(): value for name, value in vars(limits).items() if name.isupper()},
    }


def _channel_description() -> str:
    codes = "\n".join(
        f"| {code.value} | {NAMES[code]} | {CLOSE_MEANING[code]} | {'yes' if may_reconnect(code) else 'no'} |"
        for code in CloseCode
    )
    return (
        f"One object in each message: JSON in text frames (subprotocol `{JSON.subprotocol}`, which is the default), or "
        f"msgpack in binary ones (`{MSGPACK.subprotocol}`). Before `welcome` only `hello` and `ping` may be said. "
        "Any byte counts as a sign of life; whoever is silent for 2.5 heartbeats is closed.\n\n"
        "How it ends, best effort (1006, a lost connection, means: reconnect and resume; wherever it says yes, with "
        "jittered backoff):\n\n"
        f"| code | name | meaning | reconnect |\n|---|---|---|---|\n{codes}"
    )


# --- messages ------------------------------------------------------------------------------------------------


def _message(kind: type[AnyCommand] | type[AnyEvent], example: AnyCommand | AnyEvent) -> Document:
    summary, description = summary_and_description(kind)
    return _described(_op(kind), kind.__name__, summary, description, example)


def _ok_message(command: type[AnyCommand]) -> Document:
    summary = f"The answer to `{_op(command)}` when it was done."
    return _described("ok", _ok_name(command), summary, summary, examples.OKS[command])


def _described(op: str, name: str, summary: str, description: str, example: AnyCommand | AnyEvent) -> Document:
    message: Document = {
        "name": op,
        "title": name,
        "summary": summary,
        "description": description,
        "payload": reference(name),
        "examples": [{"name": name, "payload": _as_sent(example)}],
    }
    if "id" in example.__struct_fields__:
        message["correlationId"] = {"location": "$message.payload#/id", "description": "Of a command and its reply."}
    return message


def _as_sent(example: AnyCommand | AnyEvent) -> Document:
    """What leaves the codec, without the nulls that a client may leave out."""
    frame = encode_command(example) if isinstance(example, Command) else encode_event(example)
    return {name: value for name, value in msgspec.json.decode(frame).items() if value is not None}


def _ok_schema(ok: Schema, command: type[AnyCommand]) -> Schema:
    answer = ANSWERS[command]
    name = _ok_name(command)
    fields = fields_of(ok, carries=("op", *answer.carries), may_carry=("id", *answer.may_carry))
    return {"title": name, "description": f"Answers `{_op(command)}`."} | fields


def _only_codes_of_the_websocket(error: Schema) -> None:
    error["properties"]["code"] = {
        "enum": sorted({code for command in commands() for code in refusals_of(command)} | {ErrorCode.UNKNOWN_OP})
    }


# --- operations ----------------------------------------------------------------------------------------------


def _operation(command: type[AnyCommand]) -> Document:
    summary, description = summary_and_description(command)
    answer = ANSWERS[command]
    done = _ok_name(command) if answer.instead is None else answer.instead.__name__
    return {
        "action": "receive",
        "channel": _HERE,
        "summary": summary,
        "description": f"{description}\n\nRefused with:\n\n{_shown(refusals_of(command))}",
        "tags": [{"name": "command"}],
        "messages": [_in_channel(command.__name__)],
        "reply": {"channel": _HERE, "messages": [_in_channel(done), _in_channel(Error.__name__)]},
        "x-error-codes": list(refusals_of(command)),
        "x-legal": sorted(LEGAL[_op(command)]),
    }


def _told(summary: str, kinds: Iterable[type[AnyEvent]]) -> Document:
    return {
        "action": "send",
        "channel": _HERE,
        "summary": summary,
        "tags": [{"name": "event"}],
        "messages": [_in_channel(kind.__name__) for kind in kinds],
    }


def _passing() -> list[type[AnyEvent]]:
    """Everything that is no entry, and does not only answer a command; an `error` may answer what is no command."""
    replies = {Ok, *(answer.instead for answer in ANSWERS.values())}
    return [event for event in events() if event not in replies and event not in get_args(Entry)]


def _shown(codes: Iterable[ErrorCode]) -> str:
    return "\n".join(f"- `{code}`: {MEANING[code]}" for code in codes)


def _in_channel(message: str) -> Document:
    return {"$ref": f"#/channels/{_CHANNEL}/messages/{message}"}


def _is_answered_by_ok(command: type[AnyCommand]) -> bool:
    return ANSWERS[command].instead is None


def _ok_name(command: type[AnyCommand]) -> str:
    return f"{command.__name__}Ok"


def _op(kind: type[AnyCommand] | type[AnyEvent]) -> str:
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return tag
