"""OTP for trio: supervised actors on a run queue, and supervised tasks for whatever has to wait.

This file is the list of public names; inner files import their siblings, never this one.
"""

from __future__ import annotations

from actors.actor import Actor
from actors.address import Address
from actors.ask import Reply, ask
from actors.dead_letters import DeadLetter
from actors.dynamic import Dynamic
from actors.errors import (
    AlreadyStarted,
    AskFailed,
    Crashed,
    GaveUp,
    MaxChildren,
    NameTaken,
    NotRunning,
    Quarantined,
    Refused,
    RootGaveUp,
    StartFailed,
    StartRefused,
    StartTimedOut,
    Stopped,
    TimedOut,
)
from actors.garbage import FreezePolicy
from actors.inbox import Inbox, InboxStatistics
from actors.introspect import Node, Statistics
from actors.mailbox import Mailbox, Overflow
from actors.messages import NORMAL, SHUTDOWN, Answer, Down, Gapped, NoAnswer, Reason, Tell
from actors.policy import Backoff, Breaker, Intensity, Restart, Strategy
from actors.scheduler import Budget
from actors.spec import ActorSpec, ChildSpec, DynamicSpec, SupervisorSpec, TaskSpec
from actors.system import System, open_system, run
from actors.task import TaskContext
from actors.threads import Threads
from actors.timers import Timer

__all__ = [
    "NORMAL",
    "SHUTDOWN",
    "Actor",
    "ActorSpec",
    "Address",
    "AlreadyStarted",
    "Answer",
    "AskFailed",
    "Backoff",
    "Breaker",
    "Budget",
    "ChildSpec",
    "Crashed",
    "DeadLetter",
    "Down",
    "Dynamic",
    "DynamicSpec",
    "FreezePolicy",
    "Gapped",
    "GaveUp",
    "Inbox",
    "InboxStatistics",
    "Intensity",
    "Mailbox",
    "MaxChildren",
    "NameTaken",
    "NoAnswer",
    "Node",
    "NotRunning",
    "Overflow",
    "Quarantined",
    "Reason",
    "Refused",
    "Reply",
    "Restart",
    "RootGaveUp",
    "StartFailed",
    "StartRefused",
    "StartTimedOut",
    "Statistics",
    "Stopped",
    "Strategy",
    "SupervisorSpec",
    "System",
    "TaskContext",
    "TaskSpec",
    "Tell",
    "Threads",
    "TimedOut",
    "Timer",
    "ask",
    "open_system",
    "run",
]
