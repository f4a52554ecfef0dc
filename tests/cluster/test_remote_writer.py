"""Changes of the database are made by the one node that writes, whoever asks; every question is answered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import trio
import trio.testing

from actors import Actor, ActorSpec, Address, ask
from server.cluster.remote_writer import MOST_OPEN, WRITER, RemoteWriter, WayToWriter, WriterForOthers
from server.protocol.errors import ErrorCode, Refusal
from server.store.log_messages import Anchor
from server.store.questions import Done, Failed, Question
from server.store.room_messages import CreateRoom, RoomCreated
from server.store.user_messages import AddToken, AddUser, Revocations, RevokeToken, SetPassword, TouchTokens
from tests.cluster.two_nodes import Nodes, named
from tests.cluster.waiting import until

SECONDS = 5.0
CREATED = RoomCreated("r_1", True, ("u_1",))

QUESTIONS: list[Callable[..., Question]] = [
    partial(CreateRoom, creator="u_1", kind="group", name=None, members=(), nonce="n"),
    partial(AddUser, name="ann", display_name=None, password_hash="x"),
    partial(AddToken, user="u_1", token_hash=b"h", device=None),
    partial(RevokeToken, token_hash=b"h"),
    partial(SetPassword, name="ann", password_hash="x"),
]


class Writer:
    """The inbox of the real one."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.takes = True
        self.answer: object = CREATED

    def tell(self, message: object, /) -> bool:
        if not self.takes:
            return False
        self.told.append(message)
        if isinstance(message, Question) and self.answer is not None:
            refused = isinstance(self.answer, Refusal)
            message.reply_to.answer(Failed(message.ref, self.answer) if refused else Done(message.ref, self.answer))
        return True


class Stage:
    """Node `a` asks, node `b` writes, as long as `owner` says so."""

    def __init__(self) -> None:
        self.nodes = Nodes()
        self.writer = Writer()
        self.owner: str | None = "b"
        self.way = WayToWriter(Writer(), lambda: False)
        self.seconds = SECONDS

    def find(self) -> Address | None:
        return None if self.owner is None else self.nodes.distributions["a"].address(self.owner, WRITER)

    @property
    def children(self) -> dict[str, list[ActorSpec]]:
        stand_in = ActorSpec("remote writer", RemoteWriter, (self.way.stand_in, self.find, self.seconds))
        return {"a": [stand_in], "b": [named(WRITER, WriterForOthers, self.writer, lambda: self.owner == "b")]}

    async def asked(self, question: Callable[..., Question] = QUESTIONS[0]) -> Done | Failed:
        return await ask(self.way, lambda to: question(reply_to=to, ref=41), 10 * SECONDS)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def is_unavailable(answer: Done | Failed) -> bool:
    return isinstance(answer, Failed) and answer.ref == 41 and answer.refusal.code is ErrorCode.UNAVAILABLE


@pytest.mark.parametrize("question", QUESTIONS)
async def test_what_another_node_asks_is_done_and_answered_as_here(
    stage: Stage, question: Callable[..., Question]
) -> None:
    async with stage.nodes.living(**stage.children):
        assert await stage.asked(question) == Done(41, CREATED)
        stage.writer.answer = Revocations((), 5)
        assert await stage.asked(question) == Done(41, Revocations((), 5))


async def test_a_refusal_comes_back_as_it_was(stage: Stage) -> None:
    stage.writer.answer = Refusal(ErrorCode.NAME_TAKEN, "this name is taken")
    async with stage.nodes.living(**stage.children):
        answer = await stage.asked()
    assert isinstance(answer, Failed)
    assert (answer.ref, answer.refusal.code, answer.refusal.message) == (41, "name_taken", "this name is taken")


async def test_a_writer_that_is_full_or_unknown_or_gone_is_unavailable(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.cluster.remote_writer.WAIT_SECONDS", 0.15)
    async with stage.nodes.living(**stage.children):
        stage.writer.takes = False
        assert is_unavailable(await stage.asked())
        stage.owner = None
        assert is_unavailable(await stage.asked())
        stage.owner = "nobody"
        assert is_unavailable(await stage.asked())


@pytest.mark.parametrize("gone", [None, "nobody"])
async def test_while_nobody_writes_questions_wait_in_their_order(stage: Stage, gone: str | None) -> None:
    names, answers = ("ann", "bob", "eve"), []
    stage.owner = gone
    async with stage.nodes.living(**stage.children), trio.open_nursery() as nursery:

        async def ask_for(name: str) -> None:
            answers.append(await stage.asked(partial(AddUser, name=name, display_name=None, password_hash="x")))

        for name in names:
            nursery.start_soon(ask_for, name)
            await trio.testing.wait_all_tasks_blocked()
        stage.owner = "b"
        await until(lambda: len(answers) == len(names), "all are answered")
    assert answers == [Done(41, CREATED)] * len(names)
    assert [told.name for told in stage.writer.told if isinstance(told, AddUser)] == list(names)


async def test_a_node_that_writes_no_more_writes_nothing(stage: Stage) -> None:
    async with stage.nodes.living(**stage.children):
        stale = stage.nodes.distributions["a"].address("b", WRITER)
        stage.owner = "c"
        answer: Done | Failed = await ask(stale, lambda to: QUESTIONS[0](reply_to=to, ref=41), SECONDS)
        assert is_unavailable(answer)
        stale.tell(TouchTokens(("s_1",), 5))
    assert stage.writer.told == []


async def test_a_question_to_a_node_that_dies_is_answered(stage: Stage) -> None:
    stage.writer.answer = None
    async with stage.nodes.living(**stage.children), trio.open_nursery() as nursery:
        answers: list[Done | Failed] = []

        async def wait() -> None:
            answers.append(await stage.asked())

        nursery.start_soon(wait)
        await until(lambda: stage.writer.told, "it was asked")
        stage.nodes.network.leave("b")
        await until(lambda: answers, "it was answered")
    assert is_unavailable(answers[0])


async def test_a_writer_that_is_silent_for_too_long_is_unavailable(stage: Stage) -> None:
    stage.writer.answer = None
    stage.seconds = 0.05
    async with stage.nodes.living(**stage.children):
        assert is_unavailable(await stage.asked())
        stage.writer.answer = CREATED
        assert await stage.asked() == Done(41, CREATED)


async def test_uses_of_tokens_are_passed_on_and_nobody_waits(stage: Stage) -> None:
    async with stage.nodes.living(**stage.children):
        assert stage.way.tell(TouchTokens(("s_1",), 5))
        await until(lambda: stage.writer.told == [TouchTokens(("s_1",), 5)], "it is written down")
        stage.owner = None
        assert stage.way.tell(TouchTokens(("s_2",), 5))


async def test_whoever_writes_itself_asks_nobody(stage: Stage) -> None:
    own = Writer()
    way = WayToWriter(own, lambda: True)
    assert await ask(way, lambda to: QUESTIONS[0](reply_to=to, ref=7), SECONDS) == Done(7, CREATED)


def test_appends_do_not_come_this_way(stage: Stage) -> None:
    for actor in (RemoteWriter(stage.way.stand_in, stage.find, 1.0), WriterForOthers(stage.writer, lambda: True)):
        assert isinstance(actor, Actor)
        with pytest.raises(TypeError, match="Anchor"):
            actor.receive(Anchor(reply_to=stage.writer, room="r_1"))  # type: ignore[arg-type]


async def test_too_many_open_questions_are_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_OPEN >= 1_000
    monkeypatch.setattr("server.cluster.remote_writer.MOST_OPEN", 1)
    stage.writer.answer = None
    async with stage.nodes.living(**stage.children), trio.open_nursery() as nursery:
        nursery.start_soon(stage.asked)
        await until(lambda: stage.writer.told, "one is open")
        assert is_unavailable(await stage.asked())
        (open_question,) = stage.writer.told
        assert isinstance(open_question, Question)
        open_question.reply_to.answer(Done(open_question.ref, CREATED))
