"""Names and groups: finding an actor without having been told its address (OTP's `Registry` and `pg`).

The rules: a name has one owner, who keeps it over restarts and loses it when it stops for good; membership in
a group belongs to the incarnation that joined, and ends with it. Both ends cost O(1) each, so that a hundred
thousand actors can be torn down in a moment; and a group of one costs no more than its name.
"""

from __future__ import annotations

from collections.abc import Hashable

from actors.address import Address
from actors.errors import NameTaken
from actors.few import Few, added, each, removed


class Names:
    """Who has which name."""

    __slots__ = ("_owners",)

    def __init__(self) -> None:
        self._owners: dict[Hashable, Address] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def find(self, name: Hashable) -> Address | None:
        """The owner of a name."""
        return self._owners.get(name)

    def register(self, name: Hashable, address: Address) -> None:
        """Give a name to an address. Raises `NameTaken` if another has it."""
        if self._owners.setdefault(name, address) is not address:
            raise NameTaken(f"{name!r} is the name of {self._owners[name].path}")

    def free(self, name: Hashable, address: Address) -> None:
        """Take the name from this address, if it has it."""
        if self._owners.get(name) is address:
            del self._owners[name]


class Groups:
    """Who is in which group."""

    __slots__ = ("_members",)

    def __init__(self) -> None:
        self._members: dict[Hashable, Few[Address]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def join(self, group: Hashable, address: Address) -> None:
        """Add an actor to a group, until it leaves or its incarnation ends. One that is down cannot join."""
        if not address.living:
            return
        self._members[group] = added(self._members.get(group), address)
        address._groups = added(address._groups, group)

    def leave(self, group: Hashable, address: Address) -> None:
        """Take an actor out of a group; harmless if it is not in it."""
        members = removed(self._members.get(group), address)
        if members is None:
            self._members.pop(group, None)
        else:
            self._members[group] = members
        address._groups = removed(address._groups, group)

    def leave_all(self, address: Address) -> None:
        """Take an actor out of all its groups."""
        for group in each(address._groups):
            self.leave(group, address)

    def members(self, group: Hashable) -> tuple[Address, ...]:
        """Who is in a group, in the order of joining."""
        return each(self._members.get(group))

    def broadcast(self, group: Hashable, message: object, but: Address | None = None) -> int:
        """Tell all members, in the order of joining, but one if named; how many took it."""
        return sum(member.tell(message) for member in self.members(group) if member is not but)
