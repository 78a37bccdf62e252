import os
import socket
import sys
from collections.abc import Callable, Coroutine
from types import FrameType, SimpleNamespace
from typing import cast

import pytest

from l9gate.observe import border
from l9gate.observe.border import find_destination, find_place, parse_address, watch_loop


@pytest.mark.parametrize(
    ("event", "target"),
    [
        (border.CONNECT, ("127.0.0.1", 80)),
        (border.CONNECT, ("127.9.9.9", 80)),
        (border.CONNECT, ("::1", 80, 0, 0)),
        (border.CONNECT, ("::ffff:127.0.0.1", 80, 0, 0)),
        (border.CONNECT, ("0.0.0.0", 80)),  # noqa: S104 - the address is the point
        (border.CONNECT, ("::", 80, 0, 0)),
        (border.CONNECT, ("LOCALHOST.", 80)),
        (border.CONNECT, "/run/x.sock"),
        (border.CONNECT, b"\0abstract"),
        (border.SEND_MESSAGE, None),
        (border.RESOLVE, None),
        (border.RESOLVE, ""),
        (border.RESOLVE, "localhost"),
        (border.RESOLVE, b"localhost"),
        (border.RESOLVE, "192.0.2.1"),
        (border.RESOLVE, os.uname().nodename),
        (border.ADDRESS_OF, "192.0.2.1"),
        (border.HOST_OF, "127.0.0.1"),
        (border.NAME_OF, ("127.0.0.1", 80)),
    ],
)
def test_what_stays_on_this_machine_is_allowed(event: str, target: object) -> None:
    assert find_destination(event, target) is None


@pytest.mark.parametrize(
    ("event", "target", "destination"),
    [
        (border.CONNECT, ("example.com", 80), "example.com:80"),
        (border.CONNECT, ("127.0.0.1.example.com", 80), "127.0.0.1.example.com:80"),
        (border.CONNECT, ("a\0b", 80), "a\0b:80"),
        (border.CONNECT, ("2001:db8::1", 80, 0, 0), "2001:db8::1:80"),
        (border.CONNECT, ("::ffff:192.0.2.1", 80, 0, 0), "::ffff:192.0.2.1:80"),
        (border.SEND_TO, ("192.0.2.1", 53), "192.0.2.1:53"),
        (border.SEND_MESSAGE, ("192.0.2.1", 53), "192.0.2.1:53"),
        (border.RESOLVE, "localhost.example.com", "localhost.example.com"),
        (border.RESOLVE, b"example.com", "example.com"),
        (border.ADDRESS_OF, "example.com", "example.com"),
        (border.HOST_OF, "192.0.2.1", "192.0.2.1"),
        (border.NAME_OF, ("192.0.2.1", 80), "192.0.2.1:80"),
    ],
)
def test_what_leaves_this_machine_is_found(event: str, target: object, destination: str) -> None:
    assert find_destination(event, target) == destination


@pytest.mark.parametrize("raw", [None, "path", b"path", (), ("host",), (1, 2), ("host", "80")])
def test_what_is_no_address_is_none(raw: object) -> None:
    assert parse_address(raw) is None


def call_through(path: str, inner: Callable[[], FrameType]) -> FrameType:
    """Call a function from a frame whose file has that name."""
    space: dict[str, object] = {"inner": inner}
    exec(compile("frame = inner()", path, "exec"), space)  # noqa: S102
    return cast("FrameType", space["frame"])


def stack(*paths: str) -> FrameType:
    """Return the innermost frame of a stack of files, the outermost first."""
    if len(paths) == 1:
        return call_through(paths[0], lambda: sys._getframe(1))
    return call_through(paths[0], lambda: stack(*paths[1:]))


@pytest.mark.parametrize(
    ("paths", "place"),
    [
        (("/p/tests/test_a.py", "/p/app/a.py", "/p/app/b.py", "/lib/socket.py"), "app/b.py:1"),
        (("/p/app/a.py", "/p/.venv/lib/site-packages/httpx2/x.py"), "app/a.py:1"),
        (("/p/app/a.py", "/p/tests/test_a.py"), "app/a.py:1"),
        (("/p/conftest.py", "/p/tests/test_a.py", "/lib/socket.py"), "tests/test_a.py:1"),
        (("/lib/socket.py",), None),
        (("/project/a.py",), None),
    ],
)
def test_the_place_is_the_applications_deepest_line(
    paths: tuple[str, ...], place: str | None
) -> None:
    assert find_place(stack(*paths), "/p") == place


@pytest.mark.parametrize("path", [os.__file__, border.__file__])
def test_neither_the_library_nor_the_guard_is_the_application(path: str) -> None:
    assert find_place(stack("/p/a.py", path), "/") == "p/a.py:1"


def test_without_a_project_there_is_no_place() -> None:
    assert find_place(stack("/p/a.py"), "") is None


class Loop:
    """A loop that raises no audit events."""

    peer: object = ("192.0.2.1", 80)

    async def create_connection(self, factory: object, *_: object, **__: object) -> object:
        peer = self.peer
        return SimpleNamespace(get_extra_info=lambda name: {"peername": peer}[name]), factory

    async def create_datagram_endpoint(self, *words: object, **options: object) -> object:
        return words, options

    async def getaddrinfo(self, host: object, port: object, **_: object) -> object:
        return [host, port]

    async def getnameinfo(self, sockaddr: object, flags: int = 0) -> object:
        return sockaddr, flags


@pytest.fixture
def asked() -> list[tuple[str, object]]:
    return []


@pytest.fixture
def loop(asked: list[tuple[str, object]]) -> Loop:
    watched = type("Watched", (Loop,), {})
    watch_loop(watched, lambda event, target: asked.append((event, target)))
    return cast("Loop", watched())


def finish(steps: Coroutine[object, object, object]) -> object:
    """Run what waits for nothing, without a loop and its sockets."""
    with pytest.raises(StopIteration) as stopped:
        steps.send(None)
    return stopped.value.value


def test_a_loop_asks_before_it_connects_and_tells_where_it_came_to(
    loop: Loop, asked: list[tuple[str, object]]
) -> None:
    finish(loop.create_connection(None, "x.invalid", 80))
    assert asked == [(border.RESOLVE, "x.invalid"), (border.CONNECT, ("192.0.2.1", 80))]
    asked.clear()
    finish(loop.create_connection(None, "192.0.2.9", 81))
    assert asked[0] == (border.CONNECT, ("192.0.2.9", 81))


def test_a_connection_that_somebody_else_made_is_not_asked_for(
    loop: Loop, asked: list[tuple[str, object]]
) -> None:
    finish(loop.create_connection(None, sock=object()))
    assert asked == []


def test_a_loop_asks_before_it_resolves(loop: Loop, asked: list[tuple[str, object]]) -> None:
    assert finish(loop.getaddrinfo("x.invalid", 80)) == ["x.invalid", 80]
    assert finish(loop.getnameinfo(("192.0.2.1", 80))) == (("192.0.2.1", 80), 0)
    assert asked == [(border.RESOLVE, "x.invalid"), (border.NAME_OF, ("192.0.2.1", 80))]


ANYWHERE = [(border.SEND_TO, (border.ANYWHERE, 0))]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"remote_addr": ("192.0.2.1", 53)}, [(border.CONNECT, ("192.0.2.1", 53))]),
        ({"remote_addr": "/run/x.sock"}, []),
        ({"local_addr": ("127.0.0.1", 0)}, []),
        ({"local_addr": "/run/x.sock"}, []),
        ({"family": socket.AF_UNIX}, []),
        ({"sock": SimpleNamespace(getsockname=lambda: ("::1", 9, 0, 0))}, []),
        ({"sock": SimpleNamespace(getsockname=lambda: "/run/x.sock")}, []),
        ({"sock": SimpleNamespace(getsockname=lambda: ("0.0.0.0", 9))}, ANYWHERE),  # noqa: S104
        ({"local_addr": ("0.0.0.0", 0)}, ANYWHERE),  # noqa: S104
        ({"local_addr": ("192.0.2.1", 0)}, ANYWHERE),
        ({}, ANYWHERE),
    ],
)
def test_a_datagram_socket_that_could_send_anywhere_is_asked_for(
    loop: Loop,
    asked: list[tuple[str, object]],
    options: dict[str, object],
    found: list[tuple[str, object]],
) -> None:
    finish(loop.create_datagram_endpoint(None, **options))
    assert asked == found


def test_anywhere_is_no_place_on_this_machine() -> None:
    assert find_destination(*ANYWHERE[0]) == border.ANYWHERE
