"""A way to an actor for those who are given it before the actor lives, and keep it over the actor's restarts."""

from __future__ import annotations

from actors import Address


class Door:
    """What is told at it, the actor behind it is told. Nothing is taken before there is one."""

    __slots__ = ("_address",)

    def __init__(self) -> None:
        self._address: Address | None = None

    def lead_to(self, address: Address) -> None:
        """This actor stands behind it from now on."""
        self._address = address

    def tell(self, message: object, /) -> bool:
        return self._address is not None and self._address.tell(message)
