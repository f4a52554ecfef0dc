"""Other people's text, made fit for a terminal.

A terminal obeys what it is sent: escape sequences move the cursor, rewrite what stands on the screen, set the
title, and on some terminals type for the user. So nothing that is not printable gets through: control characters
are shown as pictures (ESC as U+241B), and bidirectional controls, which can make a line read as another one, by
their numbers (Unicode Technical Report 36, section 2.5). Line breaks stay, indented, so that nobody can forge a
line of somebody else. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LINE_BREAK: Final = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_TAB: Final = "    "


def harmless(text: str, indent: str = "") -> str:
    """`text`, with every line after the first indented."""
    lines = (_harmless_line(line) for line in _LINE_BREAK.split(text))
    return f"\n{indent}".join(lines)


def on_one_line(text: str) -> str:
    """A name, a topic, an error: line breaks are made visible as well."""
    return "".join(_shown(character) if character != "\t" else " " for character in text)


def _harmless_line(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    return "".join(_TAB if character == "\t" else _shown(character) for character in line)


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return f"<U+{code:04X}>"
    return character
