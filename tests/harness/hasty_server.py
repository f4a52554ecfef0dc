"""A server that is wrong on purpose: it acknowledges posts before their commit, one batch early.

Everything else is the real server. Tests run it to show that their checks catch what it does.
"""

from __future__ import annotations

from server.cli.main import main
from server.store import writer
from server.store.batches import Batch, Committed, commit
from server.store.connections import Writing
from server.store.planning import plan
from server.store.plans import Knowledge

_waiting: list[tuple[Batch, int]] = []


def commit_later(writing: Writing, batch: Batch, at: int) -> Committed:
    """Commit what was acknowledged last time, and claim that `batch` is on disk."""
    while _waiting:
        earlier, then = _waiting.pop(0)
        commit(writing, earlier, then)
    if batch.changes or not batch.appends:
        return commit(writing, batch, at)
    known = Knowledge(dict(batch.heads), writing.quotas.rooms)
    planned = plan(batch.appends, known, at)
    known.learn(planned)
    _waiting.append((batch, at))
    return Committed(planned.outcomes, (), known.heads)


if __name__ == "__main__":
    writer.commit = commit_later
    main()
