"""What needs a kernel that keeps sockets without descriptors; it is one of the machine CI runs on."""

from __future__ import annotations

import os

import pytest

from server.gateway.fixed_files import are_possible

NEEDS_RINGS = pytest.mark.skipif(
    not are_possible() and os.environ.get("HUBBUB_CI") != "1", reason="this system allows no io_uring"
)
