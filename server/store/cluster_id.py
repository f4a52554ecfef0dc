"""What this database calls the cluster of all nodes that share it: made with the schema, and never changed.

Nodes find each other by it, so that several clusters may share an engine.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, select

from server.store.connections import snapshot
from server.store.tables import settings

CLUSTER_ID: Final = select(settings.c.value).where(settings.c.name == "cluster")


def read_cluster_id(engine: Engine) -> str:
    """Sixteen hexadecimal digits.

    Raises
    ------
    sqlalchemy.exc.DBAPIError, Disconnected
        The database does not answer.
    """
    with snapshot(engine) as connection:
        return str(connection.execute(CLUSTER_ID).scalar_one())
