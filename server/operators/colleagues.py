"""The workers of one parent, asked together: whichever of them gets an operator's connection answers for all.

The rules:
- Who does not answer within two seconds is left out, and `/readyz` says who that is; a worker that hangs must not keep
  an operator from seeing it.
- Counters do not step back because a worker was replaced: what it had counted when somebody last looked stays counted
  (`ledger.py`).
- During a roll there are two processes with the number of one worker. Both are asked.
"""

from __future__ import annotations

import logging
import socket
from typing import Final, TypeVar

import msgspec
import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.metrics.exposition import Family, Sample, gauge
from server.metrics.merging import LABEL, merged
from server.operators.answering import SUFFIX, index_of
from server.operators.ledger import Ledger
from server.operators.oneself import By, Ranked, Tracing, nowhere
from server.operators.questions import (
    AskFamilies,
    AskReady,
    AskTop,
    AskTrace,
    AskTree,
    AskWhether,
    NoAnswer,
    Question,
    receive_rest,
    receive_verdict,
    send_question,
)
from server.operators.tracing import TraceResponse, until_gone
from server.parent.place import WorkerPlace
from server.protocol.errors import ErrorCode, Refusal

_ANSWER_SECONDS: Final = 2.0
_CHUNK: Final = 64 * 1024

log = logging.getLogger("server.operators.colleagues")

T = TypeVar("T")


class Colleagues:
    """See the top of this file.

    Parameters
    ----------
    place
        This process's own; it is one of those that are asked.
    """

    def __init__(self, place: WorkerPlace) -> None:
        self._place = place
        self._ledger = Ledger(place.run)

    async def check(self) -> None:
        """Raises `Refusal` that names the workers that are not ready."""
        told = await self._all(AskReady(), bool)
        ready = {index_of(name) for name, answer in told.items() if answer is True}
        troubles = {index_of(name): answer.message for name, answer in told.items() if isinstance(answer, Refusal)}
        missing = [
            f"worker {index}: {troubles.get(index, 'it does not answer')}"
            for index in range(self._place.workers)
            if index not in ready
        ]
        if missing:
            raise Refusal(ErrorCode.UNAVAILABLE, "; ".join(missing))

    async def families(self) -> list[Family]:
        """Those of all workers as one, and which of these there are."""
        told = await self._all(AskFamilies(), list[Family])
        found = {name: answer for name, answer in told.items() if not isinstance(answer, Refusal)}
        numbered = [(str(index_of(name)), families) for name, families in found.items()]
        up = {index_of(name) for name in found}
        answered = gauge(
            "hubbub_worker_up",
            "Whether a worker answers.",
            *(Sample(float(index in up), ((LABEL, str(index)),)) for index in range(self._place.workers)),
        )
        return [answered, *merged([*numbered, ("", self._ledger.settled(found))])]

    async def tree(self, most: int) -> str:
        told = await self._all(AskTree(most), str)
        return "\n".join(f"{name.removesuffix(SUFFIX)}\n{tree}" for name, tree in told.items() if isinstance(tree, str))

    async def top(self, by: By, most: int) -> list[Ranked]:
        told = await self._all(AskTop(by, most), list[Ranked])
        ranked = [
            msgspec.structs.replace(each, worker=index_of(name))
            for name, answer in told.items()
            if not isinstance(answer, Refusal)
            for each in answer
        ]
        return sorted(ranked, key=lambda each: -each.amount)[:most]

    async def has(self, path: str) -> bool:
        return bool(await self._those_with(path))

    async def trace(self, tracing: Tracing) -> Response:
        having = await self._those_with(tracing.path)
        chosen = [name for name in having if tracing.worker in (None, index_of(name))]
        if not chosen:
            raise nowhere()
        stream = await self._connect(chosen[0])
        try:
            with trio.fail_after(_ANSWER_SECONDS):
                await send_question(stream, AskTrace(tracing))
                await receive_verdict(stream)
        except (NoAnswer, OSError, trio.TooSlowError, trio.BrokenResourceError):
            await trio.aclose_forcefully(stream)
            raise Refusal(ErrorCode.UNAVAILABLE, "its worker does not answer") from None
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return _Relayed(stream)

    async def _those_with(self, path: str) -> list[str]:
        told = await self._all(AskWhether(path), bool)
        return [name for name, has in told.items() if has is True]

    async def _all(self, question: Question, kind: type[T]) -> dict[str, T | Refusal]:
        """The answers of those that gave one, by the names of their sockets."""
        told: dict[str, T | Refusal] = {}
        names = sorted(self._place.run.names(SUFFIX), key=index_of)
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(self._ask, name, question, kind, told)
        return {name: told[name] for name in names if name in told}

    async def _ask(self, name: str, question: Question, kind: type[T], told: dict[str, T | Refusal]) -> None:
        try:
            with trio.fail_after(_ANSWER_SECONDS):
                async with await self._connect(name) as stream:
                    await send_question(stream, question)
                    await receive_verdict(stream)
                    told[name] = msgspec.msgpack.decode(await receive_rest(stream), type=kind)
        except Refusal as refusal:
            told[name] = refusal
        except (NoAnswer, OSError, trio.TooSlowError, trio.BrokenResourceError, msgspec.DecodeError) as error:
            log.info("worker %s does not answer its colleague: %r", name, error)

    async def _connect(self, name: str) -> trio.SocketStream:
        sock = trio.socket.socket(socket.AF_UNIX)
        try:
            await sock.connect(self._place.run.address(name))
        except ConnectionRefusedError:
            sock.close()
            self._place.run.remove(name)  # its worker was killed
            raise
        except BaseException:
            sock.close()
            raise
        return trio.SocketStream(sock)


class _Relayed(Response):
    """The trace that a colleague tells, as it comes."""

    media_type = TraceResponse.media_type

    def __init__(self, stream: trio.SocketStream) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._stream, trio.open_nursery() as nursery:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"", "more_body": True})  # so that the head leaves now
            nursery.start_soon(until_gone, receive, nursery.cancel_scope)
            while lines := await self._stream.receive_some(_CHUNK):
                await send({"type": "http.response.body", "body": lines, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            nursery.cancel_scope.cancel()
