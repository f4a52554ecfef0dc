"""People who chat, by locust: `locust -f loadtest/people_locustfile.py --people people.json --host http://127.0.0.1:8000`.

Each locust user is one person with think times (`behaviour.py`), in a greenlet and a websocket of their own: more life
and more cost than in a crowd, a few hundred to a process. How many come and how fast is set as in any locust test
(`-u`, `-r`, `-t`, the web page). What they all saw is held against the logs in the end, and that is the exit code
unless requests have failed.
"""

from __future__ import annotations

import sys

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import Runner

from loadtest.users.director import BAD_SETTINGS
from loadtest.users.flags import BadSettings, add_pace, add_people, endpoints_of
from loadtest.users.gathering import Gathering
from loadtest.users.interrupting import interrupt_main
from loadtest.users.person_user import PersonUser
from loadtest.users.precise import PreciseTimes

__all__ = ["PersonUser"]


def add_flags(parser: LocustArgumentParser, **_: object) -> None:
    add_people(parser)
    add_pace(parser)


def begin(environment: Environment, runner: Runner, **_: object) -> None:
    interrupt_main()
    try:
        if environment.parsed_options is not None and environment.parsed_options.headless:
            endpoints_of(environment.host)
        PersonUser.gathering = Gathering(environment, runner)
    except BadSettings as error:
        print(f"hubbub: {error}", file=sys.stderr)
        sys.exit(BAD_SETTINGS)
    PreciseTimes(environment)


events.init_command_line_parser.add_listener(add_flags)
events.init.add_listener(begin)
