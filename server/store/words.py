"""What can be found of a text: pure, and the same for what is kept, for what is asked for, and on every database.

A text is a run of words, each in one spelling: lower case, without the marks on Latin, Greek and Cyrillic letters, in
compatible forms (NFKC). In scripts that put no spaces between words (Han, kana, Hangul, Thai and their like) every two
neighbouring signs are a word, because most words there are of two: trigrams would not find them, and are several times
as many for everything else. Such signs are kept one by one as well, to be found alone. Emoji are signs, too.

Nothing that comes out of here has a space, an underscore or a quotation mark in it, so no text can say anything to a
database but its words; what is no word to us starts with an underscore, or has one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

WORD_CHARACTERS: Final = 40
"""Of a longer word only the beginning counts: nobody types more of one."""

_SIGNS: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u2600-\u27bf\U0001f000-\U0001faff"  # emoji
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029"  # Han, beside its blocks
    "\u3040-\u30ff\u31f0-\u31ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN: Final = re.compile(f"[{_SIGNS}]+|[^ {_SIGNS}]+")
_SIGN: Final = re.compile(f"[{_SIGNS}]")
_PLAIN: Final = {point: chr(point).lower() if chr(point).isalnum() else " " for point in range(128)}
_FIRST_MARK, _LAST_MARK = "\u0300", "\u036f"  # those of Latin, Greek and Cyrillic letters


class Words(NamedTuple):
    """`words` in their order; `signs`: those of scripts without spaces, each once."""

    words: tuple[str, ...]
    signs: tuple[str, ...]


class Word(NamedTuple):
    """One of a text's, and where in the text it begins and ends (code points)."""

    word: str
    start: int
    end: int


class _Spelling(dict[int, str]):
    """How a character is spelled, by its code point: made when it is met first. Nothing but words stays."""

    def __missing__(self, point: int) -> str:
        spelled = self[point] = _spelled(chr(point))
        return spelled


def _spelled(character: str) -> str:
    simple = unicodedata.normalize("NFKC", character).casefold()
    if not _SIGN.match(simple):
        simple = unicodedata.normalize("NFD", simple)
    return "".join(_kept(one) for one in simple)


def _kept(character: str) -> str:
    if _FIRST_MARK <= character <= _LAST_MARK or character in "\u200d\ufe0e\ufe0f":
        return ""
    if _SIGN.match(character) or unicodedata.category(character)[0] in "LMN":
        return character
    return " "


_SPELLING: Final = _Spelling()


def words_of(text: str) -> Words:
    """All that can be found of it."""
    if text.isascii():
        return Words(tuple([word[:WORD_CHARACTERS] for word in text.translate(_PLAIN).split()]), ())
    words: list[str] = []
    signs: dict[str, None] = {}
    for run in _RUN.findall(text.translate(_SPELLING)):
        if _SIGN.match(run):
            words += _pairs(run)
            signs |= dict.fromkeys(run)
        else:
            words.append(run[:WORD_CHARACTERS])
    return Words(tuple(words), tuple(signs))


def places_of(text: str) -> Iterator[Word]:
    """The same words, and after them the same signs, with their places. Of a text that is shown: it takes longer."""
    spelled = [_SPELLING[ord(character)] for character in text]
    origin = [place for place, one in enumerate(spelled) for _ in one]
    signs: list[Word] = []
    for run in _RUN.finditer("".join(spelled)):
        first, found = run.start(), run.group()
        if _SIGN.match(found):
            signs += [Word(sign, *_within(origin, first + n, first + n + 1)) for n, sign in enumerate(found)]
            for n, pair in enumerate(_pairs(found)):
                yield Word(pair, *_within(origin, first + n, first + n + len(pair)))
        else:
            yield Word(found[:WORD_CHARACTERS], *_within(origin, first, run.end()))
    yield from signs


def _pairs(run: str) -> list[str]:
    """Every two neighbours; one that has none is alone."""
    return [run[n : n + 2] for n in range(len(run) - 1)] or [run]


def _within(origin: list[int], first: int, behind: int) -> tuple[int, int]:
    return origin[first], origin[behind - 1] + 1
