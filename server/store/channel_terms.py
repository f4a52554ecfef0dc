"""By which texts a channel is found: pure.

The rule: whoever writes any part of a channel's name, or its topic from the beginning of any word on, has written the
beginning of one of its terms. So a search is a range of an index, in every database alike, and costs what it shows,
however many channels there are.

Case, and what is neither a letter nor a digit, make no difference. Scripts that put no space between words have a term
for every character.

Left out: two words in another order than they stand in, and what is spelt nearly so. A person who looks for a channel
knows part of its name; the full-text search of messages is another thing.
"""

from __future__ import annotations

import unicodedata
from typing import Final

TERM_CHARACTERS: Final = 32
"""Of a term, and so of what can be searched for: nobody writes more to find a channel."""

BEHIND_ALL: Final = "\U0010ffff"
"""Behind every character that a term can have, also in the order of the bytes of UTF-8."""

_SPACELESS: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
"""How Unicode names the characters of scripts without spaces between words, or with words that are phrases."""


def terms_of(name: str | None, topic: str | None) -> set[str]:
    """All terms of a channel."""
    of_name, of_topic = folded(name or ""), folded(topic or "")
    starts_of_name = [at for at, character in enumerate(of_name) if character != " "]
    starts_of_topic = [at for at in range(len(of_topic)) if _begins(of_topic, at)]
    return {
        *(_term(of_name, at) for at in starts_of_name),
        *(_term(of_topic, at) for at in starts_of_topic),
    }  # fmt: skip


def folded(text: str) -> str:
    """A text as terms have it: without case, and with one space for all that is neither letter nor digit."""
    kept = (character if _is_said(character) else " " for character in unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(kept).split())


def sought(query: str) -> str:
    """What the terms of the channels begin with that are meant; empty: `query` says nothing."""
    return _term(folded(query), 0)


def _term(text: str, at: int) -> str:
    return text[at : at + TERM_CHARACTERS].rstrip()


def _begins(text: str, at: int) -> bool:
    """Whether a word does, there."""
    if text[at] == " ":
        return False
    if at == 0 or text[at - 1] == " ":
        return True
    return text[at].isalnum() and unicodedata.name(text[at], "").startswith(_SPACELESS)


def _is_said(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"
