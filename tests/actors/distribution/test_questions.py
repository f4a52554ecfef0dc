"""The table of open questions to one node: bounded, and empty when nobody waits."""

from __future__ import annotations

from actors import Refused, Reply, Unreachable
from actors.ask import Awaited
from actors.distribution.questions import Questions


def opened(questions: Questions, reply: Reply[int]) -> int:
    """The number of a question that is on its way."""
    number = questions.number_of(reply)
    questions.open(reply, number)
    return number


def test_a_question_is_over_once() -> None:
    questions, reply = Questions(5), Awaited[int]()
    number = opened(questions, reply)
    assert questions.number_of(reply) == number, "it has one number"
    assert questions.answered(number) is reply
    assert questions.answered(number) is None
    assert questions.forget(reply) is None
    assert len(questions) == 0


def test_numbers_are_not_given_twice_to_any_node() -> None:
    one, other = Questions(5), Questions(5)
    assert opened(one, Awaited[int]()) != opened(other, Awaited[int]())


def test_those_that_nobody_waits_for_are_forgotten_when_it_is_full() -> None:
    questions = Questions(2)
    waiting, over = Awaited[int](), Awaited[int]()
    numbers = [opened(questions, reply) for reply in (waiting, over)]
    assert not questions.has_place_for(1)
    over.fail(Refused("whoever asked has lost patience"))
    assert questions.swept() == numbers[1:]
    assert questions.has_place_for(1)
    assert not questions.has_place_for(2)


def test_a_full_table_is_looked_through_seldom() -> None:
    looks = 0

    class Counting(Awaited[int]):
        """Counts how often it is asked."""

        @property
        def over(self) -> bool:
            nonlocal looks
            looks += 1
            return False

    questions = Questions(64)
    for _ in range(64):
        opened(questions, Counting())
    for _ in range(64):
        assert questions.swept() == []
    assert 64 <= looks <= 64 * 17


def test_none_is_left_when_the_link_is_lost() -> None:
    questions = Questions(2)
    replies = [Awaited[int](), Awaited[int]()]
    for reply in replies:
        opened(questions, reply)
    questions.fail_all(Unreachable, "it is gone")
    assert all(reply.over for reply in replies)
    assert len(questions) == 0
