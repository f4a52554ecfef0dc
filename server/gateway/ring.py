"""A ring: an io_uring with a table of files, as far as sockets need it that are kept without a descriptor.

The table is the ring's own: a file that stands in it is open, and counts for no limit of the process; only how large
one table may be is bounded by RLIMIT_NOFILE. What is done with a file here is done at once: one operation is submitted,
and its result stands in the ring when the call returns, because nothing that could wait is ever asked for.

A thin shell over three calls of the kernel, for one thread: io_uring_setup(2), io_uring_enter(2) and
io_uring_register(2). The names of constants and the layouts are those of include/uapi/linux/io_uring.h. It needs Linux
6.8 (`FIXED_FD_INSTALL`); where the kernel is older, or a sandbox forbids it (kernel.io_uring_disabled, seccomp), making
one raises.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct
from contextlib import suppress
from typing import Final

BUFFER_BYTES: Final = 64 * 1024
"""The most that one `send` or `recv` moves."""

_SETUP, _ENTER, _REGISTER = 425, 426, 427  # system calls have had the same numbers everywhere since Linux 5.1
_SEND, _RECV, _FIXED_FD_INSTALL = 26, 27, 54  # operations
_REGISTER_FILES_UPDATE, _REGISTER_FILES2 = 6, 13
_RSRC_REGISTER_SPARSE: Final = 1
_FIXED_FILE: Final = 1  # IOSQE_FIXED_FILE: what is named is a place in the table
_GETEVENTS: Final = 1
_FEAT_SINGLE_MMAP: Final = 1
_AT_ONCE: Final = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_ENTRIES_AT: Final = 0x10000000  # IORING_OFF_SQES
_FEW: Final = 8  # entries: one is ever in use
_NUMBER: Final = 0xFFFFFFFF  # positions in a ring are of 32 bits, and wrap around
_NO_FILE: Final = -1

_PARAMETERS: Final = struct.Struct("2I12xI16x8IQ8IQ")  # struct io_uring_params; what is not asked for is passed over
_ENTRY: Final = struct.Struct("BBHiQQIIQHHiQQ")  # struct io_uring_sqe
_RESULT_INTS: Final = 4  # struct io_uring_cqe: user_data of two, res, flags
_RSRC_REGISTER: Final = struct.Struct("IIQQQ")
_FILES_UPDATE: Final = struct.Struct("IIQ")

_call = ctypes.CFUNCTYPE(ctypes.c_long, *(ctypes.c_long,) * 7, use_errno=True)(("syscall", ctypes.CDLL(None)))


class Ring:
    """One ring, and its table.

    Parameters
    ----------
    files
        Places in the table, at most as many as the process may open files.

    Raises
    ------
    OSError
        The kernel has no such thing, or does not let us, or has no memory for it.
    """

    __slots__ = (
        "_address", "_buffer", "_cq_head", "_cq_mask", "_cq_tail", "_cqes", "_descriptor", "_entries", "_numbers",
        "_results", "_shared", "_sq_mask", "_sq_tail",
    )  # fmt: skip

    def __init__(self, files: int) -> None:
        parameters = bytearray(_PARAMETERS.size)
        self._descriptor = _called(_SETUP, _FEW, _address_of(parameters))
        try:
            self._map(parameters)
            table = bytearray(_RSRC_REGISTER.pack(files, _RSRC_REGISTER_SPARSE, 0, 0, 0))
            _called(_REGISTER, self._descriptor, _REGISTER_FILES2, _address_of(table), len(table))
        except BaseException:
            os.close(self._descriptor)
            raise

    def _map(self, parameters: bytearray) -> None:
        sq_entries, cq_entries, features, *offsets = _PARAMETERS.unpack(parameters)
        if not features & _FEAT_SINGLE_MMAP:
            raise OSError("this kernel's io_uring is too old")
        _, sq_tail, sq_mask, _, _, _, sq_array, *_ = offsets[:9]
        cq_head, cq_tail, cq_mask, _, _, cqes, *_ = offsets[9:]
        size = max(sq_array + sq_entries * 4, cqes + cq_entries * _RESULT_INTS * 4)
        self._shared = mmap.mmap(self._descriptor, size)
        self._entries = mmap.mmap(self._descriptor, sq_entries * _ENTRY.size, offset=_ENTRIES_AT)
        self._numbers = memoryview(self._shared)[: size // 4 * 4].cast("I")
        self._results = memoryview(self._shared)[: size // 4 * 4].cast("i")
        self._sq_tail, self._cq_head, self._cq_tail, self._cqes = (at // 4 for at in (sq_tail, cq_head, cq_tail, cqes))
        self._sq_mask, self._cq_mask = self._numbers[sq_mask // 4], self._numbers[cq_mask // 4]
        for place in range(sq_entries):  # every entry has its own place in the order, for ever
            self._numbers[sq_array // 4 + place] = place
        self._buffer = mmap.mmap(-1, BUFFER_BYTES)
        self._address = _address_of(self._buffer)

    def put(self, file: int, descriptor: int) -> None:
        """Open what `descriptor` names at this place, too. It may be closed as a descriptor then.

        Raises
        ------
        OSError
        """
        self._update(file, descriptor)

    def close_file(self, file: int) -> None:
        """Let go of what stands at this place. Harmless where nothing does."""
        with suppress(OSError):
            self._update(file, _NO_FILE)

    def _update(self, file: int, descriptor: int) -> None:
        descriptors = ctypes.c_int(descriptor)
        update = bytearray(_FILES_UPDATE.pack(file, 0, ctypes.addressof(descriptors)))
        _called(_REGISTER, self._descriptor, _REGISTER_FILES_UPDATE, _address_of(update), 1)

    def send(self, file: int, data: bytes | memoryview) -> int:
        """How many bytes the kernel took. Raises as the `send` of a socket that does not block."""
        size = len(data)
        if size > BUFFER_BYTES:
            size = BUFFER_BYTES
            data = memoryview(data)[:size]
        self._buffer[:size] = data
        return self._operate(_SEND, file, self._address, size, _AT_ONCE)

    def recv(self, file: int, size: int) -> bytes:
        """What has come, up to `size` and `BUFFER_BYTES`. Raises as the `recv` of a socket that does not block."""
        return self._buffer[: self._operate(_RECV, file, self._address, min(size, BUFFER_BYTES), _AT_ONCE)]

    def descriptor_of(self, file: int) -> int:
        """A descriptor for what stands at this place, to be closed by who asked. Raises `OSError`."""
        return self._operate(_FIXED_FD_INSTALL, file)

    def _operate(self, operation: int, file: int, address: int = 0, size: int = 0, flags: int = 0) -> int:
        numbers, tail = self._numbers, self._numbers[self._sq_tail]
        _ENTRY.pack_into(
            self._entries, (tail & self._sq_mask) * _ENTRY.size,
            operation, _FIXED_FILE, 0, file, 0, address, size, flags, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip
        numbers[self._sq_tail] = (tail + 1) & _NUMBER
        if _call(_ENTER, self._descriptor, 1, 1, _GETEVENTS, 0, 0) != 1:
            numbers[self._sq_tail] = tail  # it was not taken: the next one stands in its place
            _raise(ctypes.get_errno())
        head = numbers[self._cq_head]
        while head == numbers[self._cq_tail]:  # a signal came between
            _call(_ENTER, self._descriptor, 0, 1, _GETEVENTS, 0, 0)
        result: int = self._results[self._cqes + (head & self._cq_mask) * _RESULT_INTS + 2]
        numbers[self._cq_head] = (head + 1) & _NUMBER
        if result < 0:
            _raise(-result)
        return result

    def close(self) -> None:
        """Everything in the table is closed with it."""
        self._numbers.release()
        self._results.release()
        self._shared.close()
        self._entries.close()
        os.close(self._descriptor)


def _address_of(memory: bytearray | mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def _called(number: int, *arguments: int) -> int:
    result: int = _call(number, *arguments, *(0,) * (6 - len(arguments)))
    if result < 0:
        _raise(ctypes.get_errno())
    return result


def _raise(error: int) -> None:
    raise OSError(error, os.strerror(error))
