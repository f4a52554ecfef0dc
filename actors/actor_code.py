"""Which code belongs to an actor, and where on the stack it was called from.

The rules:
- The few functions of this package that call an actor are marked with `calls_actor`, and have its address in a local
  variable `address` (and in `new_class` what it is about to become, if it is). So the stack itself says who runs now:
  nothing is noted for it anywhere, and the hot path does not know that it is watched.
- Actor code is code of a module in which the actor's class, or a base of it, is written, but for the standard
  library, trio and this package; and of the modules and packages that the application names. Everything else is not,
  though an actor has called it: it may hold a lock, or be in the middle of a change that others see.
- `__del__` is never actor code: what is raised there is lost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from types import CodeType, FrameType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from actors.address import Address

P = ParamSpec("P")
R = TypeVar("R")

_NOT_THEIRS = {"actors", "trio", *sys.stdlib_module_names}
_CALLERS: set[CodeType] = set()
_HANDING_ON: set[CodeType] = set()


def calls_actor(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that calls an actor: a hook, its constructor. The actor's address is its local `address`."""
    _CALLERS.add(function.__code__)
    return function


def hands_on(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that stands between such a function and the actor, and that an exception may end anywhere."""
    _HANDING_ON.add(function.__code__)
    return function


@dataclass(frozen=True, slots=True)
class Call:
    """One call of actor code that is on the stack.

    Args:
        address: whose.
        new_class: what it is about to become.
        frames: from the hook inwards, up to the next such call or to what runs now; empty when the runtime itself
            is at work.
    """

    address: Address
    new_class: type | None
    frames: list[FrameType]


def calls_on(frame: FrameType | None) -> list[Call]:
    """The calls of actor code on the stack under `frame`, the innermost first.

    There are several when an actor starts another: the constructor of the second runs inside the first.
    """
    found: list[Call] = []
    inside: list[FrameType] = []
    while frame is not None:
        if frame.f_code in _CALLERS:
            known = frame.f_locals
            if "address" in known:  # it is not at the very beginning of a slice
                found.append(Call(known["address"], known.get("new_class"), inside[::-1]))
            inside = []
        elif frame.f_code not in _HANDING_ON:
            inside.append(frame)
        frame = frame.f_back
    return found


def actor_frames(call: Call, named: tuple[str, ...]) -> list[FrameType]:
    """The frames of a call from the hook inwards as far as they are actor code.

    All of them: what runs now is actor code, and was called by nothing else. None: the hook itself is not.

    Args:
        call: the call.
        named: modules and packages whose code counts as actor code too.
    """
    modules = _modules(call)

    def belongs(frame: FrameType) -> bool:
        module = frame.f_globals.get("__name__", "")
        return frame.f_code.co_name != "__del__" and (
            module in modules or any(module == name or module.startswith(f"{name}.") for name in named)
        )

    return list(takewhile(belongs, call.frames))


def _modules(call: Call) -> set[str]:
    """Where the class of an actor, or of one that is being made, is written."""
    blueprint = call.address._blueprint
    start = blueprint.start.func if isinstance(blueprint.start, partial) else blueprint.start
    classes = [known for known in (blueprint.actor_class, start, call.new_class) if isinstance(known, type)]
    modules = {base.__module__ for known in classes for base in known.__mro__}
    return {module for module in modules if module.partition(".")[0] not in _NOT_THEIRS}
