import os
import socket
import struct
from types import SimpleNamespace

import pytest

from l9gate.observe import supervisor
from l9gate.observe.supervisor import NAME_SERVICE, find_destination, parse_destination

CONNECT, SEND_TO, SEND_MESSAGE, SEND_MESSAGES = supervisor.CALLS["x86_64"]


def inet(host: str, port: int = 443) -> bytes:
    if ":" not in host:
        return struct.pack("=H", 2) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)
    packed = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("=H", 10) + struct.pack("!HI", port, 0) + packed + bytes(4)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x01",
        b"\x01\x00/run/x.sock",
        b"\x01\x00\x00abstract",
        b"\x10\x00" + bytes(10),  # netlink
        b"\x00\x00" + bytes(14),  # a connected socket is disconnected
        inet("127.0.0.1"),
        inet("127.0.0.1")[:8],
        inet("0.0.0.0"),  # noqa: S104 - the address is the point
        inet("::1"),
        inet("::ffff:127.0.0.1"),
    ],
)
def test_what_stays_on_this_machine_goes_on(raw: bytes) -> None:
    assert parse_destination(raw) is None


@pytest.mark.parametrize(
    ("raw", "destination"),
    [
        (inet("192.0.2.1"), "192.0.2.1:443"),
        (inet("::ffff:192.0.2.1"), "::ffff:192.0.2.1:443"),
        (inet("2001:db8::1"), "2001:db8::1:443"),
        (inet("192.0.2.1", 53), "192.0.2.1:53 (a name server)"),
        (inet("127.0.0.53", 53), "127.0.0.53:53 (a name server)"),
        (struct.pack("=H", 40) + bytes(14), "address family 40"),
        (inet("192.0.2.1")[:6], "address family 2"),
        (b"\x01\x00/var/run/nscd/socket\0", NAME_SERVICE),
    ],
)
def test_what_leaves_this_machine_is_found(raw: bytes, destination: str) -> None:
    assert parse_destination(raw) == destination


def test_a_datagram_to_no_family_is_one_to_the_internet() -> None:
    raw = b"\x00\x00" + inet("192.0.2.1")[2:]
    assert parse_destination(raw, is_connect=False) == "192.0.2.1:443"


class FakeMemory:
    """Bytes by address."""

    def __init__(self, **places: bytes) -> None:
        self.places = {int(name[1:]): raw for name, raw in places.items()}

    def read(self, address: int, size_bytes: int) -> bytes:
        return self.places[address][:size_bytes] if address else b""


OUTSIDE, INSIDE = inet("192.0.2.1"), inet("127.0.0.1")


@pytest.mark.parametrize(
    ("number", "arguments", "destination"),
    [
        (CONNECT, (3, 100, 16), "192.0.2.1:443"),
        (CONNECT, (3, 200, 16), None),
        (SEND_TO, (3, 1, 1, 0, 100, 16), "192.0.2.1:443"),
        (SEND_MESSAGE, (3, 300, 0), "192.0.2.1:443"),
        (SEND_MESSAGE, (3, 364, 0), None),
        (SEND_MESSAGES, (3, 236, 3, 0), "192.0.2.1:443"),
        (SEND_MESSAGES, (3, 236, 1, 0), None),
    ],
)
def test_the_address_is_where_the_call_has_it(
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    arguments: tuple[int, ...],
    destination: str | None,
) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="x86_64"))
    to_outside, to_nobody = struct.pack("=QI", 100, 16), struct.pack("=QI", 0, 0)
    memory = FakeMemory(_100=OUTSIDE, _200=INSIDE, _236=to_nobody, _300=to_outside, _364=to_nobody)
    assert find_destination(number, arguments, memory) == destination  # type: ignore[arg-type]
