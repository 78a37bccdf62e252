"""Where requests go in a negative control, and whose calls they are."""

import socket
from collections.abc import Callable, Iterator

import httpx2
import pytest

from l9gate.observe import sockets
from l9gate.observe.decoy import Decoy, Tally
from l9gate.observe.seam import Seam
from l9gate.observe.watch import Stop

BASE_URL = "http://127.0.0.1:9"
Request = Callable[..., httpx2.Request]


@pytest.fixture
def request_to() -> Request:
    def build(url: str, **headers: str) -> httpx2.Request:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.Request("POST", url, headers=names)

    return build


@pytest.fixture
def decoy() -> Decoy:
    found = Decoy(BASE_URL, lambda: False)
    found.owner = "t"
    return found


@pytest.fixture
def refusing(decoy: Decoy, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, object], None]:
    kept: list[Callable[[str, object], None]] = []
    monkeypatch.setattr(sockets, "set_refusal", kept.append)
    decoy.watch_sockets()
    return kept[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com/v1/messages",
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/claude/invoke-with-response-stream",
        "https://us-east5-aiplatform.googleapis.com/v1/projects/p/models/m:rawPredict",
        "https://gateway.example/proxy/v1/messages",
    ],
)
def test_a_call_for_the_api_is_sent_to_the_decoy(
    decoy: Decoy, request_to: Request, url: str
) -> None:
    assert decoy.route(request_to(url)) == BASE_URL


def test_a_header_of_the_api_says_it_too(decoy: Decoy, request_to: Request) -> None:
    request = request_to("https://gateway.example/x", anthropic_version="2026-10-21")
    assert decoy.route(request) == BASE_URL


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://127.0.0.1:8000/v1/messages",
        "http://[::1]:8000/v1/messages",
        "http://localhost/v1/messages",
        "http://testserver/v1/messages",
        f"{BASE_URL}/v1/messages",
    ],
)
def test_all_else_goes_its_way(decoy: Decoy, request_to: Request, url: str) -> None:
    assert decoy.route(request_to(url)) is None


def test_a_cassette_is_asked_under_the_name_that_it_knows(request_to: Request) -> None:
    decoy = Decoy(BASE_URL, lambda: True)
    assert decoy.route(request_to(f"{BASE_URL}/v1/messages")) == "https://api.anthropic.com"
    assert decoy.route(request_to("https://api.anthropic.com/v1/messages")) is None


def test_a_call_that_fails_counts_once_whatever_is_retried(
    decoy: Decoy, request_to: Request
) -> None:
    assert not decoy.is_failing()
    for count in ("0", "1", "2"):
        call = decoy.begin(request_to(f"{BASE_URL}/v1/messages", x_stainless_retry_count=count))
        assert call is not None
        call.ended(Stop.UNCONNECTED)
    tally = decoy.tallies["t"]
    assert (tally.sent, list(tally.endings)) == (1, ["connection refused"])
    assert decoy.is_failing()
    decoy.owner = "another"
    assert not decoy.is_failing()


@pytest.fixture
def seam(decoy: Decoy) -> Iterator[Seam]:
    seam = Seam()
    seam.install(decoy)
    seam.set_route(decoy.route)
    yield seam
    seam.remove(decoy)


def test_what_a_transport_of_this_process_answers_is_no_call(seam: Seam, decoy: Decoy) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(401))
    with httpx2.Client(transport=transport, trust_env=False) as client:
        client.post("https://api.anthropic.com/v1/messages")
    assert (decoy.tallies["t"].sent, decoy.tallies["t"].mocked) == (0, 1)


def test_a_replayed_answer_is_told_from_a_mocked_one(request_to: Request) -> None:
    decoy = Decoy(BASE_URL, lambda: True)
    call = decoy.begin(request_to("https://api.anthropic.com/v1/messages"))
    assert call is not None
    call.answered(httpx2.Response(200))
    call.ended(Stop.READ)
    assert (decoy.tallies[None].replayed, decoy.tallies[None].sent) == (1, 0)


def test_connections_to_the_decoy_count_where_no_client_is_observed(
    decoy: Decoy, refusing: Callable[[str, object], None]
) -> None:
    refusing("socket.connect", ("127.0.0.1", 9))
    refusing("socket.connect", ("127.0.0.1", 5432))
    assert decoy.tallies["t"].sent == 1


def test_nothing_leaves_this_machine_and_a_call_by_name_counts(
    decoy: Decoy, refusing: Callable[[str, object], None]
) -> None:
    with pytest.raises(socket.gaierror):
        refusing("socket.getaddrinfo", "api.anthropic.com")
    with pytest.raises(socket.gaierror):
        refusing("socket.getaddrinfo", "example.com")
    with pytest.raises(ConnectionRefusedError):
        refusing("socket.connect", ("192.0.2.1", 443))
    tally = decoy.tallies["t"]
    assert tally.sent == 1
    assert list(tally.refused) == ["api.anthropic.com", "example.com", "192.0.2.1:443"]


def test_tallies_of_a_test_and_its_fixtures_add_up() -> None:
    one, other = Tally(calls=1, endings={"a": None}), Tally(calls=2, mocked=1, endings={"b": None})
    one.add(other)
    assert (one.sent, one.mocked, list(one.endings)) == (3, 1, ["a", "b"])
