"""By which texts a channel is found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.store.channel_terms import BEHIND_ALL, TERM_CHARACTERS, folded, sought, terms_of


def is_found(name: str, topic: str | None, query: str) -> bool:
    return any(term.startswith(sought(query)) for term in terms_of(name, topic))


@pytest.mark.parametrize(
    "query", ["engine", "diff", "ence-eng", "ENGINE", "difference_engine", "e", "Tables", "tables of numbers", "numb"]
)
def test_a_part_of_the_name_and_the_beginning_of_a_word_of_the_topic_are_found(query: str) -> None:
    assert is_found("difference-engine", "Tables of  Numbers!", query)


@pytest.mark.parametrize("query", ["engines", "umbers", "numbers tables", "engine tables"])
def test_what_is_nowhere_is_not_found(query: str) -> None:
    assert not is_found("difference-engine", "Tables of Numbers", query)


@pytest.mark.parametrize(
    ("topic", "query"),
    [("日本語の勉強", "本語"), ("วันนี้กินอะไร", "กินอะไร"), ("हिन्दी में", "हिन्दी"), ("Straße", "STRASSE")],
)
def test_every_script_is_found_by_its_own_words(topic: str, query: str) -> None:
    assert is_found("x", topic, query)


@pytest.mark.parametrize("query", ["", " ", "--", "!?", "\N{THUMBS UP SIGN}"])
def test_what_says_nothing_seeks_nothing(query: str) -> None:
    assert sought(query) == ""


@given(st.text(max_size=60), st.integers(0, 60), st.integers(1, 60))
@settings(max_examples=50, deadline=None)
def test_any_topic_is_found_by_each_of_its_words_and_terms_are_short(topic: str, start: int, length: int) -> None:
    terms = terms_of("name", topic)
    assert all(0 < len(term) <= TERM_CHARACTERS and term < BEHIND_ALL for term in terms)
    words = folded(topic).split()
    if words:
        word = words[start % len(words)]
        assert any(term.startswith(sought(word[:length])) for term in terms)
