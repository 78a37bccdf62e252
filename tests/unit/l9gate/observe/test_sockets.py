import socket
import sys
from collections.abc import Iterator
from weakref import WeakSet

import pytest

from l9gate.observe import sockets

ADDRESS = ("192.0.2.7", 443)


class Stream:
    def __init__(self, address: object, connection: object = None) -> None:
        self.address = address
        self.connection = connection

    def get_extra_info(self, info: str) -> object:
        if info == "socket":
            return self.connection
        assert info == "server_addr"
        if isinstance(self.address, OSError):
            raise self.address
        return self.address


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep what these tests make up away from what this process really did."""
    sockets.install_hook()
    monkeypatch.setattr(sockets._Process, "connected", set())
    monkeypatch.setattr(sockets._Process, "resolved", set())
    monkeypatch.setattr(sockets._Process, "proven", WeakSet())
    monkeypatch.setattr(sockets._Process, "refuse", None)
    token = sockets._contacts.set(None)
    yield
    sockets._contacts.reset(token)


def connect(address: object) -> None:
    """Raise the audit event of a connection without making one."""
    sys.audit(sockets.CONNECT, None, address)


def test_an_address_counts_only_after_the_interpreter_saw_a_connection() -> None:
    assert not sockets.used_socket(Stream(ADDRESS), [])
    connect(ADDRESS)
    assert sockets.used_socket(Stream(ADDRESS), [])
    assert not sockets.used_socket(Stream(("192.0.2.8", 443)), [])


def test_no_stream_is_no_socket() -> None:
    connect(ADDRESS)
    assert not sockets.used_socket(None, [ADDRESS])


@pytest.mark.parametrize("address", [OSError("not connected"), None, "/run/unix.sock"])
def test_a_peer_that_is_gone_is_proved_by_what_the_exchange_connected_to(address: object) -> None:
    assert not sockets.used_socket(Stream(address), [])
    assert sockets.used_socket(Stream(address), [ADDRESS])


class Peer:
    """A socket of its own, of which the kernel is asked."""

    def __init__(self, number: int) -> None:
        self.number = number

    def fileno(self) -> int:
        return self.number


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_a_socket_that_the_kernel_does_not_know_proves_nothing(number: int) -> None:
    assert not sockets.used_socket(Stream(ADDRESS, Peer(number)), [])
    assert not sockets.used_socket(Stream(ADDRESS, object()), [])


def test_a_pair_of_unix_sockets_reaches_no_host() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not sockets.used_socket(Stream(None, ours), [])


def test_the_kernels_word_proves_a_connection_that_raised_no_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(sockets, "parse_address", lambda raw: ADDRESS if raw == "" else None)
    with ours, theirs:  # a pair has an empty name in place of an address
        assert sockets.used_socket(Stream(None, ours), [])
        assert ours.fileno() >= 0


def test_an_exchange_sees_only_its_own_connections() -> None:
    connect(("192.0.2.1", 1))
    contacts = sockets.note_contacts()
    connect(ADDRESS)
    connect("/run/unix.sock")
    assert contacts == [ADDRESS]
    assert sockets.note_contacts() == []
    connect(("192.0.2.9", 9))
    assert contacts == [ADDRESS]


def test_what_is_noted_is_bounded() -> None:
    contacts = sockets.note_contacts()
    for port in range(100):
        connect(("192.0.2.1", port))
    assert len(contacts) == 64


def test_to_ask_for_a_name_is_to_try_to_reach_it() -> None:
    assert not sockets.was_contacted("api.example.com", [])
    sys.audit(sockets.RESOLVE, b"API.example.com", 443, 0, 0, 0)
    assert sockets.was_contacted("api.example.com", [])
    assert sockets.was_contacted("other.example.com", [ADDRESS])


def test_ipv6_is_compared_without_its_zone() -> None:
    connect(("FE80::1%eth0", 443, 0, 2))
    assert sockets.used_socket(Stream(("fe80::1", 443, 0, 2)), [])


@pytest.mark.parametrize("raw", [None, "path", b"path", (), ("host",), (1, 2), ("host", "80")])
def test_what_is_no_address_is_none(raw: object) -> None:
    assert sockets.parse_address(raw) is None


def test_a_refusal_is_asked_before_anything_is_noted() -> None:
    def refuse(event: str, target: object) -> None:
        raise PermissionError(event, target)

    sockets.set_refusal(refuse)
    with pytest.raises(PermissionError):
        connect(ADDRESS)
    sockets.set_refusal(None)
    assert not sockets.used_socket(Stream(ADDRESS), [])


def test_a_connection_that_was_proved_is_not_asked_again() -> None:
    stream = Stream(ADDRESS)
    connect(ADDRESS)
    assert sockets.used_socket(stream, [])
    stream.address = OSError("closed since")
    assert sockets.used_socket(stream, [])
    assert not sockets.used_socket(Stream(stream.address), [])


def test_a_connection_that_cannot_be_kept_is_asked_each_time() -> None:
    class Unhashable(Stream):
        __hash__ = None  # type: ignore[assignment]

    connect(ADDRESS)
    stream = Unhashable(ADDRESS)
    assert sockets.used_socket(stream, [])
    assert sockets.used_socket(stream, [])
