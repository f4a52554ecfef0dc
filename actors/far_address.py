"""FarAddress: an address behind which there is no actor of this system.

What the lifecycle needs to know of such an address, and no more: being watched, or watching, reaches across to
whatever it stands for, so it is told. `actors/distribution/` has the two kinds there are.

The rules:
- Nobody here can end it, suspend it, change it or link with it: it never lives (`living`), so whoever tries is refused.
- Nothing is kept in a mailbox of it: it has no cell, and what that would say is said by the class, for all of them.
- Who here watches it, or is watched by it, it keeps itself; `ties.py` has the end of the other.
"""

from __future__ import annotations

from typing import ClassVar, Final

from actors.address import Address

NOWHERE: Final[list[object]] = []
"""The mailbox of all of them."""


class FarAddress(Address):
    """An address whose actor is elsewhere, or nowhere."""

    __slots__ = ()

    _actor = None
    _box = NOWHERE
    _urgent = None
    _extra = None
    _groups = None
    _handled = 0
    _peak = 0

    is_watcher: ClassVar[bool] = False
    """Whether it watches actors here, or is watched by them: none does both."""

    @property
    def living(self) -> bool:
        """Never: an incarnation lives where its actor is."""
        return False

    def watched_by(self, watcher: Address) -> None:
        """An actor here begins to watch it."""
        raise NotImplementedError(f"{type(self).__qualname__} cannot be watched")

    def unwatched_by(self, watcher: Address) -> None:
        """An actor here watches it no more; harmless if it did not."""
        raise NotImplementedError(f"{type(self).__qualname__} cannot be watched")

    def watches_no_more(self, target: Address) -> None:
        """An actor here that it watched has stopped for good: that is untied as well."""
        raise NotImplementedError(f"{type(self).__qualname__} cannot watch")
