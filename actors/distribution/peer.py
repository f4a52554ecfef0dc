"""Peer: one other node, as this one sees it: the link with it, and all that hangs on the link.

The rules:
- What hangs on a session (questions either way, watches either way) ends with it, here at once and there as soon as it
  hears: questions with `Unreachable`, watches with `Down`.
- Envelopes are handled in the order they come, each whole before the next, so a `Down` is behind what was told.
- What was told to somebody whose mailbox refuses it is missing. A question says so by `Refused`; for anything else
  whoever watches that actor from the other node hears `Down` with `Unreachable`, and knows that it has to ask again.
- What another node sends never ends this one: what is not understood is logged, counted and dropped.
"""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING, Any

from actors.distribution.envelopes import Envelope, EnvelopeKind, opened
from actors.distribution.far_reply import FarReply
from actors.distribution.link import Link, Outcome
from actors.distribution.packets import Malformed, Packet
from actors.distribution.questions import Questions
from actors.distribution.reasons import failure_heard, reason_heard, reason_said
from actors.distribution.remote_address import FarWatcher, RemoteAddress
from actors.errors import AskFailed, Refused, StartFailed, StartRefused, Stopped, Unreachable
from actors.messages import NO_SUCH_ACTOR

if TYPE_CHECKING:
    from actors.address import Address
    from actors.distribution.distribution import Distribution
    from actors.reply import Reply

log = logging.getLogger("actors.distribution")

_WATCHES = count(1)


class Peer:
    """Another node that is up.

    Attributes:
        node: its name.
        link: the link with it.
        asked_here: the questions of its actors that are open here, by their numbers.
        foreign: whether it speaks another major version.
        not_understood: what it has told that nobody here could read.
        undelivered: messages of its actors that nobody here has taken.
    """

    def __init__(self, distribution: Distribution, node: str, link: Link) -> None:
        self.node = node
        self.link = link
        self.questions = Questions(distribution.limits.questions)
        self.asked_here: dict[int, FarReply] = {}
        self.watched: dict[int, RemoteAddress] = {}
        self._watcher: FarWatcher | None = None
        """Watches here for its actors; there is one from the first watch of a session on."""
        self._downs: dict[int, Envelope] = {}
        self.foreign = False
        self.not_understood = self.undelivered = 0
        self._distribution = distribution

    @property
    def accepts(self) -> bool:
        """Whether it takes messages, as far as is known."""
        return self.link.accepts(self._distribution.now())

    @property
    def watches_here(self) -> int:
        """How many watches its actors have here."""
        return 0 if self._watcher is None else self._watcher.watches

    # From here to there

    def tell(self, kind: EnvelopeKind, name: str, message: object) -> bool:
        """Tell one of its actors. Raises TypeError for a message that cannot cross."""
        body, questions = self._distribution.encoded(self, message)
        if questions and not self._may_open(len(questions)):
            return False
        number = next(iter(questions.values()), 0)
        envelope = Envelope(kind, number, name, body)
        if not self._take(envelope, reserved=kind is EnvelopeKind.ANSWER):
            return False
        for reply, number in questions.items():
            self.questions.open(reply, number)
        return True

    def post(self, envelope: Envelope) -> bool:
        """Say something whose place is reserved."""
        return self._take(envelope, reserved=True)

    def forget(self, question: Reply[Any]) -> None:
        """Nobody here waits for the answer to this question."""
        number = self.questions.forget(question)
        if number is not None:
            self.post(Envelope(EnvelopeKind.FORGET, number))

    def watch(self, remote: RemoteAddress) -> int:
        """Watch one of its actors: the number of the watch; 0: it cannot be reached."""
        number = next(_WATCHES)
        if not self.post(Envelope(EnvelopeKind.WATCH, number, remote.name)):
            return 0
        self.watched[number] = remote
        return number

    def unwatch(self, number: int) -> None:
        """Watch it no more."""
        if self.watched.pop(number, None) is not None:
            self.post(Envelope(EnvelopeKind.UNWATCH, number))

    def answer(self, number: int, answer: object) -> bool:
        """Answer its question with this number. Raises TypeError for an answer that cannot cross."""
        body, questions = self._distribution.encoded(self, answer)
        for reply, opened_here in questions.items():
            self.questions.open(reply, opened_here)
        return self.post(Envelope(EnvelopeKind.REPLY, number, body=body))

    def say_down(self, watch: int, incarnation: int, reason: object) -> None:
        """Say to its watch with this number that an incarnation has ended.

        Held until anything else is said: whether there will be another one is decided in the same breath, and whoever
        watches is to hear both at once.
        """
        if watch in self._downs:
            self.release()
        name, text = reason_said(reason)
        self._downs[watch] = Envelope(EnvelopeKind.DOWN, watch, name, incarnation.to_bytes(8, "big") + text.encode())
        self._distribution.touched(self)

    def say_gone(self, watch: int) -> None:
        """Say to its watch with this number that it is over."""
        down = self._downs.get(watch)
        if down is None:
            self.post(Envelope(EnvelopeKind.GONE, watch))
        else:
            self._downs[watch] = down._replace(kind=EnvelopeKind.ENDED)

    def release(self) -> None:
        """Say now what is held."""
        downs, self._downs = self._downs, {}
        for down in downs.values():
            self.link.take(down.encoded(), self._distribution.now(), reserved=True)

    def _may_open(self, more: int) -> bool:
        """Whether it may be asked so many more questions; those that nobody waits for any more are forgotten for it."""
        if not self.questions.has_place_for(more):
            for number in self.questions.swept():
                self.post(Envelope(EnvelopeKind.FORGET, number))
        return self.questions.has_place_for(more)

    def _take(self, envelope: Envelope, reserved: bool) -> bool:
        if self._downs:
            self.release()
        taken = self.link.take(envelope.encoded(), self._distribution.now(), reserved)
        self._distribution.touched(self)
        return taken

    # From there to here

    def received(self, packet: Packet) -> None:
        """A packet has come from it."""
        outcome: Outcome = self.link.received(packet, self._distribution.now())
        if outcome.lost is not None:
            self.lost(outcome.lost)
        for data in outcome.envelopes:
            try:
                self._handle(opened(data))
            except Malformed as error:
                self._misunderstood(f"an envelope: {error}")

    def lost(self, why: str) -> None:
        """The session with it is over."""
        log.warning("the link with %s was reset: %s", self.node, why)
        said = f"the link with {self.node} was reset: {why}"
        watched, self.watched = self.watched, {}
        watcher, self._watcher = self._watcher, None
        self._downs = {}
        if watcher is not None:
            watcher.end_all()
        for reply in tuple(self.asked_here.values()):
            reply.forget()
        self.questions.fail_all(Unreachable, said)
        for remote in watched.values():
            remote.went_down(remote.incarnation, Unreachable(said))
            remote.gone()

    def _handle(self, envelope: Envelope) -> None:
        number = envelope.number
        match envelope.kind:
            case EnvelopeKind.TELL | EnvelopeKind.ANSWER | EnvelopeKind.URGENT:
                self._told(envelope)
            case EnvelopeKind.REPLY:
                self._answered(number, envelope.body)
            case EnvelopeKind.FAILURE:
                reply = self.questions.answered(number)
                if reply is not None:
                    reply.fail(failure_heard(envelope.name, envelope.body.decode(errors="replace")))
            case EnvelopeKind.FORGET:
                question = self.asked_here.get(number)
                if question is not None:
                    question.forget()
            case EnvelopeKind.WATCH:
                self._watch_here(number, envelope.name)
            case EnvelopeKind.UNWATCH:
                if self._watcher is not None:
                    self._watcher.end(number)
            case EnvelopeKind.DOWN:
                self._down(self.watched.get(number), envelope)
            case EnvelopeKind.ENDED:
                remote = self.watched.pop(number, None)
                self._down(remote, envelope)
                if remote is not None:
                    remote.gone()
            case EnvelopeKind.GONE:
                remote = self.watched.pop(number, None)
                if remote is not None:
                    remote.gone()
            case _:
                self._misunderstood(f"an envelope of kind {envelope.kind}")

    def _told(self, envelope: Envelope) -> None:
        try:
            message, replies = self._distribution.decoded(self, envelope.body)
        except Exception as error:
            self._misunderstood(f"a message for {envelope.name}: {error!r}")
            self._fail(envelope.number, Refused(f"{envelope.name} does not understand the question"))
            return
        target = self._found(envelope.name, start=envelope.kind == EnvelopeKind.TELL)
        if target is None:
            self.undelivered += 1
            for reply in replies:
                reply.fail(Stopped(f"there is no {envelope.name} on {self._distribution.node}"))
        elif self._hand_over(envelope.kind, target, message):
            for reply in replies:
                reply.put_to(target)
        else:
            self._not_taken(target, replies)

    def _found(self, name: str, start: bool) -> Address | None:
        """Who is called so here; None: nobody, or it cannot be started now."""
        try:
            return self._distribution.find(name, start)
        except (StartRefused, StartFailed) as error:
            log.info("%s cannot be started for %s: %r", name, self.node, error)
            return None

    def _hand_over(self, kind: int, target: Address, message: object) -> bool:
        match kind:
            case EnvelopeKind.ANSWER:
                return target.answer(message)
            case EnvelopeKind.URGENT:
                return target.urgent(message)
            case _:
                return target.tell(message)

    def _not_taken(self, target: Address, replies: list[FarReply]) -> None:
        """It is full, or has stopped."""
        self.undelivered += 1
        for reply in replies:
            reply.fail(target._why_not())
        if not replies and target.alive and self._watcher is not None:
            self._watcher.break_off(target, Unreachable(f"{target.path} is full, and has missed something"))

    def _answered(self, number: int, body: bytes) -> None:
        reply = self.questions.answered(number)
        if reply is None:
            return
        try:
            answer, _ = self._distribution.decoded(self, body)
        except Exception as error:
            self._misunderstood(f"an answer: {error!r}")
            reply.fail(Refused(f"{self.node} has answered what nobody here can understand"))
        else:
            reply.tell(answer)

    def _watch_here(self, number: int, name: str) -> None:
        target = self._found(name, start=False)
        full = self.watches_here >= self._distribution.limits.watches
        if target is None or not target.alive or full:
            reason: object = Unreachable("there are too many watches") if full else NO_SUCH_ACTOR
            self.say_down(number, 0, reason)
            self.say_gone(number)
            return
        if self._watcher is None:
            self._watcher = FarWatcher(self._distribution, self)
        self._watcher.begin(number, target)

    def _down(self, remote: RemoteAddress | None, envelope: Envelope) -> None:
        if remote is not None:
            incarnation, text = int.from_bytes(envelope.body[:8], "big"), envelope.body[8:].decode(errors="replace")
            remote.went_down(incarnation, reason_heard(envelope.name, text))

    def _fail(self, number: int, failure: AskFailed) -> None:
        if number:
            FarReply(self, number).fail(failure)

    def _misunderstood(self, what: str) -> None:
        """Count it, and log the first, the second, the fourth … of its kind: a newer node may send many."""
        self.not_understood += 1
        if not self.not_understood & (self.not_understood - 1):
            log.warning("%s has sent what is not understood here (%d): %s", self.node, self.not_understood, what)
