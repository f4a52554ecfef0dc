"""What people have chosen: a node that has not heard of it, because the link between two nodes was lost, finds it here.

Who has become invisible must not be shown by another node for as long as they stay connected there. So each node looks
who has changed anything of late (`looks.py`), and tells the sessions of those for whom it goes by something else.

The rule: only what two looks in a row have found is told, so the second one asks for these people, too. A look may have
been taken right before a change that this node knows of already, and to go back to what was so before, for two seconds,
would show who has just hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any

from actors import Inbox, Reply, System, TaskContext
from server.accounts.looks import EVERY, Looks
from server.rooms.messages import Chose
from server.sessions.choices import Choices
from server.store.choices import Choice, ChoicesMade, ReadChoices
from server.store.lately import Span


async def run_choices_sweep(
    context: TaskContext,
    reader: Inbox,
    sessions: Sized,
    choices: Choices,
    now: Callable[[], int],
    every: float = EVERY,
) -> None:
    """Look for changes every `every` seconds until cancelled.

    Parameters
    ----------
    choices
        What this node goes by.
    now
        Milliseconds since the epoch.
    """
    context.started()
    missed: dict[str, Choice] = {}

    def question(to: Reply[Any], spans: tuple[Span, ...]) -> ReadChoices:
        return ReadChoices(reply_to=to, spans=spans, also=tuple(missed))

    looks = Looks(reader, sessions, question, ChoicesMade, now, every)
    while True:
        found = await looks.next()
        if found is None:
            continue
        before, missed = missed, _missed(found, choices, context.system)
        for user, choice in missed.items():
            if before.get(user) == choice:
                context.system.broadcast(user, Chose(user, choice))


def _missed(found: ChoicesMade, choices: Choices, system: System) -> dict[str, Choice]:
    """Of those who are here."""
    return {user: choice for user, choice in found.choices if choices.of(user) != choice and system.members(user)}
