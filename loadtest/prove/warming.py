"""A few people who come and go before anything is measured.

What a process of the server needs once (code that is looked up at its first use, pages that a fork shared until they
were written to, caches) is no memory of a connection. So a few hundred for each worker are let in and leave again, and
what the workers hold then is their base.
"""

from __future__ import annotations

from typing import Final

from clients.endpoint import endpoint_of
from loadtest.crowd.crowd import Crowd
from loadtest.crowd.watcher import Watcher
from loadtest.ledger import Ledger
from loadtest.people import People

EACH: Final = 200  # people for each worker
_WITHIN: Final = 60.0  # seconds
_AT_ONCE: Final = 50


def warm_up(url: str, people: People, workers: int) -> bool:
    """Let them come and go; False if they could not come in time, which the load will find out, too."""
    numbers = range(min(EACH * workers, people.count))
    with Crowd(people, numbers, [endpoint_of(url)], Watcher(), Ledger(), at_once=_AT_ONCE) as crowd:
        for number in numbers:
            crowd.bring(number)
        all_came = crowd.run(lambda: crowd.ready == len(numbers), _WITHIN)
        crowd.drop(numbers, reset=False)
    return all_came
