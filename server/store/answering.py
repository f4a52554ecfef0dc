"""A portion of questions answered from one snapshot. Runs in a reader's thread.

Tokens and lists of rooms, which are asked for in crowds when everybody reconnects, take one query for all of them, and
so do rooms that open, of which a crowd asks for thousands; a page of a log that several ask for is read once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import assert_never

from msgspec import structs
from sqlalchemy import Connection, Engine, literal, select

from server.protocol.errors import ErrorCode, Refusal
from server.store.account_messages import (
    FindAccount,
    FindHeir,
    ListBlocked,
    ListDevices,
    ReadAcquainted,
    ReadBlocks,
    ReadDepartures,
    ReadOwnMessages,
)
from server.store.accounts import list_devices
from server.store.acquaintance import read_acquainted
from server.store.audit_messages import ReadAudit
from server.store.auditing import read_audit
from server.store.blocking import list_blocked, read_blocks
from server.store.channel_queries import read_channels
from server.store.choices import ReadChoices, read_choices
from server.store.connections import snapshot
from server.store.due import ReadDue, read_due
from server.store.endings import ReadEndings, read_endings
from server.store.finding_messages import FindInvite, ReadChannels, ReadInvites, ReadJoinRequests
from server.store.history_messages import ReadAuthors, ReadHistory, ReadLog
from server.store.invites import find_invite, read_invites
from server.store.join_requests import read_join_requests
from server.store.leaving import find_heir, read_departures
from server.store.log_queries import read_authors, read_history, read_log, read_tally
from server.store.messages import Read, Ready
from server.store.own_data import find_account, read_own_messages
from server.store.people_queries import (
    find_credentials,
    find_identities,
    find_user,
    list_users,
    read_revocations,
)
from server.store.pin_messages import ReadPins
from server.store.pin_queries import read_pins
from server.store.questions import Done, Failed
from server.store.room_messages import FindChannel, ListRooms, LoadRoom, NoRoom, ReadMembers, ReadMemberships, RoomList
from server.store.room_queries import (
    find_channel,
    find_gathering_rooms,
    list_rooms,
    load_rooms,
    read_members,
    read_memberships,
)
from server.store.search_index import find_tails
from server.store.search_messages import FindTails, Search
from server.store.tally import ReadTally
from server.store.thread_messages import ReadThreads
from server.store.thread_queries import read_threads
from server.store.user_messages import (
    FindCredentials,
    FindIdentity,
    FindUser,
    Identity,
    ListUsers,
    NoIdentity,
    ReadRevocations,
)

_NOBODY = NoIdentity(revoked=False)


def answer_all(engine: Engine, questions: Sequence[Read], now: int, token_lifetime: int) -> list[Done | Failed]:
    """The answers, in the order of `questions`.

    Parameters
    ----------
    now, token_lifetime
        Milliseconds since the epoch; milliseconds after its last use in which a token stays good.

    Raises
    ------
    sqlalchemy.exc.DBAPIError, Disconnected
        The database does not answer. It may be asked again.
    """
    hashes = {question.token_hash for question in questions if isinstance(question, FindIdentity)}
    gathers = {each.token_hash for each in questions if isinstance(each, FindIdentity) and each.gathers}
    readers = {question.user for question in questions if isinstance(question, ListRooms)}
    opening = {question.room for question in questions if isinstance(question, LoadRoom)}
    with snapshot(engine) as connection:
        identities = find_identities(connection, hashes, now - token_lifetime) if hashes else {}
        if gathers:
            identities |= _gathered(connection, [(each, identities.get(each)) for each in gathers])
        lists = list_rooms(connection, readers) if readers else {}
        rooms = load_rooms(connection, opening, now) if opening else {}
        pages: dict[Hashable, Done | Failed] = {}
        answers: list[Done | Failed] = []
        for question in questions:
            match question:
                case FindIdentity():
                    answers.append(Done(question.ref, identities.get(question.token_hash, _NOBODY)))
                case ListRooms():
                    answers.append(Done(question.ref, RoomList(question.user, tuple(lists[question.user]))))
                case LoadRoom():
                    answers.append(Done(question.ref, rooms.get(question.room) or NoRoom(question.room)))
                case ReadLog():
                    wanted = range_of(question)
                    if wanted not in pages:
                        pages[wanted] = _answer(connection, question, now)
                    answers.append(structs.replace(pages[wanted], ref=question.ref))
                case ListDevices():
                    devices = list_devices(connection, question, now - token_lifetime)
                    answers.append(Done(question.ref, devices))
                case _:
                    answers.append(_answer(connection, question, now))
    return answers


def _gathered(
    connection: Connection, found: Sequence[tuple[bytes, Identity | NoIdentity | None]]
) -> dict[bytes, Identity | NoIdentity]:
    """Those who are somebody, with the room of theirs in which they are gathered."""
    known = {token_hash: whose for token_hash, whose in found if isinstance(whose, Identity)}
    rooms = find_gathering_rooms(connection, {whose.user.user for whose in known.values()})
    return {
        token_hash: structs.replace(whose, gathers_in=rooms.get(whose.user.user)) for token_hash, whose in known.items()
    }


def range_of(question: ReadLog) -> Hashable:
    """What two questions have in common that have one answer."""
    return question.room, question.after, question.upto, question.limit


def _answer(connection: Connection, question: Read, now: int) -> Done | Failed:
    try:
        return Done(question.ref, _value(connection, question, now))
    except Refusal as refusal:
        return Failed(question.ref, refusal.with_traceback(None))  # its frames hold the connection
    except (UnicodeEncodeError, OverflowError):
        return Failed(question.ref, Refusal(ErrorCode.BAD_REQUEST, "the database cannot be asked for this"))


def _value(connection: Connection, question: Read, now: int) -> object:
    match question:
        case ReadHistory():
            return read_history(connection, question)
        case ReadLog():
            return read_log(connection, question)
        case ReadMembers():
            return read_members(connection, question)
        case ReadAuthors():
            return read_authors(connection, question)
        case ReadTally():
            return read_tally(connection, question)
        case FindChannel():
            return find_channel(connection, question)
        case FindUser():
            return find_user(connection, question)
        case FindCredentials():
            return find_credentials(connection, question)
        case ListUsers():
            return list_users(connection, question)
        case ReadRevocations():
            return read_revocations(connection, question)
        case ReadMemberships():
            return read_memberships(connection, question)
        case ReadPins():
            return read_pins(connection, question)
        case ReadThreads():
            return read_threads(connection, question)
        case ReadChannels():
            return read_channels(connection, question)
        case FindInvite():
            return find_invite(connection, question, now)
        case ReadInvites():
            return read_invites(connection, question, now)
        case ReadJoinRequests():
            return read_join_requests(connection, question)
        case FindAccount():
            return find_account(connection, question)
        case ReadOwnMessages():
            return read_own_messages(connection, question)
        case ListBlocked():
            return list_blocked(connection, question)
        case ReadBlocks():
            return read_blocks(connection, question)
        case ReadAcquainted():
            return read_acquainted(connection, question)
        case ReadChoices():
            return read_choices(connection, question)
        case ReadDepartures():
            return read_departures(connection, question)
        case FindHeir():
            return find_heir(connection, question)
        case ReadAudit():
            return read_audit(connection, question, now)
        case Ready():
            return connection.execute(select(literal(True))).scalar()
        case ReadDue():
            return read_due(connection, question)
        case ReadEndings():
            return read_endings(connection, question)
        case FindTails():
            return find_tails(connection, question)
        case FindIdentity() | ListRooms() | LoadRoom() | ListDevices() | Search():
            raise AssertionError("answered beside the others")
        case _:
            assert_never(question)
