"""How the links with other nodes are, as plain values: what is open now, and what has come to nothing so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from actors.distribution.peer import Peer


@dataclass(frozen=True, slots=True)
class PeerStatistics:
    """One other node, as seen from here.

    Args:
        node: its name.
        phase: "none", where nothing was told yet, "away", "opening" or "up".
        outstanding: bytes told to it and not acknowledged.
        questions: questions from here that it has not answered.
        asked_here: its questions that are open here.
        watched: how many of its actors are watched from here.
        watchers: its watches here.
    """

    node: str
    phase: str
    outstanding: int
    questions: int
    asked_here: int
    watched: int
    watchers: int


@dataclass(frozen=True, slots=True)
class Losses:
    """What has come to nothing between this node and others.

    Args:
        resets: sessions of links that were lost, with all that was open in them.
        not_understood: what was told here, and nobody could read.
        undelivered: messages from there that nobody here has taken.
    """

    resets: int = 0
    not_understood: int = 0
    undelivered: int = 0

    def __add__(self, other: Losses) -> Losses:
        return Losses(
            self.resets + other.resets,
            self.not_understood + other.not_understood,
            self.undelivered + other.undelivered,
        )


NOTHING_LOST: Final = Losses()


def statistics_of(peer: Peer) -> PeerStatistics:
    """As it is now."""
    return PeerStatistics(
        node=peer.node,
        phase=peer.link.phase.value,
        outstanding=peer.link.outstanding,
        questions=len(peer.questions),
        asked_here=len(peer.asked_here),
        watched=len(peer.watched),
        watchers=peer.watches_here,
    )


def unlinked(node: str) -> PeerStatistics:
    """One with which there is no link yet."""
    return PeerStatistics(node, "none", 0, 0, 0, 0, 0)


def losses_of(peer: Peer) -> Losses:
    """Since it came."""
    return Losses(peer.link.resets, peer.not_understood, peer.undelivered)
