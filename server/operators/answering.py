"""The socket on which a worker answers its colleagues what operators have asked one of them.

It lies in the run directory, named by the worker's number and node, and is there before it is named so: who finds it
can connect. The file goes with the worker; one that was killed leaves it, and who finds nobody behind it removes it.
"""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from typing import Final

import msgspec
import trio
from starlette.types import Message, Receive, Send

from actors import TaskContext
from server.operators.oneself import Oneself
from server.operators.questions import (
    YES,
    AskFamilies,
    AskReady,
    AskTop,
    AskTrace,
    AskTree,
    AskWhether,
    NoAnswer,
    Question,
    receive_question,
    refusing,
)
from server.parent.place import WorkerPlace
from server.protocol.errors import Refusal

SUFFIX: Final = ".admin"
_BACKLOG: Final = 128
_QUESTION_SECONDS: Final = 2.0
_encode: Final = msgspec.msgpack.Encoder().encode

log = logging.getLogger("server.operators.answering")


def name_of(place: WorkerPlace) -> str:
    return f"{place.index}.{place.node}{SUFFIX}"


def index_of(name: str) -> int:
    """Whose socket it is. Raises ValueError for what is none."""
    return int(name.partition(".")[0])


async def run_answering(context: TaskContext, oneself: Oneself, place: WorkerPlace) -> None:
    """The task: answer until cancelled."""
    name = name_of(place)
    place.run.remove(name)

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                with trio.fail_after(_QUESTION_SECONDS):
                    question = await receive_question(stream)
                await _answer(stream, oneself, question)
            except (NoAnswer, trio.TooSlowError, trio.BrokenResourceError) as error:
                log.debug("a colleague's question was not answered: %s", error)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place.run.address(name + "~"))
        listening.listen(_BACKLOG)
        os.rename(place.run.address(name + "~"), place.run.address(name))
        context.started()
        try:
            await trio.serve_listeners(answer, [trio.SocketListener(trio.socket.from_stdlib_socket(listening))])
        finally:
            place.run.remove(name)


async def _answer(stream: trio.SocketStream, oneself: Oneself, question: Question) -> None:
    try:
        match question:
            case AskTrace(tracing):
                response = await oneself.trace(tracing)
                await stream.send_all(YES)
                await response({"type": "http"}, _until_gone(stream), _lines_to(stream))
                return
            case _:
                answer = YES + await _value(oneself, question)
    except Refusal as refusal:
        answer = refusing(refusal)
    await stream.send_all(answer)


async def _value(oneself: Oneself, question: Question) -> bytes:
    match question:
        case AskReady():
            await oneself.check()
            return _encode(True)
        case AskFamilies():
            return _encode(await oneself.families())
        case AskTree(most):
            return _encode(await oneself.tree(most))
        case AskTop(by, most):
            return _encode(await oneself.top(by, most))
        case AskWhether(path):
            return _encode(await oneself.has(path))
        case AskTrace():
            raise AssertionError("a trace is no value")


def _until_gone(stream: trio.SocketStream) -> Receive:
    """Whoever asked says nothing more, and leaves in the end."""

    async def receive() -> Message:
        with suppress(trio.BrokenResourceError):
            while await stream.receive_some(1):
                pass
        return {"type": "http.disconnect"}

    return receive


def _lines_to(stream: trio.SocketStream) -> Send:
    async def send(message: Message) -> None:
        body: bytes = message.get("body", b"")
        if body:
            await stream.send_all(body)

    return send
