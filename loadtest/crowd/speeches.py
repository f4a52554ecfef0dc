"""What the clients of a crowd say, and what they are answered.

Posts are kept until they are answered: who is cut off says them again once it is back, under the same nonce and in
their order; who is refused for the moment, after the time the server named. Any other command is said once: whoever
asked is given the answer, or None where none comes any more.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Final

from msgspec import structs

from loadtest.crowd.entries import Entry
from loadtest.crowd.frames import Opcode, masked_frame
from loadtest.crowd.speech import Question, Said, Speech
from loadtest.crowd.standing import READY, SPEAKING, Standing
from loadtest.crowd.watcher import Watcher
from loadtest.ledger import Ledger
from loadtest.marks import nonce_of, now_mark
from server.protocol.codec import encode_command
from server.protocol.commands import AnyCommand
from server.protocol.errors import FOR_NOW
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok

_RETRY_SECONDS: Final = 0.5  # where the server names no time


class Speeches:
    """Of all clients that said something and have no answer.

    Parameters
    ----------
    room
        The id of a room, by its number.
    retry_in
        Asked to call `retry` for a client after so many seconds.
    """

    def __init__(
        self, standing: Standing, room: Callable[[int], str], watcher: Watcher, ledger: Ledger,
        retry_in: Callable[[int, float], None],
    ) -> None:  # fmt: skip
        self._numbers, self._states, self._lives = standing.numbers, standing.states, standing.lives
        self._room = room
        self._watcher = watcher
        self._ledger = ledger
        self._retry_in = retry_in
        self._of: dict[int, Speech] = {}
        self._ids = itertools.count(1)

    def __contains__(self, slot: int) -> bool:
        return slot in self._of

    def unanswered(self, slot: int | None = None) -> int:
        """Posts of one client, or of all, without an answer."""
        if slot is None:
            return sum(1 for speech in self._of.values() for _ in speech.posts())
        speech = self._of.get(slot)
        return 0 if speech is None else sum(1 for _ in speech.posts())

    def waiting(self, now: float) -> list[float]:
        """Of each of these posts: seconds since it was first said."""
        return [now - said.first for speech in self._of.values() for said in speech.posts()]

    # --- what is said --------------------------------------------------------------------------------------------

    def post(self, slot: int, room: int, text: str, label: str) -> bytes:
        """Say something; said again after each lost connection until it is answered.

        What it returns is empty while the client is not ready: then it goes out by itself once it is.
        """
        count = next(self._ids)
        author, run = self._numbers[slot], self._ledger.run
        room_id = self._room(room)
        whole = now_mark(run, author, count, label) + text
        command = Post(id=count, room=room_id, nonce=nonce_of(run, author, count), text=whole)
        said = Said(room_id, whole, encode_command(command), time.monotonic())
        return self._add(slot, count, said)

    def ask(self, slot: int, command: AnyCommand, then: Callable[[Ok | Error | None], None] | None) -> bytes:
        """Say any other command, if the client is ready; `then` is given the answer, or None."""
        if not self._states[slot] & READY:
            if then is not None:
                then(None)
            return b""
        if then is None:
            return masked_frame(Opcode.TEXT, encode_command(command))
        count = next(self._ids)
        asked = encode_command(structs.replace(command, id=count))
        return self._add(slot, count, Question(asked, then, time.monotonic()))

    def _add(self, slot: int, count: int, said: Said | Question) -> bytes:
        speech = self._of.get(slot)
        if speech is None:
            speech = self._of[slot] = Speech()
        speech.said[count] = said
        if not self._states[slot] & READY:
            return b""
        self._states[slot] |= SPEAKING
        return self._say(slot, count, said)

    def all_again(self, slot: int) -> bytes:
        """Everything without an answer, on a new connection."""
        speech = self._of.get(slot)
        return b"" if speech is None else b"".join(self._say(slot, *each) for each in speech.said.items())

    def retry(self, slot: int) -> bytes:
        """Say again what was refused for the moment."""
        speech = self._of.get(slot)
        if speech is None:
            return b""
        speech.retrying = False
        if not self._states[slot] & READY:
            return b""
        refused = [(count, said) for count, said in speech.said.items() if isinstance(said, Said) and said.refused]
        return b"".join(self._say(slot, count, said) for count, said in refused)

    def _say(self, slot: int, count: int, said: Said | Question) -> bytes:
        said.at = time.monotonic()
        if isinstance(said, Said):
            said.refused = False
            said.life = self._lives[slot]
            number = self._numbers[slot]
            self._ledger.was_posted(number, said.room, count, said.text, said.life, said.at)
            self._watcher.posted(number, said.room)
        return masked_frame(Opcode.TEXT, said.command)

    # --- what is answered ----------------------------------------------------------------------------------------

    def done(self, slot: int, count: int, ok: Ok) -> None:
        said = self._answered(slot, count)
        if isinstance(said, Question):
            said.then(ok)
        elif said is not None and ok.seq is not None:
            self._ledger.was_acknowledged(count, ok.seq, duplicate=bool(ok.duplicate))
            self._watcher.acknowledged(self._numbers[slot], said.room, time.monotonic() - said.first)

    def refused(self, slot: int, count: int, error: Error) -> None:
        speech = self._of.get(slot)
        said = None if speech is None else speech.said.get(count)
        if isinstance(said, Question):
            self._answered(slot, count)
            said.then(error)
        elif said is not None and speech is not None:
            final = error.code not in FOR_NOW
            self._ledger.was_refused(count, final=final)
            self._watcher.denied(self._numbers[slot], said.room, final)
            if final:
                self._answered(slot, count)
                return
            said.refused = True
            if not speech.retrying:
                speech.retrying = True
                self._retry_in(slot, _RETRY_SECONDS if error.retry_after is None else error.retry_after / 1000)

    def _answered(self, slot: int, count: int) -> Said | Question | None:
        speech = self._of.get(slot)
        if speech is None:
            return None
        said = speech.said.pop(count, None)
        if not speech.said:
            del self._of[slot]
            self._states[slot] &= ~SPEAKING
        return said

    def was_shown(self, slot: int, entry: Entry) -> None:
        """An entry, which may be its own message, still without an answer on the connection that said it."""
        speech = self._of.get(slot)
        if speech is None or entry.mark is None or entry.mark.run != self._ledger.run:
            return
        said = speech.said.get(entry.mark.number)
        if isinstance(said, Said) and said.life == self._lives[slot]:
            self._ledger.saw_own(entry, said.life, time.monotonic())

    # --- what ends -----------------------------------------------------------------------------------------------

    def interrupted(self, slot: int) -> None:
        """The connection is gone, whoever ended it."""
        speech = self._of.get(slot)
        if speech is None:
            return
        rooms = {said.room for said in speech.posts() if said.life == self._lives[slot]}
        for room in sorted(rooms):  # the checker has to know only where somebody waited for an answer
            self._ledger.was_closed(self._numbers[slot], self._lives[slot], room, time.monotonic())
        for question in speech.interrupt():
            question.then(None)
        if not speech.said:
            del self._of[slot]

    def overdue(self, now: float, patience: float, give_up: float) -> list[tuple[int, float]]:
        """Who has waited for longer than `patience` for an answer, and for how long, seconds.

        Posts that were first said longer ago than `give_up` are given up here, where they are not under way.
        """
        late: list[tuple[int, float]] = []
        for slot, speech in list(self._of.items()):
            if self._states[slot] & READY and (waited := speech.waited(now)) > patience:
                late.append((slot, waited))
                continue
            for count, said in list(speech.said.items()):
                if isinstance(said, Said) and now - said.first > give_up and not said.is_under_way(self._lives[slot]):
                    self._answered(slot, count)
                    self._watcher.abandoned(self._numbers[slot], said.room)
        return late
