"""A filter on the system calls of this process, its threads and all its children (seccomp(2)).

Below Python and whatever it calls: it also sees native clients, such as gRPC and libpq, and
children of any language. A call with an address waits for `supervisor.py`. A filter cannot be taken
off again; after the session everything is let through, except in children that outlive it.
"""

import _socket
import array
import ctypes
import errno
import os
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread

from l9gate.observe import supervisor

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_IO_URING_SETUP = 425  # its connections would pass no system call; programs do without
_FILTER_MODE, _NO_NEW_PRIVS, _LET_TRACE = 1, 38, 0x59616D61
# All threads; return a listener; an error and not a thread's number if one cannot be filtered.
_FLAGS = 1 | 8 | 16
_PASS, _ASK, _ABSENT = 0x7FFF0000, 0x7FC00000, 0x00050000 | 38
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
# No program sends with this flag, which means something to receivers only: the one message that
# hands the listener over is told by it.
_HAND_OVER = 0x40000000
_START_LIMIT_S = 10.0


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def start_filter(folder: Path) -> bool:
    """Put this process and all its future children under the guard's page in a folder, for good.

    False if the machine does not permit it, or a filter of that kind is above us already.
    """
    if not sys.platform.startswith("linux") or os.uname().machine not in _SECCOMP:
        return False
    # Not of `socket`, which pytest-socket may have closed for everybody.
    ours, theirs = _socket.socketpair()
    with closing(theirs):
        ours.settimeout(_START_LIMIT_S)
        try:
            listener = _install(_start_supervisor(ours, theirs, folder))
            try:
                _hand_over(ours, listener)
            finally:
                os.close(listener)
        except OSError:
            ours.close()
            return False
    ours.settimeout(None)
    Thread(target=supervisor.serve_memory, args=(ours,), name="l9gate-memory", daemon=True).start()
    return True


def _start_supervisor(ours: _socket.socket, theirs: _socket.socket, folder: Path) -> int:
    """Return the id of a process that is ready to answer.

    Raises:
        OSError: it did not come so far.
    """
    number = theirs.fileno()
    script = str(Path(supervisor.__file__))
    words = [sys.executable, "-I", "-S", script, str(number), str(folder), str(os.getpid())]
    started = subprocess.Popen(  # noqa: S603 - it ends with the last process under the filter
        words,
        pass_fds=(number,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    if ours.recv(1) != b"r":
        raise OSError(errno.EPIPE, "the supervisor did not start")
    return started.pid


def _hand_over(end: _socket.socket, listener: int) -> None:
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [listener]))
    end.sendmsg([b"l"], [rights], _HAND_OVER)


def _install(process: int) -> int:
    """Return the listener of a new filter, which a process is going to serve.

    Raises:
        OSError: the kernel, or a container around us, does not permit it.
    """
    machine = os.uname().machine
    code = ctypes.create_string_buffer(build_filter(machine))
    program = _Program(len(code.raw) // 8, ctypes.addressof(code))
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_LET_TRACE, process, 0, 0, 0)  # it may read this memory; an error without Yama
    listener = _filter(library, _SECCOMP[machine], program)
    if listener < 0 and ctypes.get_errno() == errno.EACCES:  # without privileges they are given up
        library.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        listener = _filter(library, _SECCOMP[machine], program)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def _filter(library: ctypes.CDLL, number: int, program: _Program) -> int:
    listener: int = library.syscall(number, _FILTER_MODE, _FLAGS, ctypes.byref(program))
    return listener


def build_filter(machine: str) -> bytes:
    """Return the filter's program: which calls are asked about, everything else passes."""
    connect, send_to, send_message, send_messages = supervisor.CALLS[machine]
    # (code, jump if equal, jump if not, operand); jumps count from the next instruction
    steps = (
        (_LOAD, 0, 0, 4),  # architecture
        (_IF_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _PASS),
        (_LOAD, 0, 0, 0),  # number
        (_IF_EQUAL, 10, 0, connect),
        (_IF_EQUAL, 9, 0, send_messages),
        (_IF_EQUAL, 3, 0, send_to),
        (_IF_EQUAL, 4, 0, send_message),
        (_IF_EQUAL, 7, 0, _IO_URING_SETUP),
        (_RETURN, 0, 0, _PASS),
        (_LOAD, 0, 0, 16 + 4 * 8),  # address of `sendto`, null on a connected socket
        (_IF_EQUAL, 2, 3, 0),
        (_LOAD, 0, 0, 16 + 2 * 8),  # flags of `sendmsg`
        (_IF_EQUAL, 0, 1, _HAND_OVER),
        (_RETURN, 0, 0, _PASS),
        (_RETURN, 0, 0, _ASK),
        (_RETURN, 0, 0, _ABSENT),
    )
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
