"""Proof that a socket was opened: the interpreter's own audit events, below any mock library.

An audit hook cannot be removed, so one is installed for the process and switched.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from types import ModuleType
from typing import Protocol
from weakref import WeakSet

from l9gate.observe.border import (
    CONNECT,
    RESOLVE,
    TARGETS,
    parse_address,
    text_of,
    watch_loop,
    watch_names,
)
from l9gate.observe.imports import ImportWatch

__all__ = [
    "CONNECT",
    "RESOLVE",
    "Address",
    "Contacts",
    "NetworkStream",
    "Refuse",
    "install_hook",
    "note_connect",
    "note_contacts",
    "parse_address",
    "set_refusal",
    "used_socket",
    "was_contacted",
]

Address = tuple[str, int]
Contacts = list[Address]
Refuse = Callable[[str, object], None]

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
    proven: WeakSet[NetworkStream] = WeakSet()  # noqa: RUF012 - the same


# A list, since a task copies the variable and not what it holds.
_contacts: ContextVar[Contacts | None] = ContextVar("l9gate_contacts", default=None)


def install_hook() -> None:
    """Start to note every address that this process connects to; once is enough."""
    if not _Process.is_installed:
        _Process.is_installed = True
        sys.addaudithook(_notice)
        watch_names(asyncio.BaseEventLoop, _ask)
        if "uvloop" in sys.modules:
            _watch_loop(sys.modules["uvloop"])
        else:
            ImportWatch(("uvloop",), _watch_loop).start()


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
    if _is_proven(stream):
        return True
    try:
        address = parse_address(stream.get_extra_info("server_addr"))
    except OSError:
        address = None
    if address in _Process.connected:
        with suppress(TypeError):  # a stream that cannot be kept is asked each time
            _Process.proven.add(stream)
        return True
    if address is None and contacts:
        return True
    return _is_connected(stream.get_extra_info("socket"))


def was_contacted(name: str, contacts: Contacts) -> bool:
    """Whether this process tried to reach a host: it connected, or at least asked for its address.

    Args:
        name: the host of the URL.
        contacts: what the exchange itself connected to.
    """
    return bool(contacts) or name.lower() in _Process.resolved


def _is_proven(stream: NetworkStream) -> bool:
    """Whether it was proved before, by an earlier answer over the same connection."""
    try:
        return stream in _Process.proven
    except TypeError:
        return False


def _is_connected(connection: object) -> bool:
    """Whether the kernel knows a peer of this socket, as it does of those that raised no event."""
    fileno = getattr(connection, "fileno", None)
    number = fileno() if callable(fileno) else None
    if not isinstance(number, int) or number < 0:
        return False
    try:
        copy = socket.socket(fileno=number)
    except OSError:
        return False
    try:
        return parse_address(copy.getpeername()) is not None
    except OSError:
        return False
    finally:
        copy.detach()  # it is not ours to close


def _watch_loop(module: ModuleType) -> None:
    watch_loop(module.Loop, _ask)


def _ask(event: str, target: object) -> None:
    """Do what an audit event does, for a loop that raises none, or too late."""
    _notice(event, (None,) * TARGETS[event] + (target,))


def _notice(event: str, arguments: tuple[object, ...]) -> None:
    index = TARGETS.get(event)
    if index is None:
        return
    target = arguments[index]
    if _Process.refuse is not None:
        _Process.refuse(event, target)
    if event == CONNECT:
        _note_address(parse_address(target))
    elif event == RESOLVE:
        _note_name(text_of(target))


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
