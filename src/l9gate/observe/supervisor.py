"""Decides about system calls that would leave this machine; a process of its own, run as a file.

The kernel holds a call of any process of the session until it is told whether to go on
(seccomp_unotify(2)). It is asked here and not in a thread of the session, which could hold the very
lock that such a thread needs. A guard against accidents: who rewrites an address between the look
and the call gets through.

    python -I -S supervisor.py DESCRIPTOR FOLDER PID
"""

from __future__ import annotations

import _socket
import array
import fcntl
import os
import select
import struct
import sys
from importlib.machinery import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

RECEIVE, SEND, IS_VALID = 0xC0502100, 0xC0182101, 0x40082102
NOTICE = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif
ANSWER = struct.Struct("=QqiI")  # struct seccomp_notif_resp
GO_ON = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
EACCES, ENOENT = 13, 2
# By architecture: connect, sendto, sendmsg, sendmmsg.
CALLS = {"x86_64": (42, 44, 46, 307), "aarch64": (203, 206, 211, 269)}
UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
INSIDE = frozenset({UNIX, NETLINK, 38})  # 38: the kernel's own ciphers
DNS_PORT = 53
# Daemons that ask the network for a name in the caller's place. They are as if they did not run,
# and the caller asks itself: not a refusal, since they are asked for users and groups as well.
NAME_SERVICE = "a name service"
RESOLVERS = (b"/var/run/nscd/", b"/run/nscd/", b"/run/systemd/resolve/")
MAX_MESSAGES = 1024  # UIO_MAXIOV
MESSAGE_BYTES = 64  # of struct mmsghdr
Unseen = (OSError, struct.error)
REQUEST = struct.Struct("=qQq")  # thread, address, bytes
NOTHING = b"-"  # no answer to a request is as short
MAX_READ_BYTES = 128  # of struct sockaddr_storage


def load(name: str) -> ModuleType:
    """Load a module that lies beside this file, under a name that nobody else has."""
    path = f"{os.path.dirname(os.path.abspath(__file__))}/{name}.py"  # noqa: PTH100, PTH120
    module = type(sys)(f"_l9gate_{name}")
    module.__file__ = path
    SourceFileLoader(module.__name__, path).exec_module(module)
    return module


BORDER, PAGE = load("border"), load("page")


def parse_destination(raw: bytes, *, is_connect: bool = True) -> str | None:
    """Return what a `struct sockaddr` leads to outside of this machine; None for inside."""
    if len(raw) < 2:
        return None
    (family,) = struct.unpack_from("=H", raw)
    if family == UNIX:
        return NAME_SERVICE if raw[2:].startswith(RESOLVERS) else None
    if family in INSIDE or (family == 0 and is_connect):  # to AF_UNSPEC: to disconnect
        return None
    if family not in (0, INET, INET6) or len(raw) < 8:
        return f"address family {family}"
    packed = raw[8:24] if family == INET6 else raw[4:8]
    (port,) = struct.unpack_from("!H", raw, 2)
    if BORDER.is_loopback(packed) and port != DNS_PORT:
        return None
    host = _socket.inet_ntop(INET6 if len(packed) == 16 else INET, packed)
    return f"{host}:{port}" + (" (a name server)" if port == DNS_PORT else "")


def read_memory(thread: int, address: int, size_bytes: int) -> bytes:
    """Return bytes of the memory of the thread that made the call.

    Raises:
        OSError: it is gone, or this process may not look.
    """
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as file:  # noqa: PTH123 - see `page.py`
        return os.pread(file.fileno(), size_bytes, address)


def serve_memory(session: _socket.socket) -> None:
    """Read for the supervisor, in the session: by default Yama lets ancestors only."""
    while len(request := session.recv(REQUEST.size)) == REQUEST.size:
        try:
            answer = read_memory(*REQUEST.unpack(request))
        except OSError:
            answer = b""
        session.send(answer or NOTHING)


class Memory:
    """The memory of the thread that made the call, read here or by the session."""

    def __init__(self, thread: int, session: _socket.socket | None) -> None:
        self._thread = thread
        self._session = session

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return bytes from there; nothing for a null pointer.

        Raises:
            OSError: nobody may look.
        """
        if not address:
            return b""
        size_bytes = min(size_bytes, MAX_READ_BYTES)
        try:
            return read_memory(self._thread, address, size_bytes)
        except PermissionError:
            if self._session is None:
                raise
        self._session.send(REQUEST.pack(self._thread, address, size_bytes))
        answer = self._session.recv(MAX_READ_BYTES)
        if answer in (b"", NOTHING):
            raise PermissionError(EACCES, "the session may not look either")
        return answer


def find_destination(number: int, arguments: tuple[int, ...], memory: Memory) -> str | None:
    """Return what a call would reach outside of this machine."""
    connect, send_to, send_message, _ = CALLS[os.uname().machine]
    if number == connect:
        return parse_destination(memory.read(arguments[1], arguments[2]))
    if number == send_to:
        return parse_destination(memory.read(arguments[4], arguments[5]), is_connect=False)
    count = 1 if number == send_message else min(arguments[2], MAX_MESSAGES)
    for place in range(count):
        header = memory.read(arguments[1] + place * MESSAGE_BYTES, 12)
        name, size_bytes = struct.unpack("=QI", header)
        found = parse_destination(memory.read(name, size_bytes), is_connect=False)
        if found is not None:
            return found
    return None


class Supervisor:
    """Answers until the last process under the filter is gone."""

    def __init__(self, listener: int, folder: str, session: int, reader: _socket.socket) -> None:
        self._listener = listener
        self._folder = folder
        self._session = session
        self._reader = reader
        self._last: dict[str, str] = {}

    def run(self) -> None:
        """Answer every call."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while True:
            (_, events), *_ = poll.poll()
            if not events & select.POLLIN:
                return  # nobody is left
            notice = bytearray(NOTICE.size)
            try:
                fcntl.ioctl(self._listener, RECEIVE, notice)
                self._answer(*NOTICE.unpack(notice))
            except OSError:
                continue  # the caller was killed, or a signal came first: it will ask again

    def _answer(self, *notice: int) -> None:
        call_id, thread, _, number, _, _, *arguments = notice
        error = -self._error(call_id, thread, number, tuple(arguments))
        answer = ANSWER.pack(call_id, 0, error, 0 if error else GO_ON)
        fcntl.ioctl(self._listener, SEND, answer)

    def _error(self, call_id: int, thread: int, number: int, arguments: tuple[int, ...]) -> int:
        page = PAGE.read_page(f"{self._folder}/{PAGE.PAGE}")
        self._last = self._last if page is None else page
        test = self._last.get("guarded")
        if not test:
            return 0
        process = process_of(thread)
        if page is None and process == self._session:
            return 0  # what other plug-ins do after the last test is no test's
        try:
            # The session itself may be asking, with the lock that its reader needs.
            memory = Memory(thread, None if process == self._session else self._reader)
            destination = find_destination(number, arguments, memory)
            # It may be gone by now, and its number be another's.
            fcntl.ioctl(self._listener, IS_VALID, struct.pack("=Q", call_id))
        except Unseen:
            self._tell(process, test, "")
            return EACCES if page is None else 0
        if destination is None or destination == NAME_SERVICE:
            return 0 if destination is None else ENOENT
        self._tell(process, test, destination)
        return EACCES

    def _tell(self, process: int, test: str, destination: str) -> None:
        fields = {
            "destination": destination,
            "test": test,
            "pid": str(process),
            "program": "" if process == self._session else program_of(process),
        }
        try:
            PAGE.append_line(f"{self._folder}/{PAGE.REFUSED}", fields)
        except OSError:
            return  # the session is over


def process_of(thread: int) -> int:
    """Return the process that a thread belongs to."""
    try:
        with open(f"/proc/{thread}/status", "rb") as file:  # noqa: PTH123 - as everywhere here
            lines = file.read().split(b"\n")
    except OSError:
        return thread
    return next((int(line[5:]) for line in lines if line.startswith(b"Tgid:")), thread)


def program_of(process: int) -> str:
    """Return the name of a program, never its arguments."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:  # noqa: PTH123 - as everywhere here
            return os.path.basename(file.read(4096).split(b"\0")[0]).decode(errors="replace")  # noqa: PTH119
    except OSError:
        return "?"


def main() -> None:
    """Take over the listener that the session sends, and answer."""
    pair = _socket.socket(fileno=int(sys.argv[1]))
    pair.send(b"r")  # from here on nobody can be left waiting for an answer
    _, ancillary, _, _ = pair.recvmsg(1, _socket.CMSG_SPACE(4))
    if ancillary:
        (listener,) = array.array("i", ancillary[0][2][:4])
        Supervisor(listener, sys.argv[2], int(sys.argv[3]), pair).run()


if __name__ == "__main__":
    main()
