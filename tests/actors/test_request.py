"""Questions between actors: each ends once, by a message, with its answer or with the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actors import (
    Actor,
    ActorSpec,
    Address,
    Answer,
    Crashed,
    Inbox,
    Mailbox,
    NoAnswer,
    Overflow,
    Refused,
    Reply,
    Restart,
    Stopped,
    System,
    TimedOut,
    ask,
    open_system,
)
from tests.actors.small_actors import (
    Add,
    Counter,
    Crash,
    End,
    Ponder,
    Read,
    Script,
    quiet,
    recorder,
    tell_script,
    tree,
)


class Asker(Script):
    """A script that writes down what it is told besides scripts."""

    __slots__ = ("log",)

    def __init__(self, log: list[object]) -> None:
        self.log = log

    def receive(self, message: object) -> None:
        if callable(message):
            message(self)
        else:
            self.log.append(message)


@dataclass(frozen=True)
class Poison:
    """A question whose handling crashes."""

    reply_to: Reply[int]


class Fragile(Counter):
    """A counter that does not survive `Poison`."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        if isinstance(message, Poison):
            raise ValueError("poison")
        super().receive(message)


def asker(log: list[object], mailbox: Mailbox | None = None) -> ActorSpec:
    return ActorSpec("asker", Asker, (log,), mailbox=mailbox or Mailbox(), name="asker")


def counter(restart: Restart = Restart.PERMANENT, mailbox: Mailbox | None = None) -> ActorSpec:
    return ActorSpec("counter", Fragile, restart=restart, mailbox=mailbox or Mailbox(), name="counter")


def named(system: System, name: str) -> Address:
    address = system.whereis(name)
    assert address is not None
    return address


def ask_counter(system: System, question: object, seconds: float = 60.0, label: object = "q") -> None:
    """Have the asker ask the counter."""
    to = named(system, "counter")
    tell_script(
        named(system, "asker"),
        lambda actor: actor.send_request(to, question, seconds=seconds, label=label),  # type: ignore[arg-type]
    )


def ending(log: list[object]) -> type:
    """How the only question that was asked has ended."""
    (message,) = log
    assert isinstance(message, NoAnswer)
    assert message.label == "q"
    return type(message.failure)


async def test_the_answer_comes_as_a_message_with_the_label_of_its_question() -> None:
    log: list[object] = []
    async with open_system(tree(counter(), asker(log))) as system:
        named(system, "counter").tell(Add(3))
        ask_counter(system, Read, label="first")
        named(system, "counter").tell(Add(4))
        ask_counter(system, Read, label="second")
        await quiet()
        assert log == [Answer("first", 7), Answer("second", 7)]
        assert len(system.timers) == 0


async def test_who_is_asked_need_not_know_whether_a_task_or_an_actor_asks() -> None:
    """The same message, the same handler: `reply_to.tell`."""
    log: list[object] = []
    async with open_system(tree(counter(), asker(log))) as system:
        ask_counter(system, Read)
        await quiet()
    assert log == [Answer("q", 0)]


async def test_a_question_that_is_never_answered_ends_by_its_deadline(autojump_clock: MockClock) -> None:
    log: list[object] = []
    async with open_system(tree(counter(), asker(log))) as system:
        ask_counter(system, Ponder, seconds=2.0)
        await trio.sleep(1.9)
        assert log == []
        await trio.sleep(0.2)
        assert ending(log) is TimedOut
        extra = named(system, "counter")._extra
        assert extra is not None
        assert extra.questions is None, "who was asked has nothing left of it"


async def test_an_answer_behind_the_deadline_is_dropped(autojump_clock: MockClock) -> None:
    log: list[object] = []
    replies: list[Reply[int]] = []

    def keep(reply: Reply[int]) -> Ponder:
        replies.append(reply)
        return Ponder(reply)

    async with open_system(tree(counter(), asker(log))) as system:
        ask_counter(system, keep, seconds=1.0)
        await trio.sleep(1.1)
        assert replies[0].over
        assert not replies[0].tell(5)
        replies[0].fail(Stopped("later still"))
        await quiet()
        assert ending(log) is TimedOut


async def test_one_that_has_stopped_answers_at_once_that_it_has() -> None:
    log: list[object] = []
    async with open_system(tree(counter(Restart.TEMPORARY), asker(log))) as system:
        gone = named(system, "counter")
        gone.tell(End())
        await quiet()
        tell_script(named(system, "asker"), lambda actor: actor.send_request(gone, Read, seconds=60.0, label="q"))
        await quiet()
        assert ending(log) is Stopped


async def test_one_that_stops_before_it_answers_ends_all_questions_received_or_not() -> None:
    log: list[object] = []
    async with open_system(tree(counter(Restart.TEMPORARY), asker(log))) as system:
        to = named(system, "counter")
        for label in range(3):
            ask_counter(system, Ponder, label=label)
        await quiet()
        to.tell(End())
        for label in range(3, 6):
            ask_counter(system, Ponder, label=label)
        await quiet()
        failures = {entry.label: type(entry.failure) for entry in log if isinstance(entry, NoAnswer)}
        assert failures == dict.fromkeys(range(6), Stopped)
        assert len(system.timers) == 0


async def test_a_question_whose_handling_crashes_ends_at_once_and_says_why() -> None:
    log: list[object] = []
    async with open_system(tree(counter(), asker(log))) as system:
        ask_counter(system, Poison)
        await quiet()
        assert ending(log) is Crashed
        assert isinstance(log[0], NoAnswer)
        assert isinstance(log[0].failure.__cause__, ValueError)


async def test_a_full_mailbox_refuses_the_question_at_once() -> None:
    log: list[object] = []
    async with open_system(tree(asker(log), counter(mailbox=Mailbox(1)))) as system:
        to = named(system, "counter")

        def ask_twice(actor: Script) -> None:
            to.tell(Add())
            actor.send_request(to, Read, seconds=60.0, label="q")

        tell_script(named(system, "asker"), ask_twice)
        await quiet()
        assert ending(log) is Refused


async def test_a_full_mailbox_that_drops_the_question_has_nothing_left_of_it() -> None:
    log: list[object] = []
    async with open_system(tree(asker(log), counter(mailbox=Mailbox(1, Overflow.DROP_NEWEST)))) as system:
        to = named(system, "counter")

        def ask_a_full_one(actor: Script) -> None:
            to.tell(Add())
            actor.send_request(to, Read, seconds=60.0, label="q")

        tell_script(named(system, "asker"), ask_a_full_one)
        await quiet()
        assert ending(log) is Refused
        assert to._extra is not None
        assert to._extra.questions is None
        assert len(system.timers) == 0


async def test_an_inbox_that_is_full_refuses_the_question_at_once() -> None:
    log: list[object] = []
    inbox = Inbox(1)
    inbox.tell("already there")
    async with open_system(tree(asker(log))) as system:
        tell_script(named(system, "asker"), lambda actor: actor.send_request(inbox, Read, seconds=60.0, label="q"))
        await quiet()
        assert ending(log) is Refused


async def test_the_answer_is_taken_by_a_full_mailbox() -> None:
    """The question has reserved a place for it."""
    log: list[object] = []
    async with open_system(tree(counter(), asker(log, Mailbox(1)))) as system:
        ask_counter(system, Ponder)
        await quiet()
        assert named(system, "asker").tell("fills it")
        (reply,) = named(system, "counter")._extra.questions  # type: ignore[union-attr, misc]
        assert reply.tell(1)
        await quiet()
    assert log == ["fills it", Answer("q", 1)]


async def test_an_answer_to_a_former_life_is_dropped(autojump_clock: MockClock) -> None:
    log: list[object] = []
    replies: list[Reply[int]] = []

    def keep(reply: Reply[int]) -> Ponder:
        replies.append(reply)
        return Ponder(reply)

    async with open_system(tree(counter(), asker(log))) as system:
        ask_counter(system, keep, label="answered too late")
        ask_counter(system, Ponder, seconds=1.0, label="timed out in another life")
        tell_script(named(system, "asker"), lambda _: 1 / 0)
        await quiet()
        assert named(system, "asker").incarnation == 2
        assert replies[0].over
        assert not replies[0].tell(5)
        await trio.sleep(2.0)
    assert log == []


async def test_an_answer_that_waits_in_the_mailbox_goes_with_the_life_that_asked() -> None:
    log: list[object] = []
    async with open_system(tree(counter(), asker(log))) as system:
        address = named(system, "asker")
        ask_counter(system, Ponder)
        await quiet()
        (reply,) = named(system, "counter")._extra.questions  # type: ignore[union-attr, misc]
        address.tell("before")
        tell_script(address, lambda _: 1 / 0)
        assert reply.tell(5)
        address.tell("behind")
        await quiet()
        assert address.incarnation == 2
    assert log == ["before", "behind"]


class Polite(Actor):
    """Answers a question only when its own question to the other has been answered."""

    __slots__ = ("asking", "log", "other", "owed")

    def __init__(self, other: str, log: list[object]) -> None:
        self.other = other
        self.log = log
        self.asking = False
        self.owed: list[Reply[int]] = []

    def receive(self, message: object) -> None:
        match message:
            case Read(reply_to):
                self.owed.append(reply_to)
                if not self.asking:
                    self.asking = True
                    self.send_request(named(self.system, self.other), Read, seconds=5.0, label=self.other)
            case Answer(_, value):
                for reply in self.owed:
                    reply.tell(value)
            case NoAnswer(label, failure):
                self.log.append((label, type(failure)))


async def test_a_cycle_of_questions_between_actors_ends_by_deadline(autojump_clock: MockClock) -> None:
    log: list[object] = []
    pair = [ActorSpec(one, Polite, (other, log), name=one) for one, other in (("a", "b"), ("b", "a"))]
    async with open_system(tree(*pair)) as system:
        with pytest.raises(TimedOut):
            await ask(named(system, "a"), Read, 4.0)
        assert log == []
        await trio.sleep(1.1)
    assert log == [("b", TimedOut), ("a", TimedOut)]


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_a_question_with_no_time_at_all_ends_by_its_deadline(seconds: float) -> None:
    log: list[object] = []
    async with open_system(tree(counter(), asker(log))) as system:
        ask_counter(system, Ponder, seconds=seconds)
        await quiet()
        assert ending(log) is TimedOut


async def test_questions_that_were_answered_do_not_fill_the_heap() -> None:
    log: list[object] = []
    async with open_system(tree(counter(mailbox=Mailbox(20_000)), asker(log))) as system:
        to = named(system, "counter")

        def ask_often(actor: Script) -> None:
            for label in range(10_000):
                actor.send_request(to, Read, seconds=3600.0, label=label)

        tell_script(named(system, "asker"), ask_often)
        await quiet()
        assert log == [Answer(label, 0) for label in range(10_000)]
        assert len(system.timers) == 0
        assert len(system.timers._heap) <= 200


class Keeper(Actor):
    """Keeps its questions, and answers the oldest when it is told to."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: list[Ponder] = []

    def receive(self, message: object) -> None:
        match message:
            case Ponder():
                self.kept.append(message)
            case "answer" if self.kept:
                self.kept.pop(0).reply_to.tell("answered")
            case Crash(why):
                raise ValueError(why)


ACTIONS = ["ask", "ask", "answer", "crash the one asked", "crash the asker", "time passes"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(ACTIONS), max_size=30))
async def test_every_question_ends_exactly_once_unless_the_life_that_asked_it_has(actions: list[str]) -> None:
    log: list[object] = []
    expected: list[tuple[int, str]] = []
    still_open: list[int] = []
    kept: list[int] = []

    def all_end(how: str) -> None:
        expected.extend((label, how) for label in still_open)
        still_open.clear()

    async with open_system(tree(ActorSpec("keeper", Keeper, name="keeper"), asker(log))) as system:
        keeper, address = named(system, "keeper"), named(system, "asker")
        for label, action in enumerate(actions):
            match action:
                case "ask":
                    question = partial(Script.send_request, target=keeper, question=Ponder, seconds=60.0, label=label)
                    tell_script(address, question)
                    still_open.append(label)
                    kept.append(label)
                case "answer":
                    keeper.tell("answer")
                    if kept and (oldest := kept.pop(0)) in still_open:
                        still_open.remove(oldest)
                        expected.append((oldest, "answered"))
                case "crash the one asked":
                    keeper.tell(Crash())
                    all_end("Crashed")
                    kept.clear()
                case "crash the asker":
                    tell_script(address, lambda _: 1 / 0)
                    still_open.clear()
                case "time passes":
                    system.timers._fire_due(trio.current_time() + 100.0)
                    all_end("TimedOut")
            await quiet()
        seen = [
            (entry.label, entry.value if isinstance(entry, Answer) else type(entry.failure).__name__)
            for entry in log
            if isinstance(entry, (Answer, NoAnswer))
        ]
        assert sorted(seen, key=str) == sorted(expected, key=str)
        system.timers._fire_due(trio.current_time() + 100.0)
        await quiet()
        assert keeper._extra is None or keeper._extra.questions is None
        assert len(system.timers) == 0


async def test_a_recorder_that_asks_nobody_pays_nothing() -> None:
    async with open_system(tree(recorder([]))) as system:
        named(system, "recorder").tell("hello")
        await quiet()
        assert named(system, "recorder")._extra is None
