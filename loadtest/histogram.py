"""How long things took: microseconds in buckets of three digits, as HdrHistogram has them, cheap enough for every
delivery.

The buckets are exactly those of an HdrHistogram from 1 us to 10 min with three significant digits, so what travels
between processes, and what is kept, is its compressed form (base64), which tools of every language read. Recording is
not done by that library: its `record_value` takes more than the whole rest of a delivery. A loop that is hot adds to
`counts[bucket(us)]` by itself.

Nothing is sampled: every time that is recorded is in one of the buckets. What takes longer than 10 min counts as that.

There are 27,648 buckets, of which a run fills a few thousand neighbours: so the counts are pages of the kernel's, which
take memory once something is written there. As an array, the dozen histograms of a process took 1.3 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from struct import Struct
from typing import Final, cast

from hdrh.histogram import HdrHistogram

LONGEST: Final = 600_000_000  # us
_DIGITS: Final = 3
HALF_BITS: Final = 10
_HALF: Final = 1 << HALF_BITS  # buckets of one width; 1,024 of them are three digits
_LARGEST_BITS: Final = 36  # 19 hours: what a bucket can be found for, whatever is put in
_BUCKETS: Final = (_LARGEST_BITS - HALF_BITS) * _HALF + _HALF
_STRETCH: Final = 512  # buckets that are looked at together; most of them are empty
_NOTHING: Final = bytes(4 * _STRETCH)
_COUNT: Final = Struct("<II")  # bucket, count
_EXPORTED: Final = HdrHistogram(1, LONGEST, _DIGITS).counts_len


def bucket(us: int) -> int:
    """Which bucket a time falls into; 0 <= us < 2**36.

    Values below 2,048 have a bucket each; above, 1,024 buckets for each doubling.
    """
    shift = us.bit_length() - HALF_BITS - 1
    return us if shift <= 0 else (shift << HALF_BITS) + (us >> shift)


def highest_of(number: int) -> int:
    """The longest time that falls into a bucket, us."""
    if number < 2 * _HALF:
        return number
    shift = (number >> HALF_BITS) - 1
    return ((number - (shift << HALF_BITS) + 1) << shift) - 1


def _nothing_yet() -> memoryview[int]:
    """Zeros, four bytes each. Private: what forks writes into its own."""
    return memoryview(mmap(-1, 4 * _BUCKETS, flags=MAP_PRIVATE | MAP_ANONYMOUS)).cast("I")


def counts_in(taken: bytes) -> Iterator[tuple[int, int]]:
    """Buckets and their counts, as `take_counts` told them."""
    return cast("Iterator[tuple[int, int]]", _COUNT.iter_unpack(taken))


class Histogram:
    """Times in buckets.

    Attributes
    ----------
    counts
        How many times fell into each bucket: `counts[bucket(us)] += 1` is what `record` does.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = _nothing_yet()

    def record(self, us: int, count: int = 1) -> None:
        """Put in a time, in microseconds."""
        self.counts[bucket(min(max(us, 0), LONGEST))] += count

    def record_seconds(self, seconds: float) -> None:
        self.record(round(seconds * 1_000_000))

    def clear(self) -> None:
        self.counts = _nothing_yet()

    def buckets(self) -> Iterator[tuple[int, int]]:
        """Buckets with something in them, ascending: number and count."""
        for begin in range(0, _BUCKETS, _STRETCH):
            stretch = self.counts[begin : begin + _STRETCH]
            if stretch.tobytes() == _NOTHING:
                continue
            for number, count in enumerate(stretch, begin):
                if count:
                    yield number, count

    # --- what it says --------------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """How many times were recorded."""
        return sum(count for _, count in self.buckets())

    def percentile(self, share: float) -> int:
        """The time, us, that this share of all (0 to 100) did not exceed, to three digits; 0 of an empty one."""
        found = list(self.buckets())
        owed = max(1, -(-sum(count for _, count in found) * share // 100))
        longest = 0
        for number, count in found:
            owed -= count
            longest = number
            if owed <= 0:
                break
        return min(highest_of(longest), LONGEST)

    @property
    def longest(self) -> int:
        """To three digits, us."""
        return self.percentile(100)

    @property
    def mean(self) -> float:
        """Of the buckets' upper ends, us; 0 of an empty one."""
        found = list(self.buckets())
        total = sum(count for _, count in found)
        return sum(highest_of(number) * count for number, count in found) / total if total else 0.0

    # --- between processes ---------------------------------------------------------------------------------------

    def export(self) -> str:
        """As an HdrHistogram, version 2, compressed, base64; empty where nothing was recorded."""
        found = list(self.buckets())
        if not found:
            return ""
        whole = HdrHistogram(1, LONGEST, _DIGITS)
        for number, count in found:
            whole.record_value(min(highest_of(number), LONGEST), count)
        return str(whole.encode(), "ascii")

    def take(self) -> str:
        """`export`, and begin again: what came since the last time."""
        said = self.export()
        if said:
            self.clear()
        return said

    def take_counts(self) -> bytes:
        """What came since the last time, for another process of this program: `counts_in` reads it. Empty for nothing.

        A sixtieth of the time that `take` needs: a master hears of hundreds a second.
        """
        found = list(self.buckets())
        counts = self.counts
        for number, _ in found:
            counts[number] = 0
        return b"".join(starmap(_COUNT.pack, found))

    def merge(self, exported: str) -> None:
        """Add what another one exported.

        Raises
        ------
        ValueError, TypeError
            It is no such export.
        """
        if not exported:
            return
        counts = HdrHistogram.decode(exported).encoder.payload.counts  # its iterator takes a hundred times as long
        if len(counts) != _EXPORTED:
            raise ValueError("a histogram of another range")
        for number, count in enumerate(memoryview(counts).cast("B").cast("Q").tolist()):
            if count:
                self.counts[number] += count
