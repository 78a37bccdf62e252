"""Proof that a socket was opened: the interpreter's own audit events, below any mock library.

An audit hook cannot be removed, so one is installed for the process and switched.
"""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

Address = tuple[str, int]
Contacts = list[Address]
Refuse = Callable[[str, object], None]

CONNECT = "socket.connect"
RESOLVE = "socket.getaddrinfo"
SEND_TO = "socket.sendto"
SEND_MESSAGE = "socket.sendmsg"
_WATCHED = frozenset({CONNECT, RESOLVE, SEND_TO, SEND_MESSAGE})
_MAX_KNOWN = 65_536  # a process that talks to more hosts than this is no test run
_MAX_CONTACTS = 64  # of one exchange: a few addresses are tried, seldom more


class NetworkStream(Protocol):
    """What httpx puts into `response.extensions["network_stream"]`."""

    def get_extra_info(self, info: str) -> object:
        """Return a fact about the connection, or None."""
        ...


class _Process:
    """What the one audit hook of this process has seen, and whom it asks."""

    is_installed: bool = False
    refuse: Refuse | None = None
    connected: set[Address] = set()  # noqa: RUF012 - one for the process, as is the hook
    resolved: set[str] = set()  # noqa: RUF012 - the same


# A list, since a task copies the variable and not what it holds.
_contacts: ContextVar[Contacts | None] = ContextVar("l9gate_contacts", default=None)


def install_hook() -> None:
    """Start to note every address that this process connects to; once is enough."""
    if not _Process.is_installed:
        _Process.is_installed = True
        sys.addaudithook(_notice)


def set_refusal(refuse: Refuse | None) -> None:
    """Have every use of the network asked for first; what is raised there stops it."""
    _Process.refuse = refuse


def note_contacts() -> Contacts:
    """Return a list that fills with the addresses this context connects to from now on."""
    contacts: Contacts = []
    _contacts.set(contacts)
    return contacts


def note_connect(address: Address) -> None:
    """Take note of a connection of this process that raises no audit event, such as uvloop's."""
    _note_address(address)


def used_socket(stream: NetworkStream | None, contacts: Contacts) -> bool:
    """Whether a connection that this process was seen to open carries the stream.

    Args:
        stream: the extension of the response; mock transports have none.
        contacts: what this exchange itself connected to. They decide if the peer has already reset
            the connection, so that its address cannot be asked for any more.
    """
    if stream is None:
        return False
    try:
        address = parse_address(stream.get_extra_info("server_addr"))
    except OSError:
        address = None
    return bool(contacts) if address is None else address in _Process.connected


def was_contacted(name: str, contacts: Contacts) -> bool:
    """Whether this process tried to reach a host: it connected, or at least asked for its address.

    Args:
        name: the host of the URL.
        contacts: what the exchange itself connected to.
    """
    return bool(contacts) or name.lower() in _Process.resolved


def parse_address(raw: object) -> Address | None:
    """Return host and port of an IP address as sockets give it, else None (a Unix socket)."""
    if not isinstance(raw, tuple) or len(raw) < 2:
        return None
    host, port = _as_text(raw[0]), raw[1]
    if host is None or not isinstance(port, int):
        return None
    return host.partition("%")[0].lower(), port


def _notice(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _WATCHED:
        return
    target = arguments[0] if event == RESOLVE else arguments[1]
    if _Process.refuse is not None:
        _Process.refuse(event, target)
    if event == CONNECT:
        _note_address(parse_address(target))
    elif event == RESOLVE:
        _note_name(_as_text(target))


def _note_address(address: Address | None) -> None:
    if address is None:
        return
    if len(_Process.connected) < _MAX_KNOWN:
        _Process.connected.add(address)
    contacts = _contacts.get()
    if contacts is not None and len(contacts) < _MAX_CONTACTS:
        contacts.append(address)


def _note_name(name: str | None) -> None:
    if name is not None and len(_Process.resolved) < _MAX_KNOWN:
        _Process.resolved.add(name.lower())


def _as_text(raw: object) -> str | None:
    if isinstance(raw, bytes):
        return raw.decode(errors="replace")
    return raw if isinstance(raw, str) else None
