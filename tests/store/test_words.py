"""What can be found of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.store.search_terms import EXCERPT, Term, excerpt_of, says, terms_of
from server.store.words import places_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", ["hello", "world"]), ("don't_do", ["don", "t", "do"]), ("Ärger, ÉTÉ", ["arger", "ete"]),
        ("straße ﬁne", ["strasse", "fine"]), ("北京", ["北京"]), ("去北京 a", ["去北", "北京", "a"]),
        ("한국", ["한국"]),
        ("हिन्दी में", ["हिन्दी", "में"]), ("Йод ёж", ["иод", "еж"]), ("", []), ("\" ' _ % *", []), ("x" * 50, ["x" * 40]),
    ],
)  # fmt: skip
def test_the_words_of_a_text(text: str, words: list[str]) -> None:
    assert list(words_of(text).words) == words


@given(st.text(max_size=80))
def test_places_are_those_of_the_words(text: str) -> None:
    words, signs = words_of(text)
    places = list(places_of(text))
    assert [place.word for place in places[: len(words)]] == list(words)
    assert {place.word for place in places[len(words) :]} == set(signs)
    assert all(0 <= place.start < place.end <= len(text) for place in places)


@given(st.text(max_size=80))
def test_nothing_but_words_comes_out(text: str) -> None:
    """A database is told these between quotation marks."""
    for word in (*words_of(text).words, *words_of(text).signs):
        assert word
        assert not set(word) & set(" _\"'\\*:()&|!^-\0")


@given(st.text(max_size=80), st.data())
def test_a_text_is_found_by_each_of_its_words_and_shows_where(text: str, data: st.DataObject) -> None:
    words, signs = words_of(text)
    for word in words:
        term = Term((word,))
        assert says(text, [term])
        assert excerpt_of(text, [term]).marks
    if signs:
        assert says(text, terms_of(data.draw(st.sampled_from(signs))))


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Red apples", [Term(("red",)), Term(("apples",))]),
        ('"red apples" x', [Term(("red", "apples")), Term(("x",))]),
        ('"red apples', [Term(("red", "apples"))]), ("app*", [Term(("app",), begins=True)]), ("ap*", [Term(("ap",))]),
        ("don't", [Term(("don", "t"))]), ("去北京", [Term(("去北", "北京"))]),
        ("我 我", [Term(("我",))]), ("?! *", []), ("", []),
        ("a我b", [Term(("a",)), Term(("我",)), Term(("b",))]),
    ],
)  # fmt: skip
def test_what_a_query_asks_for(query: str, terms: list[Term]) -> None:
    assert list(terms_of(query)) == terms


def test_an_excerpt_has_what_was_found_and_what_stands_before_it() -> None:
    text = "word " * 100 + "Hidden here, and hidden there" + " word" * 100
    excerpt = excerpt_of(text, terms_of("hidden"))
    assert excerpt.text == text[excerpt.start : excerpt.start + EXCERPT]
    assert [excerpt.text[start:end] for start, end in excerpt.marks] == ["Hidden", "hidden"]
    assert excerpt.marks[0][0] == 40


def test_what_overlaps_is_marked_once() -> None:
    assert excerpt_of("北京北京", terms_of("北京 京北")).marks == ((0, 4),)
