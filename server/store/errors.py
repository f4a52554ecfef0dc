"""Why a database cannot be opened, copied or restored: one line each, for the person at the terminal."""

from __future__ import annotations

from pathlib import Path


class StoreError(Exception):
    """The message is one line that says what is wrong and where."""


class NotWritable(StoreError):
    """The directory, or something in it, cannot be made or written."""

    def __init__(self, data: Path, error: OSError) -> None:
        super().__init__(f"cannot use the data directory {data}: {error.strerror or error}")


class InUse(StoreError):
    """Another process has the directory's lock.

    Parameters
    ----------
    pid
        Of that process; None if it has not written it yet.
    """

    def __init__(self, data: Path, pid: int | None) -> None:
        super().__init__(f"the data directory {data} is in use by pid {pid or '(unknown)'}")
        self.pid = pid


class TooNew(StoreError):
    """A later version of this program wrote the database."""

    def __init__(self, database: Path | str, revision: str) -> None:
        super().__init__(f"{database} was made by a newer version (schema {revision}): please upgrade hubbub")
        self.revision = revision


class Damaged(StoreError):
    """Not a database of this program, or one that is broken."""

    def __init__(self, database: Path | str, complaint: str) -> None:
        super().__init__(f"{database} is damaged or no database of hubbub: {complaint}")


class NotReachable(StoreError):
    """No connection to the server that has the database."""

    def __init__(self, database: str, complaint: str) -> None:
        super().__init__(f"cannot reach {database}: {complaint}")


class InUseByNodes(StoreError):
    """Nodes live, and would lose everything to who serves alone, or stumble over what is seeded."""

    def __init__(self, database: str, advice: str = "name their engine, or stop them") -> None:
        super().__init__(f"nodes of a cluster serve from {database}: {advice}")


class Colliding(StoreError):
    """Who was to be put into the database is, in part, somebody else there."""


class Unsuitable(StoreError):
    """The server that has the database, or the way it was made, will not do."""

    def __init__(self, database: str, complaint: str) -> None:
        super().__init__(f"cannot use {database}: {complaint}")


class BadUrl(StoreError):
    """The URL of the database cannot be read. It is not quoted, because there may be a password in it."""

    def __init__(self) -> None:
        super().__init__("the setting `database` is not a URL as postgresql+psycopg://user@host:5432/name")


class Unusable(StoreError):
    """The database is there, but does not answer: it is locked, or cannot be read."""

    def __init__(self, database: Path | str, complaint: object) -> None:
        super().__init__(f"cannot use {database}: {complaint}")


class NotMigrated(StoreError):
    """The database is older than this program, and nobody asked to change that."""

    def __init__(self, database: Path | str, revision: str | None) -> None:
        super().__init__(f"{database} has the old schema {revision or '(none)'}: run `hubbub migrate`")


class AlreadyThere(StoreError):
    """Something would have been overwritten."""

    def __init__(self, path: Path, hint: str = "") -> None:
        super().__init__(f"{path} exists already{hint}")


class CopyFailed(StoreError):
    """A copy could not be made; what there was is as it was."""

    def __init__(self, target: Path, complaint: object) -> None:
        super().__init__(f"cannot copy to {target}: {complaint}")
