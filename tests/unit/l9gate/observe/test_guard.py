import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.errors import NetworkRefusedError
from l9gate.observe import border, sockets
from l9gate.observe import guard as guarding
from l9gate.observe.children import Children
from l9gate.observe.guard import NetworkGuard
from l9gate.observe.watch import HttpRequest

OUTSIDE = ("192.0.2.1", 443)


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkGuard]:
    monkeypatch.setattr(sockets._Process, "refuse", None)  # the session's own guard comes back
    monkeypatch.setattr(sockets._Process, "connected", set())
    made = NetworkGuard()
    made.start("tests/unit/test_a.py::test_a")
    yield made
    made.stop()


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
    guard.stop()
    sys.audit(sockets.CONNECT, None, OUTSIDE)
    guard.raise_refused()
    assert OUTSIDE in sockets._Process.connected


class FakeChildren:
    """Tells what it was given, and in whose name the guard is on."""

    def __init__(self) -> None:
        self.lines: list[dict[str, str]] = []
        self.told: list[tuple[str, str, str | None]] = []
        self.guarded: str | None = None

    def guard(self, test: str | None) -> None:
        self.guarded = test

    def read_guarded(self) -> str | None:
        return self.guarded

    def take_refused(self) -> list[dict[str, str]]:
        found, self.lines = self.lines, []
        return found

    def tell_refused(self, destination: str, test: str, place: str | None) -> None:
        self.told.append((destination, test, place))


@pytest.fixture
def children(guard: NetworkGuard) -> FakeChildren:
    made = FakeChildren()
    guard._children = cast("Children", made)
    guard.start("now")
    return made


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"program": "/srv/worker.py", "started_by": "before", "place": "app.py:3"},
            "`now` reached for the network: x.invalid at app.py:3, "
            "in child process `worker.py`, started by `before`",
        ),
        ({"program": "curl", "started_by": "now"}, "x.invalid, in child process `curl`"),
        ({"program": "curl", "started_at": "a.py:2"}, "in child process `curl`, started at a.py:2"),
        ({"program": ""}, "x.invalid, in native code that raises no audit events"),
    ],
)
def test_what_a_child_was_refused_fails_the_test(
    guard: NetworkGuard, children: FakeChildren, fields: dict[str, str], message: str
) -> None:
    children.lines = [{"test": "now", "destination": "x.invalid", **fields}]
    with pytest.raises(NetworkRefusedError) as refused:
        guard.raise_refused()
    assert str(refused.value).endswith(message)
    guard.raise_refused()


def test_a_forked_process_tells_the_one_that_runs_the_tests(
    guard: NetworkGuard, children: FakeChildren
) -> None:
    guard._process += 1  # so that this process is another one
    guard._root = __file__.rpartition("/")[0]
    with pytest.raises(PermissionError, match="reached for the network"):
        sys.audit(border.CONNECT, None, OUTSIDE)
    ((destination, test, place),) = children.told
    assert (destination, test) == ("192.0.2.1:443", "now")
    assert (place or "").startswith("test_guard.py:")
    guard.raise_refused()
    children.guarded = None
    sys.audit(border.CONNECT, None, OUTSIDE)


def test_between_two_tests_nothing_is_raised_in_a_real_layer(guard: NetworkGuard) -> None:
    with pytest.raises(NetworkRefusedError):
        sys.audit(border.CONNECT, None, OUTSIDE)
    guard.stop()
    guard.raise_refused()
    guard.start("next")
    with pytest.raises(NetworkRefusedError, match="test_a"):
        guard.raise_refused()


def test_the_line_that_sent_is_named_where_the_stack_has_lost_it(
    guard: NetworkGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard._root = __file__.rpartition("/")[0]
    guard.begin(cast("HttpRequest", SimpleNamespace()))
    guard._root = "/nowhere"
    with pytest.raises(NetworkRefusedError, match=r" at test_guard\.py:\d+"):
        sys.audit(border.CONNECT, None, OUTSIDE)
    guarding._asked.set(None)


def test_the_message_names_a_mock_library_that_looks_elsewhere(
    guard: NetworkGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = type("Request", (), {"__module__": "httpx2._models"})()
    monkeypatch.setattr(guarding, "describe_blind_mocks", lambda: "respx is blind")
    for asked, note in ((cast("HttpRequest", request), "443 (respx is blind)"), (None, "443")):
        guarding._asked.set(None)
        if asked is not None:
            guard.begin(asked)
        with pytest.raises(NetworkRefusedError) as refused:
            sys.audit(border.CONNECT, None, OUTSIDE)
        assert str(refused.value).endswith(note)
        assert refused.value.__notes__ == [f"hint: {guarding._HINT}"]


def test_frames_of_the_client_are_recognised(guard: NetworkGuard) -> None:
    space: dict[str, object] = {"__name__": "httpcore2.backends"}
    exec("import sys\ndef find(check): return check(sys._getframe())", space)  # noqa: S102
    find = cast("Callable[[object], bool]", space["find"])
    assert find(guarding._passed_httpx2)
    assert not guarding._passed_httpx2(sys._getframe())
