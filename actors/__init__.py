"""OTP for trio: supervised actors on a run queue, and supervised tasks for whatever has to wait.

This file is the list of public names; inner files import their siblings, never this one.
"""

from __future__ import annotations

from actors.actor import Actor
from actors.address import Address
from actors.ask import ask
from actors.code_change import change_all, change_code
from actors.dead_letters import DeadLetter
from actors.distribution.distribution import Distribution
from actors.distribution.limits import DistributionLimits
from actors.distribution.link import LinkLimits
from actors.distribution.memory_network import MemoryNetwork
from actors.distribution.naming import find_by_name
from actors.distribution.peer_statistics import Losses, PeerStatistics
from actors.distribution.remote_address import RemoteAddress
from actors.distribution.transport import Codec, Transport
from actors.dynamic import Dynamic
from actors.errors import (
    AlreadyStarted,
    AlreadyTraced,
    AskFailed,
    ChangeFailed,
    Crashed,
    GaveUp,
    Lifeless,
    MaxChildren,
    NameTaken,
    NotRunning,
    Overrun,
    Quarantined,
    Refused,
    RemoteCrash,
    RootGaveUp,
    StartFailed,
    StartRefused,
    StartTimedOut,
    Stopped,
    TimedOut,
    Unreachable,
)
from actors.garbage import FreezePolicy
from actors.inbox import Inbox, InboxStatistics
from actors.introspect import ChildCount, Mailboxes, Node, Statistics, get_state, mailboxes
from actors.mailbox import Mailbox, Overflow
from actors.messages import NO_SUCH_ACTOR, NORMAL, SHUTDOWN, Answer, Down, Gapped, NoAnswer, Reason, RemoteReason, Tell
from actors.policy import Backoff, Breaker, Intensity, Restart, Strategy
from actors.reloading import reloaded
from actors.reply import Reply
from actors.runaways import RunawayPolicy
from actors.scheduler import Budget
from actors.spec import ActorSpec, ChildSpec, DynamicSpec, SupervisorSpec, TaskSpec
from actors.suspending import resume, suspend
from actors.system import System, open_system, run
from actors.task import TaskContext
from actors.threads import Threads
from actors.timers import Timer
from actors.tracing import Received, Trace, trace, trace_class

__all__ = [
    "NORMAL",
    "NO_SUCH_ACTOR",
    "SHUTDOWN",
    "Actor",
    "ActorSpec",
    "Address",
    "AlreadyStarted",
    "AlreadyTraced",
    "Answer",
    "AskFailed",
    "Backoff",
    "Breaker",
    "Budget",
    "ChangeFailed",
    "ChildCount",
    "ChildSpec",
    "Codec",
    "Crashed",
    "DeadLetter",
    "Distribution",
    "DistributionLimits",
    "Down",
    "Dynamic",
    "DynamicSpec",
    "FreezePolicy",
    "Gapped",
    "GaveUp",
    "Inbox",
    "InboxStatistics",
    "Intensity",
    "Lifeless",
    "LinkLimits",
    "Losses",
    "Mailbox",
    "Mailboxes",
    "MaxChildren",
    "MemoryNetwork",
    "NameTaken",
    "NoAnswer",
    "Node",
    "NotRunning",
    "Overflow",
    "Overrun",
    "PeerStatistics",
    "Quarantined",
    "Reason",
    "Received",
    "Refused",
    "RemoteAddress",
    "RemoteCrash",
    "RemoteReason",
    "Reply",
    "Restart",
    "RootGaveUp",
    "RunawayPolicy",
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
    "Trace",
    "Transport",
    "Unreachable",
    "ask",
    "change_all",
    "change_code",
    "find_by_name",
    "get_state",
    "mailboxes",
    "open_system",
    "reloaded",
    "resume",
    "run",
    "suspend",
    "trace",
    "trace_class",
]
