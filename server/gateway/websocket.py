"""A websocket, as an actor: bytes in, messages out of them; frames in, as few `send`s as possible out of them.

This is the half of a connection that knows RFC 6455 and nothing of commands and sessions; `connection.py` is the other.
The rules:
- Nothing waits. What the kernel does not take is queued; what may not start yet stays unparsed, and is not read.
- All frames of one activation leave in one `send`, at `settled`.
- Above `outbound_bytes` it is congested, until its queue is empty: no message starts meanwhile. A peer that takes
  nothing at all is closed with 4002.
- Nothing follows a close frame. After it our side is shut, what still comes is thrown away, and the peer has a limited
  time to close its side: closing at once would reset the connection and might destroy the close frame on its way.
  After that it is reset: whoever takes nothing must not leave 41 KB in the kernel for a minute behind.
- It owns its socket, and closes it at every end: in order, or by a crash. It is never restarted.

An idle one is this object and a socket: no parser, no queue, no lists.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Final

from actors import SHUTDOWN, Actor, Timer
from server.gateway.byte_socket import ByteSocket
from server.gateway.dialects import Dialect
from server.gateway.frames import PING, close_echo, close_frame, pong_frame
from server.gateway.gateway import Gateway
from server.gateway.messages import Signal, Stalled
from server.gateway.ongoing import Ongoing
from server.gateway.outbound import Outbound
from server.gateway.parsing import (
    BrokenFraming,
    ClientMessage,
    FrameParser,
    PeerClose,
    Ping,
    Quiet,
    is_empty_pong,
    whole_message,
)
from server.metrics.counts import LOST, NO_CODE
from server.protocol.closing import CloseCode
from server.protocol.outgoing import Outgoing

_MOST_FRAMES: Final = 32
"""Frames handled in one go: a chunk can hold ten thousand, and others are waiting for their turn."""

_MOST_PENDING: Final = 64
"""Frames after which a flush does not wait for `settled`: whether the peer reads its answers has to show early."""

_MOST_SENDS: Final = 8
"""`send` calls for one WRITABLE, so that one fast reader with a long queue does not hold up the others."""

_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER for no time: a RST, and nothing is kept


class Websocket(Actor):
    """One accepted websocket. Subclasses say what its messages mean, by the hooks at the end.

    Parameters
    ----------
    gateway
        What all connections share.
    sock
        Non-blocking; the handshake is over. What the peer sent right behind it is told as any other bytes are.
    dialect
        How it speaks.
    """

    __slots__ = ("_busy_with", "_pending", "_socket", "_terms")

    def __init__(self, gateway: Gateway, sock: ByteSocket, dialect: Dialect) -> None:
        self._terms = gateway.terms(dialect)
        self._socket: ByteSocket | None = sock
        self._busy_with: Ongoing | None = None
        self._pending: bytes | list[bytes] | None = None  # mostly one frame: then without a list around it

    @property
    def _gateway(self) -> Gateway:
        return self._terms.gateway

    @property
    def _dialect(self) -> Dialect:
        return self._terms.dialect

    @property
    def _ongoing(self) -> Ongoing:
        """Made when it is needed, until `settled`."""
        if self._busy_with is None:
            self._busy_with = Ongoing()
        return self._busy_with

    @property
    def _parser(self) -> FrameParser | None:
        return None if self._busy_with is None else self._busy_with.parser

    @property
    def _closing(self) -> Timer | None:
        return None if self._busy_with is None else self._busy_with.closing

    @property
    def _outbound(self) -> Outbound | None:
        return None if self._busy_with is None else self._busy_with.outbound

    # --- its life ------------------------------------------------------------------------------------------------

    def started(self) -> None:
        assert self._socket is not None
        try:
            self._gateway.reactor.register(self._socket, self.address)
            self._opened()
        except BaseException:
            self._release()
            raise

    def receive(self, message: object) -> None:
        if self._socket is None:
            return
        try:
            match message:
                case Outgoing():
                    if self._closing is None:
                        self._say(message)
                case bytes():
                    self._hear(message)
                case Signal():
                    self._notice(message)
                case Stalled():
                    self._look_whether_it_moves(message)
                case _:
                    self._told(message)
        except BaseException:
            self._release()
            raise

    def settled(self) -> None:
        try:
            if self._pending is not None:
                self._flush()
            if self._busy_with is not None:
                self._look_what_is_left(self._busy_with)
        except BaseException:
            self._release()
            raise

    def _look_what_is_left(self, ongoing: Ongoing) -> None:
        if ongoing.outbound is None and (ongoing.closing is not None or ongoing.wants_drained):
            self._all_left(ongoing)
        if not ongoing:
            self._busy_with = None

    def stopped(self, reason: object) -> None:
        try:
            if reason is SHUTDOWN:
                self._close(CloseCode.DRAINING)
                self._flush()
        finally:
            self._release()

    # --- what the peer says --------------------------------------------------------------------------------------

    def _hear(self, received: bytes) -> None:
        if self._closing is not None:
            if self._socket is not None:
                self._gateway.reactor.taken(self._socket)
            return
        if self._parser is None and is_empty_pong(received):
            if self._may_come() and self._socket is not None:
                self._gateway.reactor.taken(self._socket)
            return
        if self._parser is None and self._may_handle():
            message = whole_message(received, self._message_bytes())
            if message is not None:
                self._heard(message)
                if self._socket is not None:
                    self._gateway.reactor.taken(self._socket)
                return
        ongoing = self._ongoing
        if ongoing.parser is None:
            ongoing.parser = self._gateway.parsers.borrow(compressed=self._dialect.plain is not None)
        ongoing.parser.feed(received)
        self._work_on()

    def _work_on(self) -> None:
        """There may be a message that may start."""
        parser = self._parser
        if parser is not None and not parser.is_queued:
            self._work(parser)

    def _work(self, parser: FrameParser) -> None:
        """Handle what was fed, as far as it may start."""
        for _ in range(_MOST_FRAMES):
            if self._socket is None or self._closing is not None:
                return
            if not self._may_handle():
                self._hold(parser, self._socket)
                return
            message = self._next_message(parser)
            if message is None:
                self._wait_for_more(parser)
                return
            self._handle(message)
        parser.is_queued = True
        self.address.answer(Signal.GO_ON)

    def _may_handle(self) -> bool:
        """Whether another message may be handled now, as far as what waits for the peer is concerned, and otherwise."""
        return (self._outbound is None or self._outbound.late is None) and self._may_start()

    def _next_message(self, parser: FrameParser) -> ClientMessage | None:
        try:
            return parser.next(self._message_bytes())
        except BrokenFraming as error:
            self._broken(error)
            return None

    def _wait_for_more(self, parser: FrameParser) -> None:
        """All that was fed is handled, but perhaps for a part of a message."""
        if self._socket is None or self._closing is not None:
            return
        if parser.at_rest:
            self._give_parser_back()
        elif not self._gateway.parsers.charge(parser):
            self._close(CloseCode.OVER_CAPACITY, "too many unfinished messages")
            return
        self._gateway.reactor.resume(self._socket)
        self._gateway.reactor.taken(self._socket)

    def _hold(self, parser: FrameParser, sock: ByteSocket) -> None:
        """The rest stays in the parser, and nothing more is read, until `_work_on`."""
        self._gateway.parsers.charge(parser)
        self._gateway.reactor.pause(sock)
        self._gateway.reactor.taken(sock)

    def _go_on(self) -> None:
        parser = self._parser
        if parser is not None and parser.is_queued:
            parser.is_queued = False
            self._work(parser)

    def _handle(self, message: ClientMessage) -> None:
        match message:
            case str() | bytes():
                self._heard(message)
            case Ping():
                if self._may_come():
                    self._write(pong_frame(message.payload))
            case PeerClose():
                self._end_with(close_echo(message.code), message.code, by="client")
            case Quiet():
                self._may_come()

    # --- what is said to the peer --------------------------------------------------------------------------------

    def _write(self, frames: bytes) -> None:
        """Say `frames` with all others of this activation."""
        pending = self._pending
        if pending is None:
            self._pending = frames
        elif isinstance(pending, bytes):
            self._pending = [pending, frames]
        else:
            pending.append(frames)
            if len(pending) >= _MOST_PENDING:
                self._flush()

    def _flush(self) -> None:
        pending, sock = self._pending, self._socket
        if pending is None or sock is None:
            return
        self._pending = None
        data = pending if isinstance(pending, bytes) else b"".join(pending)
        if self._busy_with is not None and self._busy_with.outbound is not None:
            self._busy_with.outbound.push(data)
        else:
            try:  # as in `_send`, without the call: this is the way of every delivery
                sent = sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._hang_up()
                return
            if sent == len(data):
                return
            self._start_queue(sock, data, sent)
        self._look_whether_it_is_congested()

    def _send(self, sock: ByteSocket, data: bytes | memoryview) -> int | None:
        """How many bytes the kernel took; None if there is nobody to take them."""
        try:
            return sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._hang_up()
            return None

    def _start_queue(self, sock: ByteSocket, data: bytes, begun: int) -> None:
        queue = self._ongoing.outbound = Outbound(data, begun)
        self._gateway.counts.queues.add(queue)
        self._gateway.reactor.await_writable(sock)
        self._watch_for_stall(queue)

    def _watch_for_stall(self, queue: Outbound) -> None:
        queue.stall = self.send_after(self._gateway.limits.stall_seconds, Stalled(queue, queue.sent))

    def _look_whether_it_is_congested(self) -> None:
        queue = self._outbound
        if queue is not None and queue.late is None and queue.waiting > self._gateway.limits.outbound_bytes:
            queue.late = 0
            self._congested()

    def _drain(self) -> None:
        """The socket is writable: send on what waits."""
        for _ in range(_MOST_SENDS):
            if self._outbound is None or self._socket is None:
                return
            queue = self._outbound
            head = queue.head()
            sent = self._send(self._socket, head)
            if sent is None:
                return
            queue.left(sent)
            if not queue.waiting:
                self._drop_queue()
                self._work_on()
                return
            if sent < len(head):
                break
        if self._socket is not None:
            self._gateway.reactor.await_writable(self._socket)

    def _all_left(self, ongoing: Ongoing) -> None:
        """Nothing waits any more, and somebody wanted to know."""
        if ongoing.closing is not None:
            self._shut_our_side()
        else:
            ongoing.wants_drained = False
            self._drained()

    def _look_whether_it_moves(self, stalled: Stalled) -> None:
        queue = self._outbound
        if queue is None or queue is not stalled.queue or self._closing is not None:
            return
        if queue.sent == stalled.sent:
            self._give_up_on_slow_peer("nothing is taken")
        else:
            self._watch_for_stall(queue)

    # --- closing -------------------------------------------------------------------------------------------------

    def _notice(self, signal: Signal) -> None:
        match signal:
            case Signal.GO_ON:
                self._go_on()
            case Signal.WRITABLE:
                self._drain()
            case Signal.SILENT:
                if self._outbound is None and self._closing is None:
                    self._write(PING)
            case Signal.LOST:
                self._close(CloseCode.HEARTBEAT_MISSED)
            case Signal.HUNG_UP:
                self._hang_up()
            case Signal.CLOSE_OVERDUE:
                self._reset()

    def _give_up_on_slow_peer(self, why: str) -> None:
        if self._outbound is not None:
            self._outbound.drop_unbegun()
        self._pending = None
        self._close(CloseCode.SLOW_CONSUMER, why)

    def _close(self, code: CloseCode, text: str = "") -> None:
        self._end_with(close_frame(code, text), code)

    def _end_with(self, frame: bytes, code: int | None, by: str = "server") -> None:
        """Close after what was said before. Whoever ends it a second time is late."""
        if self._closing is not None or self._socket is None:
            return
        self._ongoing.closing = self.send_after(self._gateway.limits.close_seconds, Signal.CLOSE_OVERDUE)
        self._gateway.counts.closing += 1
        self._gateway.counts.closes[by, NO_CODE if code is None else code] += 1
        self._give_parser_back()
        self._ended()
        self._write(frame)
        if self._socket is not None:
            self._gateway.reactor.resume(self._socket)
            self._gateway.reactor.taken(self._socket)

    def _shut_our_side(self) -> None:
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                self._hang_up()

    def _reset(self) -> None:
        """It had its time. What it did not take goes as well: closed in order, the kernel would go on offering it."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self._hang_up()

    def _hang_up(self) -> None:
        """There is nobody to say anything to any more."""
        if self._closing is None and self._socket is not None:
            self._gateway.counts.closes["nobody", LOST] += 1
        self._release()
        self.stop()

    def _release(self) -> None:
        """Give back all that is not the collector's. After this nothing is heard and nothing is said."""
        sock, self._socket = self._socket, None
        self._give_parser_back()
        self._drop_queue()
        self._pending = None
        self._ended()
        if self._closing is not None:
            self._closing.cancel()
        if sock is not None:
            self._gateway.counts.closing -= self._closing is not None
            self._gateway.reactor.unregister(sock)
            self._gateway.addresses.leave(sock.fileno())
            sock.close()

    def _drop_queue(self) -> None:
        ongoing = self._busy_with
        if ongoing is not None and ongoing.outbound is not None:
            queue, ongoing.outbound = ongoing.outbound, None
            self._gateway.counts.queues.discard(queue)
            queue.discard()

    def _give_parser_back(self) -> None:
        ongoing = self._busy_with
        if ongoing is not None and ongoing.parser is not None:
            parser, ongoing.parser = ongoing.parser, None
            self._gateway.parsers.give_back(parser)

    # --- for subclasses ------------------------------------------------------------------------------------------

    def _opened(self) -> None:
        """It is registered with the reactor, and heard nothing yet."""

    def _heard(self, message: str | bytes) -> None:
        """A whole message has arrived."""
        raise NotImplementedError

    def _broken(self, error: BrokenFraming) -> None:
        """The peer does not keep to RFC 6455, or said more than it may: to be closed."""
        raise NotImplementedError

    def _told(self, message: object) -> None:
        """An actor's message that is none of the gateway's."""
        raise TypeError(f"a websocket is not told {type(message).__name__}")

    def _say(self, outgoing: Outgoing) -> None:
        """Events for this peer."""
        raise NotImplementedError

    def _may_come(self) -> bool:
        """Whether a frame that brings no message is welcome; if not, the peer is being closed for it."""
        return True

    def _message_bytes(self) -> int:
        """How large a message may be now."""
        return self._gateway.limits.frame_bytes

    def _may_start(self) -> bool:
        """Whether another message may be handled now; if not, `_work_on` has to be called when it may."""
        return True

    def _congested(self) -> None:
        """More waits than should. Called once until the queue is empty again."""

    def _drained(self) -> None:
        """`wants_drained` was set, and nothing waits."""

    def _ended(self) -> None:
        """Nothing is said any more, but perhaps a close frame. Called at least once."""
