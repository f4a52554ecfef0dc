"""Tables that were outgrown leave no holes, in a process of its own: the allocator is everybody's."""

from __future__ import annotations

import subprocess
import sys

import pytest

FREES_A_LARGE_BLOCK_AND_MAKES_A_SMALLER_ONE = """
import ctypes, sys
from server.allocator import keep_large_blocks_apart

class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
if mallinfo is None:
    sys.exit("no glibc that tells")
mallinfo.restype = Mallinfo
if sys.argv[1] == "kept apart":
    keep_large_blocks_apart()
bytearray(4_000_000)
before = mallinfo().hblks
table = bytearray(1_000_000)
print(mallinfo().hblks - before)
"""


def blocks_kept_apart(how: str) -> str:
    program = [sys.executable, "-c", FREES_A_LARGE_BLOCK_AND_MAKES_A_SMALLER_ONE, how]
    ran = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    if "no glibc" in ran.stderr:
        pytest.skip(ran.stderr)
    return ran.stdout.strip()


def test_a_large_block_is_kept_apart_even_after_a_larger_one_was_freed() -> None:
    assert blocks_kept_apart("kept apart") == "1"
    assert blocks_kept_apart("as glibc does it") == "0", "then it need not be told"
