"""A zip archive that comes out while it is made."""

from __future__ import annotations

import random
from io import BytesIO
from zipfile import ZipFile

from server.accounts.archive import Archive


def test_what_was_written_is_what_is_read() -> None:
    archive, made = Archive(), bytearray()
    for name, parts in (("a.json", [b"[", b"1", b"]"]), ("b/c.json", [b"{}"])):
        archive.begin(name)
        for part in parts:
            made += archive.write(part)
    made += archive.finish()
    with ZipFile(BytesIO(made)) as read:
        assert read.testzip() is None
        assert {name: read.read(name) for name in read.namelist()} == {"a.json": b"[1]", "b/c.json": b"{}"}


def test_an_archive_of_nothing_is_one() -> None:
    assert ZipFile(BytesIO(Archive().finish())).namelist() == []


def test_nothing_much_is_held_back_however_much_is_written() -> None:
    noise, archive = random.Random(7).randbytes(100_000), Archive()
    archive.begin("noise")
    sizes = [len(archive.write(noise)) for _ in range(20)]
    assert min(sizes[1:]) > 50_000, "what cannot be compressed leaves as it comes"
    assert len(archive.finish()) < 200_000
