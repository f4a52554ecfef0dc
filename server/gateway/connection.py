"""A connection: the websocket of one client of the chat, between its socket and its session.

It is opening until the session's `welcome` and ready after it; `LEGAL` of the wire contract says what may be said when.
The rules:
- It decodes, checks what is legal, counts what is unanswered, and passes on. What a command does is not its business;
  only `ping` is answered here, because a client asks by it whether this socket is alive.
- What is told to the session and must not be lost takes reserved room: a connection bounds what it has open there.
- A session that holds entries back after `Congested` has nothing to fear: passing events are dropped, answers always
  have room, and only entries that go on and on past `late_bytes` end in 4002.
- Every frame counts against the pace. What comes too fast is not done but told so by the session, in its order; whoever
  goes on all the same is closed with 4503.
- Whose token it is, is asked when `hello` is said, also when the upgrade carried one: it may have been revoked since.
- Who is better off with another worker is handed over before a session is opened, and only while nothing of what was
  heard or said is left here (`gathering.py`).
"""

from __future__ import annotations

import socket

import trio

from actors import NORMAL, SHUTDOWN, Address, Down, NotRunning, StartFailed, StartRefused
from server.gateway.byte_socket import ByteSocket
from server.gateway.dialects import PLAIN_JSON, Dialect
from server.gateway.gateway import Gateway
from server.gateway.gathering import Move
from server.gateway.legal import refusal_of
from server.gateway.messages import Arrived, Signal
from server.gateway.ongoing import Ongoing
from server.gateway.opening import MOST_STARTS, Opening, close_of
from server.gateway.outbound import Outbound
from server.gateway.parsing import BrokenFraming
from server.gateway.websocket import Websocket
from server.pacing import FLOODING, rate_limited
from server.protocol.closing import CloseCode
from server.protocol.codec import BrokenFrame, InvalidCommand
from server.protocol.commands import AnyCommand, is_answered
from server.protocol.errors import Refusal
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Hello, Ping
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong, Welcome, error_from
from server.rooms.messages import Passing
from server.sessions.messages import Close, Congested, Drained, NotifyDrained, Open, Said
from server.store.questions import Done, Failed
from server.store.user_messages import FindIdentity, Identity, NoIdentity


class Connection(Websocket):
    """One client.

    Parameters
    ----------
    gateway, sock, dialect
        As for a `Websocket`.
    header_hash
        Of the token the upgrade carried, already found to be good; None where it carried none.
    """

    __slots__ = ("_session",)

    def __init__(self, gateway: Gateway, sock: ByteSocket, header_hash: bytes | None, dialect: Dialect) -> None:
        super().__init__(gateway, sock, dialect)
        self._session: Address | None = None
        self._busy_with = Ongoing(Opening(header_hash))

    @property
    def _opening(self) -> Opening | None:
        return None if self._busy_with is None else self._busy_with.opening

    def receive(self, message: object) -> None:
        if (
            isinstance(message, Outgoing)
            and not message.answers
            and self._busy_with is None
            and self._terms.dialect is PLAIN_JSON
        ):  # nearly everything that is ever said comes this way: past all matching, and with as few calls as can be
            try:
                if self._pending is None:
                    self._pending = message.frames or self._encode(message)
                else:
                    self._write(message.frames or self._encode(message))
            except BaseException:
                self._release()
                raise
        else:
            super().receive(message)

    def _encode(self, outgoing: Outgoing) -> bytes:
        """Its frames; counted where nobody of this dialect has said it before."""
        if not self._dialect.knows(outgoing):
            self._gateway.counts.encoded += len(outgoing.events)
        return self._dialect.frames_of(outgoing)

    def _told(self, message: object) -> None:
        match message:
            case NotifyDrained():
                self._ongoing.wants_drained = True
            case Close():
                self._close(message.code, message.text)
            case Arrived():
                self._arrived(message)
            case Done():
                self._identified(message.value)
            case Failed():
                self._close(CloseCode.INTERNAL_ERROR, "nobody can look up the token right now")
            case Down():
                self._session_ended(message)
            case _:
                super()._told(message)

    # --- what the client says ------------------------------------------------------------------------------------

    def _heard(self, message: str | bytes) -> None:
        codec = self._dialect.codec
        if isinstance(message, bytes) is not codec.is_binary:
            spoken = "binary" if codec.is_binary else "text"
            self._close(CloseCode.PROTOCOL_ERROR, f"{codec.subprotocol} is spoken in {spoken} frames")
            return
        size = len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
        wait = self._charge(size)
        if wait == FLOODING:
            return
        try:
            command = codec.decode_command(message)
        except BrokenFrame as error:
            self._close(CloseCode.PROTOCOL_ERROR, str(error))
        except InvalidCommand as error:
            self._reply(error_from(error.refusal, error.command_id))
        else:
            self._handle_command(command, size, wait)

    def _broken(self, error: BrokenFraming) -> None:
        self._close(CloseCode.PROTOCOL_ERROR, str(error))

    def _charge(self, size: int) -> float:
        """Count what was heard: seconds to wait for it, if any. A peer that is flooding is being closed."""
        wait = self._gateway.pace.charge(self.address, size, trio.current_time())
        if wait == FLOODING:
            self._close(CloseCode.FLOODING, "too much, and on and on")
        return wait

    def _may_come(self) -> bool:
        return self._charge(0) != FLOODING

    def _handle_command(self, command: AnyCommand, size: int, wait: float) -> None:
        refusal = refusal_of(command, "ready" if self._opening is None else "opening")
        if refusal is not None:
            self._reply(error_from(refusal, command.id))
            return
        match command:
            case Ping() | Hello() if wait:
                self._reply(error_from(rate_limited(wait), command.id))
            case Ping():
                self._reply(Pong(id=command.id))
            case Hello():
                self._open(command)
            case _:
                self._pass_on(command, size, wait)

    def _pass_on(self, command: AnyCommand, size: int, wait: float) -> None:
        assert self._session is not None
        said = Said(self.address, command, size, wait)
        if is_answered(command):
            self._ongoing.unanswered += 1
            self._session.answer(said)
        else:
            self._session.tell(said)

    def _may_start(self) -> bool:
        return self._busy_with is None or self._busy_with.unanswered < self._gateway.limits.unanswered

    def _message_bytes(self) -> int:
        return self._gateway.limits.frame_bytes if self._opening is None else self._opening.message_bytes

    # --- opening -------------------------------------------------------------------------------------------------

    def _opened(self) -> None:
        assert self._opening is not None
        self._set_deadline(self._opening)
        self._opening.timer = self.send_after(self._gateway.limits.hello_seconds, Signal.OPENING_OVERDUE)
        self._gateway.counts.opening += 1

    def _set_deadline(self, opening: Opening) -> None:
        """For the next step. The timer of the first looks after it as well, where the next takes so long."""
        opening.due = trio.current_time() + self._gateway.limits.hello_seconds

    def _look_whether_it_opens(self, opening: Opening) -> None:
        left = opening.due - trio.current_time()
        if left > 0:
            opening.timer = self.send_after(left, Signal.OPENING_OVERDUE)
        else:
            self._close(*opening.close_when_overdue())

    def _open(self, hello: Hello) -> None:
        opening = self._opening
        assert opening is not None
        try:
            digest = opening.accept(hello)
        except Refusal as refusal:
            self._reply(error_from(refusal, hello.id))
            return
        if digest is None:
            self._close(CloseCode.BAD_TOKEN, "no token")
            return
        self._set_deadline(opening)
        gathers = self._gateway.gathering is not None and not opening.has_arrived
        question = FindIdentity(reply_to=self.address, token_hash=digest, gathers=gathers)
        if not self._gateway.reader.tell(question):
            self._close(CloseCode.OVER_CAPACITY)

    def _identified(self, whose: object) -> None:
        if self._opening is None:
            return
        match whose:
            case Identity():
                if not self._hand_over(self._opening, whose):
                    self._opening.identity = whose
                    self._join_session(self._opening)
            case NoIdentity():
                self._close(close_of(whose))
            case _:
                raise TypeError(f"a token does not stand for {type(whose).__name__}")

    def _arrived(self, arrived: Arrived) -> None:
        if self._opening is not None:
            self._opening.has_arrived = True
            self._open(arrived.hello)

    def _hand_over(self, opening: Opening, identity: Identity) -> bool:
        """Give the socket to the worker where its rooms are gathered, and end. False: it stays, nothing has changed."""
        gathering, sock = self._gateway.gathering, self._socket
        if gathering is None or identity.gathers_in is None or opening.hello is None or not self._is_blank:
            return False
        worker = gathering.worker_for(identity.gathers_in)
        if worker is None or not isinstance(sock, socket.SocketType):  # what TLS knows stays in its process
            return False
        network = self._gateway.addresses.network_of(sock.fileno())
        move = Move.of(self._dialect, network, opening.header_hash, opening.hello)
        if not gathering.hand_over(worker, sock.fileno(), move):
            return False
        self._gateway.counts.handed_over += 1
        self._release()
        self.stop()
        return True

    @property
    def _is_blank(self) -> bool:
        """Whether nothing has come that is not handled, and nothing was said that has not left."""
        sock, ongoing = self._socket, self._busy_with
        if sock is None or ongoing is None or self._pending is not None or self._gateway.reactor.has_told(sock):
            return False
        return ongoing.parser is None and ongoing.outbound is None and ongoing.closing is None

    def _join_session(self, opening: Opening) -> None:
        identity, hello = opening.identity, opening.hello
        assert identity is not None
        assert hello is not None
        opening.starts += 1
        try:
            session = self.system.dynamic(self._gateway.sessions).find_or_start(identity.session, identity)
        except NotRunning:
            self._close(CloseCode.DRAINING)
            return
        except (StartRefused, StartFailed):
            self._close(CloseCode.INTERNAL_ERROR, "the session cannot start")
            return
        self._session = session
        self.watch(session)
        resume, focus = hello.resume or {}, hello.focus
        session.answer(Open(self.address, resume, hello.id, identity.last_used, hello.passive, focus))

    def _session_ended(self, down: Down) -> None:
        """A session that ended in order before it could welcome had just lost its last connection: start it anew."""
        opening = self._opening
        if down.address is not self._session or self._closing is not None:
            return
        if opening is not None and down.reason is NORMAL and opening.starts < MOST_STARTS:
            self._join_session(opening)
        elif down.reason is SHUTDOWN:
            self._close(CloseCode.DRAINING)
        else:
            self._close(CloseCode.INTERNAL_ERROR, "the session has ended")

    def _notice(self, signal: Signal) -> None:
        if signal is not Signal.OPENING_OVERDUE:
            super()._notice(signal)
        elif self._opening is not None:
            self._look_whether_it_opens(self._opening)

    def _leave_opening(self) -> None:
        ongoing = self._busy_with
        if ongoing is None or ongoing.opening is None:
            return
        if ongoing.opening.timer is not None:
            ongoing.opening.timer.cancel()
            self._gateway.counts.opening -= 1
        ongoing.opening = None

    # --- what is said to the client ------------------------------------------------------------------------------

    def _say(self, outgoing: Outgoing) -> None:
        frames = self._encode(outgoing)
        if self._outbound is not None and not self._has_room(self._outbound, outgoing, len(frames)):
            return
        self._write(frames)
        if self._opening is not None and isinstance(outgoing.events[0], Welcome):
            self._leave_opening()
            if self._socket is not None:
                self._settle(self._socket)
        if outgoing.answers:
            self._ongoing.unanswered -= outgoing.answers
            self._work_on()

    def _settle(self, sock: ByteSocket) -> None:
        """It is welcome, and stays: perhaps without its descriptor."""
        descriptor = sock.fileno()
        self._socket = self._gateway.reactor.settle(sock)
        self._gateway.addresses.move(descriptor, self._socket.fileno())

    def _has_room(self, queue: Outbound, outgoing: Outgoing, size: int) -> bool:
        """Whether `outgoing` may join those that wait. Answers always may: the client has asked for them."""
        if queue.late is None or outgoing.answers:
            return True
        if isinstance(outgoing, Passing):
            return False
        queue.late += size
        if queue.late > self._gateway.limits.late_bytes:
            self._give_up_on_slow_peer("too much waits")
            return False
        return True

    def _reply(self, event: AnyEvent) -> None:
        self._write(self._dialect.frame_of(event))

    def _congested(self) -> None:
        if self._session is not None:
            self._session.answer(Congested(connection=self.address))

    def _drained(self) -> None:
        if self._session is not None:
            self._session.answer(Drained(connection=self.address))

    def _ended(self) -> None:
        self._leave_opening()
