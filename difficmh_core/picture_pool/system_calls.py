"""What a process may no longer ask of Linux: a filter of system calls (seccomp).

Limits of resources keep a process from opening files. They do not keep it from renaming, deleting
or signalling; this does. The filter lists what is forbidden, since what decoders and the C library
need differs from system to system.

References:
    https://man7.org/linux/man-pages/man2/seccomp.2.html
    Numbers of calls: https://github.com/torvalds/linux/blob/v6.12/arch/x86/entry/syscalls/syscall_64.tbl
    and https://github.com/torvalds/linux/blob/v6.12/include/uapi/asm-generic/unistd.h
"""

import ctypes
import errno
import platform
import struct
import sys
from dataclasses import dataclass

_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Where they lie in ``struct seccomp_data``, the argument's lower half."""
_CLONE_THREAD = 0x10000
_OTHER_ABI = 0x40000000
"""Numbers from here on are the same calls of x86-64 for 32-bit pointers."""


@dataclass(frozen=True, slots=True)
class _System:
    """A processor architecture.

    Attributes:
        audit: How the kernel calls it.
        clone: The call that starts threads, and processes.
        clone3: The newer one, whose arguments a filter cannot see; the C library knows to go on
            without it.
        forbidden: Opening, renaming, linking, deleting and changing files; programs, processes
            and signals; connections; memory of other processes; the kernel's own doors.
    """

    audit: int
    clone: int
    clone3: int
    forbidden: tuple[int, ...]


_SYSTEMS = {
    "x86_64": _System(
        audit=0xC000003E,
        clone=56,
        clone3=435,
        forbidden=(
            *(2, 85, 257, 304, 437),  # open, creat, openat, open_by_handle_at, openat2
            *(76, 82, 264, 316, 83, 258, 84, 133, 259),  # truncate, rename*, mkdir*, rmdir, mknod*
            *(86, 265, 88, 266, 87, 263),  # link*, symlink*, unlink*
            *(90, 268, 452, 92, 94, 260, 132, 235, 261, 280),  # chmod*, chown*, utime*
            *(188, 189, 197, 198, 161, 165),  # *xattr, chroot, mount
            *(59, 322, 57, 58, 62, 200, 234, 129, 297, 424, 434),  # exec*, fork, kill*, pidfd*
            *(101, 310, 311),  # ptrace, process_vm_*
            *(41, 42, 49, 50, 53),  # socket, connect, bind, listen, socketpair
            *(425, 321, 323),  # io_uring_setup, bpf, userfaultfd
        ),
    ),
    "aarch64": _System(
        audit=0xC00000B7,
        clone=220,
        clone3=435,
        forbidden=(
            *(56, 265, 437, 45, 38, 276, 34, 33, 37, 36, 35),
            *(53, 452, 54, 88, 5, 6, 14, 15, 51, 40),
            *(221, 281, 129, 130, 131, 138, 240, 424, 434),
            *(117, 270, 271, 198, 199, 200, 201, 203, 425, 280, 282),
        ),
    ),
}


def forbid_system_calls() -> bool:
    """Forbid this process, for good, all but computing; return whether the system can.

    Forbidden calls fail with ``EPERM``. Threads may still be started.

    Raises:
        OSError: If Linux on a known processor refuses the filter.
    """
    system = _SYSTEMS.get(platform.machine()) if sys.platform == "linux" else None
    if system is None:
        return False
    code = _program(system)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    c_library = ctypes.CDLL(None, use_errno=True)
    for asked in (
        (_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (_SET_SECCOMP, _MODE_FILTER, program, 0, 0),
    ):
        if c_library.prctl(*asked) != 0:
            number = ctypes.get_errno()
            raise OSError(number, "the filter of system calls is refused")
    return True


def _program(system: _System) -> bytes:
    """Return the filter in the kernel's own language, instructions of 8 bytes."""

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    def refuse(number: int, reason: int) -> bytes:
        return step(_EQUAL, number, 0, 1) + step(_RETURN, _FAIL | reason)

    return b"".join(
        (
            step(_LOAD, _ARCHITECTURE),
            step(_EQUAL, system.audit, 1, 0),
            step(_RETURN, _KILL),
            step(_LOAD, _NUMBER),
            step(_AT_LEAST, _OTHER_ABI, 0, 1),
            step(_RETURN, _FAIL | errno.EPERM),
            refuse(system.clone3, errno.ENOSYS),
            *(refuse(number, errno.EPERM) for number in system.forbidden),
            step(_EQUAL, system.clone, 0, 3),
            step(_LOAD, _FIRST_ARGUMENT),
            step(_AND, _CLONE_THREAD),
            step(_EQUAL, 0, 1, 0),
            step(_RETURN, _ALLOW),
            step(_RETURN, _FAIL | errno.EPERM),
        )
    )
