"""All that the store is told and asked: what the writer takes, and what the reader takes.

Two tasks serve this: the writer (everything that changes the database, in commit order) and the reader. Both take
from an `Inbox`. Every question carries `reply_to` and a `ref` of the asker's own; the answer is told with
`reply_to.answer(...)` and carries the same `ref`. Answers that are data come as `Done`, answers that are a no as
`Failed` (`questions.py`); appends are answered by one `Outcomes` a room and commit. The messages themselves are in the
files named `…_messages.py`, by what they are about.
"""

from __future__ import annotations

from server.store.account_messages import AccountRead, AccountWrite
from server.store.audit_messages import ReadAudit
from server.store.endings import UpkeepRead
from server.store.finding_messages import FindingRead
from server.store.history_messages import ReadAuthors, ReadHistory, ReadLog
from server.store.log_messages import Anchor, Append, Release
from server.store.pin_messages import ReadPins
from server.store.questions import Question
from server.store.room_messages import (
    CreateRoom,
    FindChannel,
    ListRooms,
    LoadRoom,
    ReadMembers,
    ReadMemberships,
    SaveMarks,
)
from server.store.search_messages import IndexTails, SearchRead
from server.store.tally import ReadTally
from server.store.thread_messages import ReadThreads
from server.store.user_messages import (
    AddToken,
    AddUser,
    FindCredentials,
    FindIdentity,
    FindUser,
    ListUsers,
    ReadRevocations,
    RevokeToken,
    SetAdministrator,
    SetPassword,
    SetRegistration,
    TouchTokens,
)

Write = (
    Anchor
    | Release
    | Append
    | SaveMarks
    | CreateRoom
    | AddUser
    | AddToken
    | RevokeToken
    | SetPassword
    | SetAdministrator
    | SetRegistration
    | TouchTokens
    | AccountWrite
    | IndexTails
)


class Ready(Question, frozen=True, kw_only=True):
    """Does the database answer? Answered True."""


Read = (
    FindIdentity
    | ListRooms
    | LoadRoom
    | ReadHistory
    | ReadThreads
    | ReadPins
    | ReadLog
    | ReadMembers
    | ReadAuthors
    | ReadTally
    | FindChannel
    | FindUser
    | FindCredentials
    | ListUsers
    | ReadRevocations
    | ReadMemberships
    | FindingRead
    | Ready
    | AccountRead
    | SearchRead
    | ReadAudit
    | UpkeepRead
)
