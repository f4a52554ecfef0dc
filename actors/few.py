"""Few: a set that is nothing while it is empty, and its only member while it has one.

Nearly every actor is watched by one or two, watches one or two and is in one group, and a dictionary for each of
these is more than all the rest of an idle actor (224 bytes of a dictionary for an address of 8). So the set is, by
its size: None, the member itself, a `Pair`, a `Several` up to `MOST`, and only then a dictionary.

The rules:
- The functions return the set as it is from now on; the caller keeps that in place of the old one.
- Each costs O(1) at any size, but for `each`. Members stay in the order in which they were added, but for one that
  replaces another in a dictionary.
- A dictionary that has shrunk is kept until one member is left: no flapping at a border.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeAlias, TypeVar, cast

T = TypeVar("T", bound=Hashable)

MOST = 20
"""Up to here a `Several`, 40 bytes and 8 for each member, is a third to an eighth of a dictionary (which has 352 bytes
from six members on, and 1,168 from eleven on), and looked through in up to 0.4 us."""


class Pair(Generic[T]):
    """Two members: 48 bytes, and 64 in a tuple, which also says how long it is."""

    __slots__ = ("first", "second")

    def __init__(self, first: T, second: T) -> None:
        self.first = first
        self.second = second


class Several(tuple[T, ...]):
    """Three to `MOST` members; also one, where that is None.

    A class of its own, because a member may be a tuple: a group's name often is.
    """

    __slots__ = ()


Few: TypeAlias = "T | Pair[T] | Several[T] | dict[T, None] | None"


def added(few: Few[T], member: T) -> Few[T]:
    """The set with this member; one that is in it already keeps its place."""
    if few is None:
        return member if member is not None else Several((member,))
    if type(few) is dict:
        few[member] = None
        return few
    members = each(few)
    if member in members:
        return few
    if len(members) < MOST:
        return _packed((*members, member))
    return dict.fromkeys((*members, member))


def removed(few: Few[T], member: T) -> Few[T]:
    """The set without this member, whether or not it was in it."""
    if few is member:
        return None
    if type(few) is dict:
        few.pop(member, None)
        return few if len(few) > 1 else _packed(tuple(few))
    return _packed(tuple([other for other in each(few) if other != member]))


def replaced(few: Few[T], member: T, by: T) -> Few[T]:
    """The set with `by`, which is not in it, in place of this very member, which is."""
    if few is member and by is not None:
        return by
    if type(few) is dict:
        del few[member]
        few[by] = None
        return few
    return _packed(tuple([by if one is member else one for one in each(few)]))


def contains(few: Few[T], member: T) -> bool:
    """Whether this member is in the set."""
    if few is None:
        return False
    if few is member:
        return True
    return member in few if type(few) is dict else member in each(few)


def each(few: Few[T]) -> tuple[T, ...]:
    """The members now; not touched by what becomes of the set while they are gone through."""
    if few is None:
        return ()
    if type(few) is Pair:
        return (few.first, few.second)
    if type(few) is Several:
        return few
    if type(few) is dict:
        return tuple(few)
    return (cast(T, few),)


def _packed(members: tuple[T, ...]) -> Few[T]:
    """At most `MOST` members, in the smallest way."""
    if not members:
        return None
    if len(members) == 1 and members[0] is not None:
        return members[0]
    if len(members) == 2:
        return Pair(*members)
    return Several(members)
