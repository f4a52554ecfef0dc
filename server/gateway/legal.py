"""Whether a command may be given now: the wire contract's table `LEGAL`, as a look-up by class. Pure."""

from __future__ import annotations

from typing import Final, get_args

from server.protocol.commands import LEGAL, AnyCommand, State
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.hello_commands import Hello

_CLASSES: Final[dict[State, frozenset[type]]] = {
    state: frozenset(command for command in get_args(AnyCommand) if state in LEGAL[command.__struct_config__.tag])
    for state in get_args(State)
}


def refusal_of(command: AnyCommand, state: State) -> Refusal | None:
    """What to answer to a command that is not legal in `state`; None for one that is."""
    if type(command) in _CLASSES[state]:
        return None
    if isinstance(command, Hello):
        return Refusal(ErrorCode.BAD_REQUEST, "`hello` is said once")
    return Refusal(ErrorCode.NOT_READY, "not before `welcome`")
