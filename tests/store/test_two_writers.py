"""Two processes that make the same thing at the same time, on PostgreSQL: it is made once, and both hear of it.

What belongs to a room is only written by its owner (tests/store/test_fencing.py); people and new rooms by anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from server.protocol.errors import ErrorCode
from server.store import creating, people
from server.store.batches import Batch, Change, commit
from server.store.opening import Store
from server.store.questions import Done, Failed
from server.store.quotas import Quotas
from server.store.room_messages import CreateRoom, RoomCreated
from server.store.user_messages import AddUser
from tests.store.beside import another
from tests.store.desk import PATIENCE, Ear
from tests.store.test_leases import until_somebody_waits

AT = 1_750_000_000_000
NOBODY = Ear()


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def user(name: str) -> AddUser:
    return AddUser(reply_to=NOBODY, name=name, display_name=None, password_hash="")


def dm(creator: str, other: str, nonce: str) -> CreateRoom:
    return CreateRoom(reply_to=NOBODY, creator=creator, kind="dm", name=None, members=(other,), nonce=nonce)


def channel(creator: str, nonce: str) -> CreateRoom:
    return CreateRoom(reply_to=NOBODY, creator=creator, kind="channel", name="news", members=(), nonce=nonce)


def refused() -> AddUser:
    """Something that makes the writer look at each change alone."""
    return user("\ud800")


def made(connection: Connection, change: Change) -> object:
    if isinstance(change, AddUser):
        return people.add_user(connection, change, AT)
    assert isinstance(change, CreateRoom)
    return creating.create_room(connection, change, AT, Quotas())


def both(
    store: Store, pool: ThreadPoolExecutor, first: Change, second: Change, *, beside: tuple[Change, ...] = ()
) -> tuple[object, Done | Failed]:
    """What is said to each: the first has not committed when the second comes."""
    with another(store) as connection:
        said = made(connection, first)
        batch = Batch((), {}, (*beside, second), (), ())
        writing = pool.submit(commit, store.writing, batch, AT)
        until_somebody_waits(connection)
    return said, writing.result(PATIENCE).answers[-1]


@pytest.fixture
def people_of(store: Store) -> tuple[str, str]:
    batch = Batch((), {}, (user("ann"), user("ben")), (), ())
    ann, ben = (answer.value for answer in commit(store.writing, batch, AT).answers if isinstance(answer, Done))
    return ann.user, ben.user  # type: ignore[attr-defined]


@pytest.mark.parametrize("beside", [(), (refused(),)], ids=["all at once", "one by one"])
def test_the_same_two_people_get_one_dm(
    store: Store, pool: ThreadPoolExecutor, people_of: tuple[str, str], beside: tuple[Change, ...]
) -> None:
    ann, ben = people_of
    first, second = both(store, pool, dm(ann, ben, "n1"), dm(ben, ann, "n2"), beside=beside)
    assert isinstance(first, RoomCreated)
    assert first.created
    assert second == Done(0, RoomCreated(first.room, created=False, added=()))


@pytest.mark.parametrize("beside", [(), (refused(),)], ids=["all at once", "one by one"])
def test_a_retry_at_another_process_gets_the_room_of_the_first_try(
    store: Store, pool: ThreadPoolExecutor, people_of: tuple[str, str], beside: tuple[Change, ...]
) -> None:
    ann, _ = people_of
    first, second = both(store, pool, channel(ann, "n1"), channel(ann, "n1"), beside=beside)
    assert isinstance(first, RoomCreated)
    assert second == Done(0, RoomCreated(first.room, created=False, added=()))


@pytest.mark.parametrize("beside", [(), (refused(),)], ids=["all at once", "one by one"])
def test_a_name_is_taken_once(store: Store, pool: ThreadPoolExecutor, beside: tuple[Change, ...]) -> None:
    _, second = both(store, pool, user("cid"), user("cid"), beside=beside)
    assert isinstance(second, Failed)
    assert second.refusal.code is ErrorCode.NAME_TAKEN
