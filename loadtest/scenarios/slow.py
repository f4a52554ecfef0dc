"""Some people do not read, or only sip, in rooms where others talk: nobody else may feel it.

First everybody reads, then a share stops, and the figures of the others stand side by side. What a slow one is not sent
the server does not keep for them, it is in the log; who takes nothing at all for long is sent away (4002), which is the
end that a good server comes to and no failure. In the end everybody reads again and gets everything.

The receive buffers of all are made small, or the kernel would take megabytes for somebody who reads nothing, and the
server would not notice.
"""

from __future__ import annotations

from typing import Final

from loadtest.people import People
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Ignore, Options
from loadtest.scenarios.play import (
    Play,
    Summary,
    arrival,
    calm_before,
    figures_of_arrival,
    figures_of_talk,
    lasting,
    rate_of,
)
from server.protocol.closing import CloseCode

RECEIVE_BUFFER: Final = 4_096  # bytes; the kernel doubles it


def slow(options: Options, people: People) -> Play:
    came = yield arrival(options)
    figures = figures_of_arrival(came)
    if not came.in_time:
        return Summary(figures)
    rate = rate_of(options)
    figures |= yield from calm_before(options, rate, "everybody reads")
    doing = Ignore(options.share, options.sip, options.seconds)
    went = yield lasting("some do not read", doing, options.seconds, rate)
    figures |= figures_of_talk(went)
    figures["slow_readers"] = round(options.share * options.connections)
    figures["closed_for_slowness"] = went.closes.get(CloseCode.SLOW_CONSUMER, 0)
    return Summary(figures, _words(figures))


def _words(figures: dict[str, float]) -> list[str]:
    if not {"seen_p99", "seen_p99_before"} <= figures.keys():
        return []
    before, beside = (told(name, figures[name]) for name in ("seen_p99_before", "seen_p99"))
    return [
        f"beside {figures['slow_readers']:,.0f} people who did not read, the others saw 99 of 100 posts within "
        f"{beside}; before that within {before}"
    ]
