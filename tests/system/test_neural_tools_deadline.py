"""The deadline of the re-ranker against real sockets that misbehave."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from neural_tools.corpus import Chunk
from neural_tools.index import Candidate
from neural_tools.reranker import Reranker
from neural_tools.settings import Settings

DEADLINE_S = 0.4
SLACK_S = 0.3  # a busy machine; measured on a quiet one: 0.003 s
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    b"request-id: req_1\r\ncontent-length: 10000\r\n\r\n"
)
CANDIDATES = [
    Candidate(chunk=Chunk(id=f"d{n}", name=f"f{n}", path="p", code="x"), score=1.0)
    for n in range(3)
]


def trickle_body(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(HEAD)
    while not stop.wait(0.05):
        connection.sendall(b" ")


def trickle_headers(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while not stop.wait(0.05):
        number += 1
        connection.sendall(f"x-{number}: 1\r\n".encode())


def stay_silent(_: socket.socket, stop: threading.Event) -> None:
    stop.wait()


def hang_up(_: socket.socket, __: threading.Event) -> None:
    """Close without a word."""


def break_off(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(HEAD + b'{"id": "msg')


Misbehave = Callable[[socket.socket, threading.Event], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Misbehave], str]]:
    """Start a server that treats every connection in one way; return its base URL."""
    stop = threading.Event()
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket, misbehave: Misbehave) -> None:
        with connection:
            try:
                connection.recv(65536)
                misbehave(connection, stop)
            except OSError:
                return

    def accept(listener: socket.socket, misbehave: Misbehave) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=converse, args=(connection, misbehave))
            threads.append(thread)
            thread.start()

    def start(misbehave: Misbehave) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        thread = threading.Thread(target=accept, args=(listener, misbehave))
        threads.append(thread)
        thread.start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    stop.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("misbehave", [trickle_body, trickle_headers, stay_silent])
def test_the_deadline_holds_against_a_server_that_never_ends(
    serve: Callable[[Misbehave], str], misbehave: Misbehave, *, stream: bool
) -> None:
    """S-05: the read timeout of an HTTP library starts anew with every byte."""
    settings = Settings(
        api_key="k", base_url=serve(misbehave), deadline_s=DEADLINE_S, stream=stream
    )
    with Reranker(settings) as reranker:
        for _ in range(2):
            began_s = time.perf_counter()
            result = reranker.rerank("q", CANDIDATES)
            took_s = time.perf_counter() - began_s
            assert (result.reason, result.degraded) == ("timeout", True)
            assert DEADLINE_S * 0.9 < took_s < DEADLINE_S + SLACK_S


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("misbehave", "reason"), [(hang_up, "connection"), (break_off, "cut_stream")]
)
def test_a_broken_connection_is_named_by_when_it_broke(
    serve: Callable[[Misbehave], str], misbehave: Misbehave, reason: str, *, stream: bool
) -> None:
    """L1-04."""
    settings = Settings(api_key="k", base_url=serve(misbehave), stream=stream)
    with Reranker(settings) as reranker:
        result = reranker.rerank("q", CANDIDATES)
    assert (result.reason, result.attempts) == (reason, 3)


def test_a_port_where_nobody_listens_is_a_connection_failure() -> None:
    """L2-10."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Reranker(Settings(api_key="k", base_url=f"http://127.0.0.1:{port}")) as reranker:
        assert reranker.rerank("q", CANDIDATES).reason == "connection"
