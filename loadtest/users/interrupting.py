"""Ctrl-C ends a run, not whoever happens to play in that moment.

Python raises KeyboardInterrupt in whatever runs when the signal comes. Under gevent that may be the greenlet of a
crowd, which then is gone, and nobody hears any more of what it saw. Locust waits for it in the main greenlet, so
that is where it is raised.
"""

from __future__ import annotations

import signal

import gevent


def interrupt_main() -> None:
    """From now on, for this process; signals are seen by gevent's loop, between two greenlets."""
    gevent.signal_handler(signal.SIGINT, _interrupt)


def _interrupt() -> None:
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
