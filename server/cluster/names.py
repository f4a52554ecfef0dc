"""What nodes are called."""

from __future__ import annotations

import secrets


def new_node_name() -> str:
    """For one life of one process; nothing that a client could learn from."""
    return f"n_{secrets.token_hex(4)}"
