"""The recording proxy as its users start it: real sockets, real clients, a real run folder."""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

import anthropic
import httpx2
import pytest

from l9gate.evidence.records import End, EndReason, Exchange, Fault, Origin, SourceEnd, Witness
from l9gate.simulator.server import SimulatorThread
from l9gate.store.run import RunFolder, latest_run

KEY = "sk-planted-key-that-nobody-may-keep"
PROMPT = "planted-prompt-that-nobody-may-keep"
HEADERS = {"x-api-key": KEY, "anthropic-version": "2026-10-21"}
MESSAGE = {
    "model": "claude-haiku-5-5",
    "max_tokens": 300,
    "messages": [{"role": "user", "content": PROMPT}],
}
Start = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start `l9gate proxy WORDS…` in a folder of its own, and stop it at the end."""

    @contextlib.contextmanager
    def run(*words: str, **variables: str) -> Iterator[str]:
        hidden = ("L9GATE_", "ANTHROPIC_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(hidden)}
        command = [sys.executable, "-m", "l9gate", "proxy", *words]
        with subprocess.Popen(
            command,
            cwd=tmp_path,
            env=kept | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().strip()
            finally:
                process.send_signal(signal.SIGTERM)
                _, said = process.communicate(timeout=20)
                assert process.returncode == 0, said
                assert KEY not in said

    return run


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[], RunFolder]:
    """Return the run that the proxy left, and see that no secret is in it."""

    def find() -> RunFolder:
        folder = latest_run(tmp_path / ".l9gate" / "runs")
        for path in folder.path.iterdir():
            assert KEY.encode() not in path.read_bytes()
            assert PROMPT.encode() not in path.read_bytes()
        return folder

    return find


def exchanges(folder: RunFolder) -> list[Exchange]:
    with folder.read() as log:
        assert list(log.of(Fault)) == []
        return list(log.of(Exchange))


def test_any_client_of_any_language_is_recorded(
    simulator: SimulatorThread, start: Start, recorded: Callable[[], RunFolder]
) -> None:
    """H-02: in its own process nothing of ours is there."""
    body = json.dumps(MESSAGE)
    with start("--upstream", simulator.base_url) as base_url:
        curl = ["curl", "-sS", "-i", f"{base_url}/v1/messages", "-d", body]
        for name, text in HEADERS.items():
            curl += ["-H", f"{name}: {text}"]
        done = subprocess.run(curl, capture_output=True, text=True, check=True)
        with anthropic.Anthropic(base_url=base_url, api_key=KEY) as client:
            client.messages.create(**MESSAGE)  # type: ignore[call-overload]
            with client.messages.stream(**MESSAGE) as stream:  # type: ignore[arg-type]
                stream.get_final_message()
    assert done.stdout.startswith("HTTP/1.1 200")
    folder = recorded()
    by_curl, created, streamed = exchanges(folder)
    assert by_curl.request_id is not None
    assert by_curl.request_id in done.stdout
    for seen in (by_curl, created, streamed):
        assert (seen.origin, seen.witness) == (Origin.SIMULATED, Witness.PROXY)
        assert (seen.end, seen.status, seen.model) == (End.COMPLETE, 200, "claude-haiku-5-5")
        assert seen.usage is not None
    assert (streamed.stream, len(streamed.gaps_s) > 0) == (True, True)
    assert folder.is_sealed()
    with folder.read() as log:
        assert [end.reason for end in log.of(SourceEnd)] == [EndReason.COMPLETED]


def test_a_folder_of_its_own_can_be_judged(
    simulator: SimulatorThread, start: Start, tmp_path: Path
) -> None:
    with start("--upstream", simulator.base_url) as base_url:
        httpx2.get(f"{base_url}/v1/models", headers=HEADERS)
    words = [sys.executable, "-m", "l9gate", "judge"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2  # unproven: no layer of tests was run
    assert "simulated: 1 exchanges (100% of all), 1 answered" in done.stdout


def test_a_client_that_goes_away_ends_the_request_to_the_api(
    start: Start, recorded: Callable[[], RunFolder]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        with start("--upstream", f"http://127.0.0.1:{listener.getsockname()[1]}") as base_url:
            host, port = base_url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as client:
                client.sendall(b"POST /v1/messages HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
                upstream, _ = listener.accept()
                upstream.settimeout(10)
                assert upstream.recv(65536).startswith(b"POST /v1/messages")
            with contextlib.suppress(ConnectionResetError):
                assert upstream.recv(65536) == b""
            upstream.close()
    assert [one.end for one in exchanges(recorded())] == [End.ABANDONED]


def test_a_slow_reader_holds_the_api_and_not_our_memory(start: Start) -> None:
    size_bytes = 64 << 20
    sent = threading.Event()

    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size_bytes)
            peer.sendall(bytes(size_bytes))
            sent.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with start("--upstream", f"http://127.0.0.1:{listener.getsockname()[1]}") as base_url:
            url = f"{base_url}/v1/files/f/content"
            with httpx2.stream("GET", url, headers=HEADERS, timeout=30) as response:
                assert not sent.wait(1.0)
                received = sum(len(chunk) for chunk in response.iter_raw())
        thread.join(10)
    assert received == size_bytes


def test_a_body_of_64_mb_passes_as_it_comes(
    start: Start, recorded: Callable[[], RunFolder]
) -> None:
    size_bytes = 64 << 20
    counted: list[int] = []

    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            data = b""
            while b"\r\n\r\n" not in data:
                data += peer.recv(65536)
            got = len(data.partition(b"\r\n\r\n")[2])
            while got < size_bytes:
                got += len(peer.recv(1 << 20))
            counted.append(got)
            peer.sendall(b"HTTP/1.1 200 OK\r\nrequest-id: r\r\ncontent-length: 2\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with start("--upstream", f"http://127.0.0.1:{listener.getsockname()[1]}") as base_url:
            url = f"{base_url}/v1/messages/batches"
            answer = httpx2.post(url, headers=HEADERS, content=bytes(size_bytes), timeout=60)
        thread.join(10)
    assert (answer.status_code, counted) == (200, [size_bytes])
    assert [one.request_bytes for one in exchanges(recorded())] == [size_bytes]


def test_an_api_that_cannot_be_reached_is_said_and_recorded(
    start: Start, recorded: Callable[[], RunFolder]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        start("--upstream", f"http://127.0.0.1:{port}") as base_url,
        anthropic.Anthropic(base_url=base_url, api_key=KEY, max_retries=1) as client,
        pytest.raises(anthropic.InternalServerError) as caught,
    ):
        client.messages.create(**MESSAGE)  # type: ignore[call-overload]
    assert caught.value.status_code == 502
    assert caught.value.body is not None
    first, second = exchanges(recorded())
    assert {first.end, second.end} == {End.UNREACHABLE}
    assert (first.call_id, first.attempt, second.attempt) == (second.call_id, 0, 1)
    assert first.origin is Origin.LIVE  # it was meant for the declared endpoint


@pytest.fixture
def certificate(tmp_path: Path, absent: Callable[[str], NoReturn]) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts, and its key in the same file."""
    path = tmp_path / "cert.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += ["-nodes", "-days", "1", "-subj", "/CN=l9gate", "-keyout", f"{path}", "-out", "-"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        done = subprocess.run(words, capture_output=True, check=True)
    except FileNotFoundError:
        absent("openssl")
    with path.open("ab") as file:
        file.write(done.stdout)
    return path


@pytest.mark.parametrize("is_trusted", [True, False])
def test_tls_to_the_api_is_verified(start: Start, certificate: Path, is_trusted: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            peer, _ = listener.accept()
            with context.wrap_socket(peer, server_side=True) as inside:
                inside.recv(65536)
                inside.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    variables = {"SSL_CERT_FILE": f"{certificate}"} if is_trusted else {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        upstream = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with start("--upstream", upstream, **variables) as base_url:
            answer = httpx2.get(f"{base_url}/v1/models", headers=HEADERS)
        thread.join(10)
    assert answer.status_code == (200 if is_trusted else 502)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--upstream", "ftp://x"), 78, "--upstream"),
        (("--upstream", "http://127.0.0.1:1", "--host", "0.0.0.0"), 78, "--allow-remote"),  # noqa: S104
        (("--upstream", "http://127.0.0.1:1", "--port", "no"), 64, "--port"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    tmp_path: Path, words: tuple[str, ...], status: int, says: str
) -> None:
    command = [sys.executable, "-m", "l9gate", "proxy", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert says in done.stderr
    assert done.stdout == ""


def test_a_port_that_is_taken_leaves_no_run_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = ["--upstream", "http://127.0.0.1:1", "--port", str(listener.getsockname()[1])]
        command = [sys.executable, "-m", "l9gate", "proxy", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (78, "")
    assert "choose another port" in done.stderr
    assert list((tmp_path / ".l9gate" / "runs").iterdir()) == []


def test_a_proxy_ends_with_the_one_who_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "l9gate", "proxy", "--upstream", "http://127.0.0.1:1"]
    with subprocess.Popen(
        [*command, "--stop-with-stdin"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        began_s = time.monotonic()
        process.stdin.close()
        assert process.wait(10) == 0
    assert time.monotonic() - began_s < 5
