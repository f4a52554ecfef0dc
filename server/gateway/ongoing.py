"""What a websocket is in the middle of.

Most websockets rest most of the time, and there are tens of thousands. So what is only known while something is under
way stands together in one object, which is made when it is needed and let go when nothing is left in it; and whoever
has none can be told the next frame without a further look.
"""

from __future__ import annotations

from actors import Timer
from server.gateway.opening import Opening
from server.gateway.outbound import Outbound
from server.gateway.parsing import FrameParser


class Ongoing:
    """What is under way.

    Attributes
    ----------
    opening
        How far it has come; None as soon as it is ready, or closing.
    parser
        Borrowed while bytes wait in it: a frame or a message of which a part has come, or what may not start yet.
    unanswered
        How many commands were passed on and not answered.
    outbound
        What the kernel did not take.
    wants_drained
        Whether somebody wants to know when nothing waits.
    closing
        By when the peer has to close, once our close frame was said.
    """

    __slots__ = ("closing", "opening", "outbound", "parser", "unanswered", "wants_drained")

    def __init__(self, opening: Opening | None = None) -> None:
        self.opening = opening
        self.parser: FrameParser | None = None
        self.unanswered = 0
        self.outbound: Outbound | None = None
        self.wants_drained = False
        self.closing: Timer | None = None

    def __bool__(self) -> bool:
        return bool(
            self.unanswered
            or self.wants_drained
            or self.outbound is not None
            or self.opening is not None
            or self.parser is not None
            or self.closing is not None
        )
