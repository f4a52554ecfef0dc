"""What the writer took and has not answered yet: who is owed what, whether the commit lands or not.

The rule: everything taken is told once, by `settle` or by `lose`, whichever comes first. Appends of a room are
answered in the order in which they were told, in one `Outcomes`; anchors come last, behind everything told before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.protocol.errors import unavailable
from server.store.batches import Batch, Change, Committed
from server.store.fencing import Fence, Fencing
from server.store.lineages import Lineages
from server.store.log_messages import Anchor, Anchored, Append, Lost, Outcome, Outcomes, Release
from server.store.messages import Write
from server.store.questions import Asker, Done, Failed
from server.store.room_messages import MarksSaved, SaveMarks
from server.store.search_messages import IndexTails
from server.store.user_messages import TouchTokens


class Unanswered:
    """The writes of one batch, sorted. Those of a lineage that is over are lost from the start.

    Parameters
    ----------
    lineages
        Asked, and told what the commit means for them.
    fencing
        Which rooms are this process's; None: all are.

    Attributes
    ----------
    indexing
        What is to be done behind all of it, each in a transaction of its own.
    """

    __slots__ = (
        "_anchors",
        "_appends",
        "_changes",
        "_fences",
        "_fencing",
        "_heads",
        "_lineages",
        "_marks",
        "_stale",
        "_touches",
        "indexing",
    )

    def __init__(self, lineages: Lineages, fencing: Fencing | None = None) -> None:
        self._lineages = lineages
        self._fencing = fencing
        self._heads: dict[str, int] = {}
        self._fences: dict[str, Fence] = {}
        self._appends: list[Append] = []
        self._stale: list[Append] = []
        self._anchors: list[Anchor] = []
        self._changes: list[Change] = []
        self._marks: list[SaveMarks] = []
        self._touches: list[TouchTokens] = []
        self.indexing: list[IndexTails] = []

    def take(self, write: Write) -> None:
        match write:
            case Append():
                self._take_append(write)
            case Anchor():
                self._lineages.end(write.room)
                self._anchors.append(write)
            case Release():
                self._lineages.release(write.room, write.lineage)
            case SaveMarks():
                self._marks.append(write)
            case TouchTokens():
                self._touches.append(write)
            case IndexTails():
                self.indexing.append(write)
            case _:
                self._changes.append(write)

    def batch(self) -> Batch | None:
        """What has to go to the database; None: nothing."""
        if not (self._appends or self._changes or self._marks or self._touches):
            return None
        return Batch(self._appends, self._heads, self._changes, self._marks, self._touches, self._fences)

    def settle(self, committed: Committed) -> None:
        """Tell everybody what is on disk."""
        for room in self._heads:
            if room in committed.heads:
                self._lineages.move(room, committed.heads[room])
            else:
                self._lineages.end(room)
        appends, self._appends = self._appends, []
        changes, self._changes = self._changes, []
        self._tell_saved(are_saved=True)
        self._tell_outcomes(zip(appends, committed.outcomes, strict=True))
        for change, answer in zip(changes, committed.answers, strict=True):
            change.reply_to.answer(answer)
        self._tell_the_rest()

    def lose(self, untaken: Sequence[Write] = ()) -> None:
        """Nothing was done, or nobody knows: the lineages concerned end. Times of last use are dropped.

        `untaken`: those behind the one that could not be taken, and that one.
        """
        for write in untaken:
            self._lose(write)
        for room in self._heads:
            self._lineages.end(room)
        appends, self._appends = self._appends, []
        changes, self._changes = self._changes, []
        self._tell_saved(are_saved=False)
        self._tell_outcomes((append, Lost(append.ref)) for append in appends)
        for change in changes:
            change.reply_to.answer(Failed(change.ref, unavailable()))
        indexing, self.indexing = self.indexing, []
        for wanted in indexing:
            wanted.reply_to.answer(Failed(wanted.ref, unavailable()))
        self._tell_the_rest()

    def _lose(self, write: Write) -> None:
        """One that was not taken, or not wholly."""
        match write:
            case Append():
                if write not in self._appends:
                    self._stale.append(write)
            case Anchor():
                write.reply_to.answer(Failed(write.ref, unavailable()))
            case SaveMarks():
                self._marks.append(write)
            case IndexTails():
                self.indexing.append(write)
            case Release() | TouchTokens():
                pass
            case _:
                self._changes.append(write)

    def _take_append(self, append: Append) -> None:
        if self._fencing is not None:
            self._end_if_lost(append, self._fencing)
        head = self._lineages.admit(append.room, append.lineage, append.base)
        if head is None:
            self._stale.append(append)
        else:
            self._heads[append.room] = head
            self._appends.append(append)
            if self._fencing is not None:  # now: an anchor or a release behind it ends the lineage, and not the append
                self._fences[append.room] = self._lineages.fence_of(append.room)

    def _end_if_lost(self, append: Append, fencing: Fencing) -> None:
        """The lineage of a room that this process has lost is over; unless the database is about to say so."""
        room, lineages = append.room, self._lineages
        is_first = room not in self._heads and lineages.is_live(room, append.lineage)
        if is_first and not fencing.still_holds(lineages.fence_of(room)):
            lineages.end(room)

    def _tell_saved(self, *, are_saved: bool) -> None:
        marks, self._marks = self._marks, []
        for saved in marks:
            if saved.reply_to is not None:
                saved.reply_to.answer(MarksSaved(saved.marks, are_saved))

    def _tell_the_rest(self) -> None:
        stale, self._stale = self._stale, []
        anchors, self._anchors = self._anchors, []
        self._tell_outcomes((append, Lost(append.ref)) for append in stale)
        for anchor in anchors:
            anchor.reply_to.answer(self._anchored(anchor))

    def _anchored(self, anchor: Anchor) -> Done | Failed:
        """If the room is this process's now: whoever owned it before has landed all that it ever will."""
        fence = None
        if self._fencing is not None:
            fence = self._fencing.fence_of(anchor.room)
            if fence is None:
                return Failed(anchor.ref, unavailable())
        return Done(anchor.ref, Anchored(anchor.room, self._lineages.begin(anchor.room, fence)))

    def _tell_outcomes(self, pairs: Iterable[tuple[Append, Outcome]]) -> None:
        grouped: dict[tuple[str, int, Asker], list[Outcome]] = {}
        for append, outcome in pairs:
            grouped.setdefault((append.room, append.lineage, append.reply_to), []).append(outcome)
        for (room, lineage, reply_to), outcomes in grouped.items():
            reply_to.answer(Outcomes(room, lineage, tuple(outcomes)))
