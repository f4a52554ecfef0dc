"""What was chosen on another node, and not heard of: the sweep tells the sessions of whoever chose it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio
import trio.testing

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, System, TaskContext, TaskSpec, open_system
from server.accounts.chosen import run_choices_sweep
from server.accounts.looks import EVERY
from server.protocol.errors import unavailable
from server.rooms.messages import Chose
from server.sessions.choices import Choices
from server.store.choices import Choice, ChoicesMade, ReadChoices
from server.store.questions import Done, Failed

HIDDEN, BUSY = Choice(status="invisible"), Choice(status="busy")


class Session(Actor):
    """Goes by what it is told."""

    __slots__ = ("_choices", "_user")

    def __init__(self, choices: Choices, user: str) -> None:
        self._choices = choices
        self._user = user

    def started(self) -> None:
        self.system.join(self._user, self.address)

    def receive(self, message: object) -> None:
        assert isinstance(message, Chose)
        self._choices.put(message.user, message.choice)


class Answers:
    """What the store knows, whatever it is asked for."""

    def __init__(self) -> None:
        self.made: dict[str, Choice] = {}
        self.asked: list[ReadChoices] = []
        self.is_down = False

    async def serve(self, context: TaskContext, inbox: Inbox) -> None:
        context.started()
        while True:
            for question in await inbox.take(10):
                assert isinstance(question, ReadChoices)
                self.asked.append(question)
                found = ChoicesMade(tuple(self.made.items()), ())
                question.reply_to.answer(
                    Failed(question.ref, unavailable()) if self.is_down else Done(question.ref, found)
                )


@asynccontextmanager
async def sweeping(answers: Answers, choices: Choices) -> AsyncIterator[System]:
    inbox = Inbox(10)

    async def sweep(context: TaskContext) -> None:
        sessions = context.system.dynamic("sessions")
        await run_choices_sweep(context, inbox, sessions, choices, lambda: round(trio.current_time() * 1000))

    tree: list[TaskSpec | DynamicSpec] = [
        TaskSpec("store", partial(answers.serve, inbox=inbox)),
        DynamicSpec("sessions", partial(Session, choices)),
        TaskSpec("sweep", sweep),
    ]
    async with open_system(SupervisorSpec("test", tree)) as system:
        yield system


async def test_who_has_hidden_elsewhere_is_hidden_here_though_nobody_said_so(
    autojump_clock: trio.testing.MockClock,
) -> None:
    answers, choices = Answers(), Choices()
    async with sweeping(answers, choices) as system:
        system.dynamic("sessions").start("s_ann", "u_ann")
        answers.made = {"u_ann": HIDDEN, "u_elsewhere": BUSY}
        await trio.sleep(3.5 * EVERY)
    assert (choices.of("u_ann"), len(choices)) == (HIDDEN, 1)


async def test_what_only_one_look_has_found_is_older_than_what_is_known(
    autojump_clock: trio.testing.MockClock,
) -> None:
    answers, choices = Answers(), Choices()
    async with sweeping(answers, choices) as system:
        system.dynamic("sessions").start("s_ann", "u_ann")
        choices.put("u_ann", HIDDEN)
        for made in (BUSY, HIDDEN, BUSY, HIDDEN):
            answers.made = {"u_ann": made}
            await trio.sleep(EVERY)
            assert choices.of("u_ann") == HIDDEN
    assert len(answers.asked) >= 3


async def test_the_sweep_looks_again_from_there_when_the_store_did_not_answer_and_not_at_all_while_nobody_is_here(
    autojump_clock: trio.testing.MockClock,
) -> None:
    answers, choices = Answers(), Choices()
    async with sweeping(answers, choices) as system:
        await trio.sleep(3 * EVERY)
        assert answers.asked == []
        system.dynamic("sessions").start("s_ann", "u_ann")
        answers.is_down, answers.made = True, {"u_ann": HIDDEN}
        await trio.sleep(2.5 * EVERY)
        answers.is_down = False
        assert len({question.spans for question in answers.asked}) == 1
        await trio.sleep(3.5 * EVERY)
    assert choices.of("u_ann") == HIDDEN
