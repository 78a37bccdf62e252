from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import pytest

from l9gate.evidence.records import Origin
from l9gate.observe import sockets
from l9gate.observe.origins import Origins, Target, host_of
from l9gate.observe.watch import HttpResponse

HOST = "api.example.com"
NOTHING: Mapping[str, object] = MappingProxyType({})
ADDRESS = ("192.0.2.7", 443)


class Stream:
    def get_extra_info(self, info: str) -> object:
        return ADDRESS if info == "server_addr" else None


class Response:
    def __init__(self, said: str | None = None, extensions: Mapping[str, object] = NOTHING) -> None:
        self.headers = {} if said is None else {"x-l9gate-origin": said}
        self.extensions = extensions


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets._Process, "connected", {ADDRESS})
    monkeypatch.setattr(sockets._Process, "resolved", set())


def of_answer(kind: Origin, host: str, said: str | None, *, over_socket: bool = True) -> Origin:
    response = Response(said, {"network_stream": Stream()} if over_socket else {})
    return Origins(Target(HOST, kind)).of_answer(host, cast("HttpResponse", response), said, [])


@pytest.mark.parametrize("said", [None, "simulated", "live"])
def test_without_a_socket_everything_is_mocked(said: str | None) -> None:
    assert of_answer(Origin.LIVE, HOST, said, over_socket=False) is Origin.MOCKED


@pytest.mark.parametrize(
    ("kind", "host", "said", "origin"),
    [
        (Origin.LIVE, HOST, None, Origin.LIVE),
        (Origin.LIVE, "other.example.com", None, Origin.OTHER),
        (Origin.LIVE, HOST, "simulated", Origin.SIMULATED),
        (Origin.LIVE, "127.0.0.1:1", " Replayed", Origin.REPLAYED),
        (Origin.LIVE, HOST, "live", Origin.OTHER),
        (Origin.SIMULATED, HOST, None, Origin.OTHER),
        (Origin.SIMULATED, HOST, "simulated", Origin.SIMULATED),
    ],
)
def test_a_socket_and_the_host_decide_and_a_header_only_lowers(
    kind: Origin, host: str, said: str | None, origin: Origin
) -> None:
    assert of_answer(kind, host, said) is origin


@pytest.mark.parametrize("kind", [Origin.LIVE, Origin.SIMULATED])
def test_silence_of_the_target_counts_towards_the_run(kind: Origin) -> None:
    origins = Origins(Target(HOST, kind))
    assert origins.of_silence(HOST, HOST, []) is Origin.MOCKED
    assert origins.of_silence(HOST, HOST, [ADDRESS]) is kind
    assert origins.of_silence("other:1", "other", [ADDRESS]) is Origin.OTHER
    sockets._Process.resolved.add(HOST)
    assert origins.of_silence(HOST, HOST, []) is kind


def test_silence_is_of_the_kind_of_the_last_answer_over_a_socket() -> None:
    origins = Origins(Target(HOST))
    mocked = cast("HttpResponse", Response())
    origins.of_answer(HOST, mocked, None, [])
    assert origins.of_silence(HOST, HOST, []) is Origin.MOCKED
    simulated = cast("HttpResponse", Response("simulated", {"network_stream": Stream()}))
    origins.of_answer(HOST, simulated, "simulated", [])
    assert origins.of_silence(HOST, HOST, []) is Origin.SIMULATED


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://API.example.com", "api.example.com"),
        ("https://api.example.com:443/x", "api.example.com"),
        ("http://api.example.com:443", "api.example.com:443"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("http://[::1]:80", "[::1]"),
        ("https://user:secret@api.example.com:8443", "api.example.com:8443"),
    ],
)
def test_a_host_is_written_as_clients_write_it(url: str, host: str) -> None:
    assert host_of(url) == host
