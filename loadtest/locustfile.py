"""Scenarios on crowds, by locust: `locust -f loadtest/locustfile.py --scenario steady --host http://127.0.0.1:8000`.

One user a process, which is a crowd of thousands (`users/crowd_user.py`); the master, or the only process, directs
(`users/director.py`). How long it takes is the scenario's business, so locust's numbers of users, rate and time are
not used. docs/loadtest.md has the rest.
"""

from __future__ import annotations

import signal
import sys

import gevent
from locust import LoadTestShape, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner

from loadtest.precedence import let_others_finish, take_precedence
from loadtest.users.crowd_user import CrowdUser, take_part
from loadtest.users.director import BAD_SETTINGS, Director
from loadtest.users.flags import BadSettings, add_options, add_people
from loadtest.users.interrupting import interrupt_main
from loadtest.users.patience import be_patient
from loadtest.users.ports import say_if_taken
from loadtest.users.sparing import spare

__all__ = ["Conducted", "CrowdUser"]


def add_flags(parser: LocustArgumentParser, **_: object) -> None:
    add_people(parser)
    add_options(parser)


class Conducted(LoadTestShape):
    """How many users there are is how many processes there are; it is over when the director says so."""

    director: Director | None = None

    def tick(self) -> tuple[int, float] | None:
        assert self.director is not None, "set when locust is ready"
        return self.director.tick()


def begin(environment: Environment, runner: Runner, **_: object) -> None:
    interrupt_main()
    if isinstance(runner, WorkerRunner):
        let_others_finish(getattr(environment.parsed_options, "processes", None) or 1)
        environment.events.quitting.add_listener(take_part(runner).wait_until_released)
        return
    if isinstance(runner, MasterRunner):
        take_precedence()
    director = Director(environment, runner)
    Conducted.director = director
    try:
        if environment.parsed_options is not None and environment.parsed_options.headless:
            director.check()
    except BadSettings as error:
        print(f"hubbub: {error}", file=sys.stderr)
        sys.exit(BAD_SETTINGS)
    if environment.parsed_options is not None and not environment.parsed_options.master:
        take_part(runner)
    gevent.signal_handler(signal.SIGTERM, runner.quit)  # locust's own comes only when a headless run is over


spare()
be_patient()
say_if_taken()
events.init_command_line_parser.add_listener(add_flags)
events.init.add_listener(begin)
