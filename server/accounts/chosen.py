"""What people have chosen: a node that has not heard of it, because the link between two nodes was lost, finds it here.

Who has become invisible must not be shown by another node for as long as they stay connected there. So each node looks
who has changed anything of late (`looks.py`), and tells the sessions of those for whom it goes by something else.

The rule: only what two looks in a row have found is told. A look may have been taken right before a change that this
node knows of already, and to go back to what was so before, for two seconds, would show who has just hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sized

from actors import Inbox, TaskContext
from server.accounts.looks import EVERY, Looks
from server.rooms.messages import Chose
from server.sessions.choices import Choices
from server.store.choices import Choice, ChoicesMade, ReadChoices


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
    looks = Looks(reader, sessions, lambda to, since: ReadChoices(reply_to=to, since=since), ChoicesMade, now, every)
    before: dict[str, Choice] = {}
    while True:
        found = await looks.next()
        made = () if found is None else found.choices
        missed = {user: choice for user, choice in made if choices.of(user) != choice}
        for user, choice in missed.items():
            if before.get(user) == choice:
                context.system.broadcast(user, Chose(user, choice))
        before = missed
