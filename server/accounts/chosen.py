"""What people have chosen: a node that has not heard of it, because the link between two nodes was lost, finds it here.

Who has become invisible must not be shown by another node for as long as they stay connected there. So each node asks
the store every two seconds who has changed anything of late, as `revocations.py` does for tokens, and tells the
sessions of those for whom it goes by something else.

The rule: only what two looks in a row have found is told. A look may have been taken right before a change that this
node knows of already, and to go back to what was so before, for two seconds, would show who has just hidden.

Nothing is asked while nobody is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Final

from actors import Inbox, TaskContext
from server.accounts.asking import answer_to
from server.protocol.errors import Refusal
from server.rhythm import sleep_to_next
from server.rooms.messages import Chose
from server.sessions.choices import Choices
from server.store.choices import Choice, ChoicesMade, ReadChoices

EVERY: Final = 2.0  # seconds; docs/protocol.md promises "within seconds"
BEFORE_START: Final = 60_000
"""ms that the first look goes back: no session is older than this process, or than the time when it had none."""


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
    since, before = now() - BEFORE_START, dict[str, Choice]()
    while True:
        await sleep_to_next(every)
        if not sessions:
            since, before = now() - BEFORE_START, {}
            continue
        found = await _look(reader, since, every)
        since = found.at
        missed = {user: choice for user, choice in found.choices if choices.of(user) != choice}
        for user, choice in missed.items():
            if before.get(user) == choice:
                context.system.broadcast(user, Chose(user, choice))
        before = missed


async def _look(reader: Inbox, since: int, seconds: float) -> ChoicesMade:
    """Nothing, and again from there the next time, when the store did not answer."""
    try:
        return await answer_to(reader, lambda to: ReadChoices(reply_to=to, since=since), ChoicesMade, seconds)
    except Refusal:
        return ChoicesMade((), since)
