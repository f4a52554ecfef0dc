"""A broken promise in words, for somebody who was not there: what the checker found, and the facts that show it."""

from __future__ import annotations

from clients.facts import (
    Acknowledged,
    Began,
    CaughtUp,
    Closed,
    Delivered,
    Fact,
    Followed,
    GapTold,
    LookedAway,
    Name,
    Opened,
    Posted,
    Refused,
    Shown,
    Stored,
)
from clients.findings import Finding


def in_words(finding: Finding) -> str:
    """One sentence for the promise, one for each fact."""
    return f"{finding.kind.value}. " + " ".join(f"{_told(fact)}." for fact in finding.facts)


def _told(fact: Fact) -> str:
    match fact:
        case Posted():
            return f"{fact.who} posted {fact.nonce} ({_content(fact.content)}), {-fact.at:.1f} s before the end"
        case Acknowledged():
            again = " as a duplicate" if fact.duplicate else ""
            return f"{fact.who} was told that {fact.nonce} is entry {fact.seq}{again}"
        case Refused():
            return f"{fact.who} was told that {fact.nonce} is refused{' for good' if fact.final else ' for now'}"
        case Closed():
            return f"the connection {fact.connection} ended"
        case Began():
            return f"{fact.reader} was welcome when the room had {fact.after} entries"
        case LookedAway():
            return f"{fact.reader} looked away, and was owed nothing"
        case Delivered() | Shown():
            return f"{fact.reader} was given entry {fact.seq}: {_entry(fact.who, fact.nonce, fact.content)}"
        case Followed():
            others = f" and {fact.readers - 1} others were" if fact.readers > 1 else " was"
            return f"{fact.reader}{others} given entries {fact.after + 1} to {fact.through}, each once and in order"
        case GapTold():
            return f"{fact.reader} was told that nothing up to entry {fact.through} will come"
        case CaughtUp():
            return f"{fact.reader} should have everything up to entry {fact.through}"
        case Stored():
            return f"the log holds as entry {fact.seq}: {_entry(fact.who, fact.nonce, fact.content)}"
        case Opened():
            return f"the log was read from behind entry {fact.after}"


def _entry(who: Name, nonce: Name, content: object) -> str:
    return "no message" if who is None else f"{nonce} of {who} ({_content(content)})"


def _content(content: object) -> str:
    return f"digest of the text: {content}"
