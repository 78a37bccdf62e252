"""What leaves this machine, and who is asked before it does.

Child processes read this file from where it lies, also those that have no l9gate and are another
Python: it imports the standard library only, and next to nothing of that.
"""

from __future__ import annotations

import _socket
import os

TYPE_CHECKING = False  # `typing` and `collections.abc` take longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType

    Ask = Callable[[str, object], None]
    Method = Callable[..., Awaitable[object]]

CONNECT = "socket.connect"
RESOLVE = "socket.getaddrinfo"
SEND_TO = "socket.sendto"
SEND_MESSAGE = "socket.sendmsg"
NAME_OF = "socket.getnameinfo"
ADDRESS_OF = "socket.gethostbyname"
HOST_OF = "socket.gethostbyaddr"
# audit event → which of its arguments says where to
TARGETS = {CONNECT: 1, RESOLVE: 0, SEND_TO: 1, SEND_MESSAGE: 1}
TARGETS |= {NAME_OF: 0, ADDRESS_OF: 0, HOST_OF: 0}
ANYWHERE = "any host (the loop's datagram socket is not bound to loopback)"
_LOCAL_NAMES = frozenset({"", "localhost", "ip6-localhost", "ip6-loopback"})
_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96
_TEST_FILES = ("test_", "conftest.py")
_FOREIGN = ("site-packages", "dist-packages")
# An environment may lie in the project, and the project may be this one.
_NEVER = (os.path.dirname(os.__file__) + os.sep, os.path.dirname(__file__) + os.sep)  # noqa: PTH120


def parse_address(raw: object) -> tuple[str, int] | None:
    """Return host and port of an IP address as sockets give it, else None (a Unix socket)."""
    if not isinstance(raw, tuple) or len(raw) < 2:
        return None
    host, port = text_of(raw[0]), raw[1]
    if host is None or not isinstance(port, int):
        return None
    return host.partition("%")[0].lower(), port


def text_of(raw: object) -> str | None:
    """Return a host as text; None for what is none, such as the wildcard None itself."""
    if isinstance(raw, bytes):
        return raw.decode(errors="replace")
    return raw if isinstance(raw, str) else None


def find_destination(event: str, target: object) -> str | None:
    """Return what an audit event would reach outside of this machine, None if it stays inside.

    To resolve a literal address sends nothing, so only the later connection is refused.
    """
    if event in (RESOLVE, ADDRESS_OF, HOST_OF):
        name = text_of(target)
        is_silent = name is None or (event != HOST_OF and pack(name) is not None)
        return None if name is None or is_silent or is_local(name) else name
    address = parse_address(target)
    if address is None or is_local(address[0]):
        return None
    return address[0] if address[0] == ANYWHERE else f"{address[0]}:{address[1]}"


def is_local(host: str) -> bool:
    """Whether a name or address is this machine, as far as can be told without asking for it."""
    packed = pack(host)
    if packed is not None:
        return is_loopback(packed)
    name = host.lower().rstrip(".")
    return name in _LOCAL_NAMES or name == os.uname().nodename.lower()


def is_loopback(packed: bytes) -> bool:
    """Whether 4 or 16 bytes are loopback, or unspecified, which reaches this machine too."""
    if len(packed) == 16 and packed.startswith(_MAPPED):
        packed = packed[12:]
    if len(packed) == 4:
        return packed[0] == 127 or packed == bytes(4)
    return packed[:15] == bytes(15) and packed[15] in (0, 1)


def pack(host: str) -> bytes | None:
    """Return the bytes of a literal address, None for a name."""
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            return _socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
    return None


def find_place(frame: FrameType | None, root: str) -> str | None:
    """Return file:line of the application: the deepest frame in the project that is no test.

    Args:
        frame: the innermost frame.
        root: the project's folder. Without a frame of the application there, the deepest of a
            test is returned, else None.
    """
    of_test = None
    prefix = root.rstrip(os.sep) + os.sep
    while frame is not None and root:
        path = frame.f_code.co_filename
        is_foreign = path.startswith(_NEVER) or any(folder in path for folder in _FOREIGN)
        if path.startswith(prefix) and not is_foreign:
            name = os.path.basename(path)  # noqa: PTH119 - pathlib takes longer than a child's start
            place = f"{path[len(prefix) :]}:{frame.f_lineno}"
            if not name.startswith(_TEST_FILES) and not name.endswith("_test.py"):
                return place
            of_test = of_test or place
        frame = frame.f_back
    return of_test


def ask_for(ask: Ask, host: object, port: object) -> None:
    """Ask for a host as given to a loop: a name is going to be resolved, an address connected."""
    name = text_of(host)
    if name is not None:
        target = (name, port if isinstance(port, int) else 0)
        ask(*((RESOLVE, name) if pack(name) is None else (CONNECT, target)))


def watch_names(loop: type, ask: Ask) -> None:
    """Ask before a loop resolves a name, while the stack still says for whom."""
    resolve: Method = loop.getaddrinfo  # type: ignore[attr-defined]
    name_of: Method = loop.getnameinfo  # type: ignore[attr-defined]

    async def getaddrinfo(self: object, host: object, port: object, **options: object) -> object:
        ask(RESOLVE, host)
        return await resolve(self, host, port, **options)

    async def getnameinfo(self: object, sockaddr: object, flags: int = 0) -> object:
        ask(NAME_OF, sockaddr)
        return await name_of(self, sockaddr, flags)

    loop.getaddrinfo = getaddrinfo  # type: ignore[attr-defined]
    loop.getnameinfo = getnameinfo  # type: ignore[attr-defined]


def watch_loop(loop: type, ask: Ask) -> None:
    """Do what audit events do for a loop that raises none, such as uvloop's: ask, then tell."""
    connect: Method = loop.create_connection  # type: ignore[attr-defined]
    datagrams: Method = loop.create_datagram_endpoint  # type: ignore[attr-defined]
    watch_names(loop, ask)

    async def create_connection(
        self: object, factory: object, host: object = None, port: object = None, **options: object
    ) -> object:
        ask_for(ask, host, port)
        made = await connect(self, factory, host, port, **options)
        if host is not None and isinstance(made, tuple):
            ask(CONNECT, made[0].get_extra_info("peername"))
        return made

    async def create_datagram_endpoint(
        self: object,
        factory: object,
        local_addr: object = None,
        remote_addr: object = None,
        **options: object,
    ) -> object:
        bound = local_addr
        if remote_addr is not None:
            ask_for(ask, *(remote_addr if isinstance(remote_addr, tuple) else (None, None))[:2])
        elif options.get("family") != _socket.AF_UNIX and not isinstance(bound, (str, bytes)):
            address = _bound_to(bound, options.get("sock"))
            if address is None or not is_local(address) or pack(address) in (bytes(4), bytes(16)):
                ask(SEND_TO, (ANYWHERE, 0))  # it could send everywhere, and nobody would be asked
        return await datagrams(self, factory, local_addr, remote_addr, **options)

    loop.create_connection = create_connection  # type: ignore[attr-defined]
    loop.create_datagram_endpoint = create_datagram_endpoint  # type: ignore[attr-defined]


def _bound_to(local_addr: object, sock: object) -> str | None:
    if sock is not None:
        name: Callable[[], object] | None = getattr(sock, "getsockname", None)
        local_addr = name() if name is not None else None
        if isinstance(local_addr, (str, bytes)):
            return "localhost"  # a Unix socket
    address = parse_address(local_addr)
    return None if address is None else address[0]
