import sys
from collections.abc import Iterator

import pytest

from l9gate.errors import NetworkRefusedError
from l9gate.observe import sockets
from l9gate.observe.guard import NetworkGuard, find_destination

OUTSIDE = ("192.0.2.1", 443)


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkGuard]:
    monkeypatch.setattr(sockets._Process, "refuse", None)  # the session's own guard comes back
    monkeypatch.setattr(sockets._Process, "connected", set())
    made = NetworkGuard()
    made.begin("tests/unit/test_a.py::test_a")
    yield made
    made.end()


def test_a_refusal_names_the_test_and_the_destination(guard: NetworkGuard) -> None:
    """L1-02."""
    with pytest.raises(NetworkRefusedError, match=r"test_a\.py::test_a` .*: 192\.0\.2\.1:443"):
        sys.audit(sockets.CONNECT, None, OUTSIDE)


def test_what_an_application_swallowed_fails_its_test_once(guard: NetworkGuard) -> None:
    with pytest.raises(NetworkRefusedError):
        sys.audit(sockets.RESOLVE, "api.example.com", 443, 0, 0, 0)
    with pytest.raises(NetworkRefusedError, match=r"api\.example\.com"):
        guard.raise_refused()
    guard.raise_refused()


def test_a_test_that_failed_anyway_is_not_failed_twice(guard: NetworkGuard) -> None:
    with pytest.raises(NetworkRefusedError):
        sys.audit(sockets.CONNECT, None, OUTSIDE)
    guard.forget_refused()
    guard.raise_refused()


def test_after_the_test_everything_passes(guard: NetworkGuard) -> None:
    guard.end()
    sys.audit(sockets.CONNECT, None, OUTSIDE)
    guard.raise_refused()
    assert OUTSIDE in sockets._Process.connected


@pytest.mark.parametrize(
    ("event", "target"),
    [
        (sockets.CONNECT, ("127.0.0.1", 80)),
        (sockets.CONNECT, ("127.9.9.9", 80)),
        (sockets.CONNECT, ("::1", 80, 0, 0)),
        (sockets.CONNECT, ("::ffff:127.0.0.1", 80, 0, 0)),
        (sockets.CONNECT, ("0.0.0.0", 80)),  # noqa: S104 - the address is the point
        (sockets.CONNECT, ("LOCALHOST.", 80)),
        (sockets.CONNECT, "/run/x.sock"),
        (sockets.CONNECT, b"\0abstract"),
        (sockets.SEND_MESSAGE, None),
        (sockets.RESOLVE, None),
        (sockets.RESOLVE, ""),
        (sockets.RESOLVE, "localhost"),
        (sockets.RESOLVE, b"localhost"),
        (sockets.RESOLVE, "192.0.2.1"),
    ],
)
def test_what_stays_on_this_machine_is_allowed(event: str, target: object) -> None:
    assert find_destination(event, target) is None


@pytest.mark.parametrize(
    ("event", "target", "destination"),
    [
        (sockets.CONNECT, ("example.com", 80), "example.com:80"),
        (sockets.CONNECT, ("2001:db8::1", 80, 0, 0), "2001:db8::1:80"),
        (sockets.CONNECT, ("::ffff:192.0.2.1", 80, 0, 0), "::ffff:192.0.2.1:80"),
        (sockets.SEND_TO, ("192.0.2.1", 53), "192.0.2.1:53"),
        (sockets.RESOLVE, "localhost.example.com", "localhost.example.com"),
        (sockets.RESOLVE, b"example.com", "example.com"),
    ],
)
def test_what_leaves_this_machine_is_refused(event: str, target: object, destination: str) -> None:
    assert find_destination(event, target) == destination
