"""Every attack comes in two sizes: one for `make check`, and one for `make attacks`."""

from __future__ import annotations

import pytest


def sizes(in_check: int, in_siege: int) -> pytest.MarkDecorator:
    """Gives a test its `count`."""
    return pytest.mark.parametrize("count", [in_check, pytest.param(in_siege, marks=pytest.mark.siege)])
