import asyncio
import importlib.metadata
import sys
from collections.abc import Iterator

import httpx2
import pytest

from l9gate.errors import BudgetError, SeamError
from l9gate.observe import seam_httpx
from l9gate.observe.seam import Seam
from l9gate.observe.seam_httpx import PRIVATE
from l9gate.observe.watch import HttpRequest, HttpResponse, Stop, Watch

URL = "https://api.example.com/v1/messages"


class Notes:
    """A handler that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.is_interested = True

    def begin(self, request: HttpRequest) -> Watch | None:
        self.told.append(str(request.url))
        return self if self.is_interested else None

    def answered(self, response: HttpResponse) -> None:
        self.told.append(response.status_code)

    def received(self, chunk: bytes) -> None:
        self.told.append(chunk)

    def ended(self, stop: Stop) -> None:
        self.told.append(stop)


def respond(request: httpx2.Request) -> httpx2.Response:
    if request.url.path == "/stream":
        return httpx2.Response(200, content=iter([b"a", b"b"]))
    if request.url.path == "/moved":
        return httpx2.Response(302, headers={"location": URL})
    if request.url.path == "/broken":
        raise httpx2.ConnectError("no")
    return httpx2.Response(200, content=b"whole")


def client() -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(respond), trust_env=False)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def seam(notes: Notes) -> Iterator[Seam]:
    made = Seam()
    made.install(notes)
    yield made
    made.remove(notes)


def test_a_client_made_before_is_seen(notes: Notes) -> None:
    early = client()
    seam = Seam()
    seam.install(notes)
    try:
        assert early.get(URL).content == b"whole"
    finally:
        seam.remove(notes)
    assert notes.told == [URL, 200, Stop.READ]
    early.get(URL)
    assert len(notes.told) == 3


def test_removing_the_last_handler_restores_the_library(notes: Notes) -> None:
    before = getattr(httpx2.Client, PRIVATE), getattr(httpx2.AsyncClient, PRIVATE)
    seam, other = Seam(), Notes()
    seam.install(notes)
    seam.install(other)
    seam.remove(notes)
    client().get(URL)
    assert (notes.told, len(other.told)) == ([], 3)
    seam.remove(other)
    assert (getattr(httpx2.Client, PRIVATE), getattr(httpx2.AsyncClient, PRIVATE)) == before


def test_what_somebody_patched_since_is_left_alone(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = getattr(httpx2.Client, PRIVATE)
    monkeypatch.setattr(httpx2.Client, PRIVATE, original)
    seam = Seam()
    seam.install(notes)
    ours = getattr(httpx2.Client, PRIVATE)

    def theirs(*arguments: object) -> object:
        return ours(*arguments)

    setattr(httpx2.Client, PRIVATE, theirs)
    seam.remove(notes)
    assert getattr(httpx2.Client, PRIVATE) is theirs
    assert client().get(URL).content == b"whole"
    assert notes.told == []


@pytest.mark.usefixtures("seam")
def test_a_stream_is_told_chunk_by_chunk(notes: Notes) -> None:
    with client().stream("GET", "https://api.example.com/stream") as response:
        assert list(response.iter_raw()) == [b"a", b"b"]
    assert notes.told[1:] == [200, b"a", b"b", Stop.READ]
    assert response.elapsed.total_seconds() >= 0


@pytest.mark.usefixtures("seam")
def test_a_stream_that_is_left_is_closed(notes: Notes) -> None:
    with client().stream("GET", "https://api.example.com/stream") as response:
        next(response.iter_raw())
    assert notes.told[1:] == [200, b"a", Stop.CLOSED]


@pytest.mark.usefixtures("seam")
def test_an_error_is_told_and_raised(notes: Notes) -> None:
    with pytest.raises(httpx2.ConnectError):
        client().get("https://api.example.com/broken")
    assert notes.told[1:] == [Stop.UNCONNECTED]


@pytest.mark.usefixtures("seam")
def test_each_request_of_a_redirect_is_seen(notes: Notes) -> None:
    client().get("https://api.example.com/moved", follow_redirects=True)
    assert [entry for entry in notes.told if isinstance(entry, int)] == [302, 200]


@pytest.mark.usefixtures("seam")
def test_the_asynchronous_client_is_seen(notes: Notes) -> None:
    async def ask() -> None:
        transport = httpx2.MockTransport(respond)
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as made:
            assert (await made.get(URL)).content == b"whole"
            with pytest.raises(httpx2.ConnectError):
                await made.get("https://api.example.com/broken")

    asyncio.run(ask())
    assert notes.told[:3] == [URL, 200, Stop.READ]
    assert notes.told[4:] == [Stop.UNCONNECTED]


def test_without_the_private_method_the_public_one_is_used(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seam_httpx, "PRIVATE", "_gone")
    seam = Seam()
    seam.install(notes)

    async def ask() -> None:
        transport = httpx2.MockTransport(respond)
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as made:
            assert (await made.get(URL)).content == b"whole"
            with pytest.raises(httpx2.ConnectError):
                await made.get("https://api.example.com/broken")

    try:
        assert client().get("https://api.example.com/stream").content == b"ab"
        assert notes.told[1:] == [200, b"a", b"b", Stop.READ]
        with client().stream("GET", "https://api.example.com/stream") as response:
            assert not response.is_stream_consumed
        asyncio.run(ask())
        assert notes.told[-2:] == ["https://api.example.com/broken", Stop.UNCONNECTED]
    finally:
        seam.remove(notes)


def test_a_library_that_cannot_be_observed_is_refused_and_left_as_it_was(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = httpx2.Client.send
    monkeypatch.setattr(seam_httpx, "PRIVATE", "_gone")
    monkeypatch.setattr(seam_httpx, "PUBLIC", "_gone_too")
    with pytest.raises(SeamError, match=r"observer self-test failed: httpx2 .*_gone_too"):
        Seam().install(notes)
    monkeypatch.setattr(seam_httpx, "PUBLIC", "close")  # it exists, and no request passes it
    monkeypatch.setattr(httpx2.AsyncClient, "close", httpx2.AsyncClient.aclose, raising=False)
    with pytest.raises(SeamError, match="0 of 2 requests were seen") as failure:
        Seam().install(notes)
    assert failure.value.hint is not None
    assert httpx2.Client.send is before


@pytest.mark.usefixtures("seam")
def test_a_handler_that_is_not_interested_costs_nothing_more(notes: Notes) -> None:
    notes.is_interested = False
    client().get(URL)
    assert notes.told == [URL]


def test_a_handler_may_refuse_and_those_before_it_are_told(notes: Notes, seam: Seam) -> None:
    class Budget(Notes):
        def begin(self, request: HttpRequest) -> Watch | None:
            raise BudgetError(f"spent: {request.url}")

    budget = Budget()
    seam.install(budget)
    with pytest.raises(BudgetError):
        client().get(URL)
    seam.remove(budget)
    assert notes.told == [URL, Stop.REFUSED]


@pytest.mark.usefixtures("seam")
def test_a_client_over_another_client_is_one_exchange(notes: Notes) -> None:
    inner = client()

    def forward(request: httpx2.Request) -> httpx2.Response:
        return inner.get(request.url)

    outer = httpx2.Client(transport=httpx2.MockTransport(forward), trust_env=False)
    outer.get(URL)
    assert notes.told == [URL, 200, Stop.READ]


@pytest.mark.usefixtures("seam")
def test_what_an_application_called_in_process_sends_is_seen_too(notes: Notes) -> None:
    def application(_: httpx2.Request) -> httpx2.Response:
        client().get(URL)
        return httpx2.Response(204)

    transport = httpx2.MockTransport(application)
    httpx2.Client(transport=transport, trust_env=False).get("http://testserver/search")
    assert [entry for entry in notes.told if isinstance(entry, str)] == [
        "http://testserver/search",
        URL,
    ]


def test_a_routed_request_goes_elsewhere_with_the_same_path_and_its_new_host(
    seam: Seam, notes: Notes
) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(204)

    async def ask() -> None:
        transport = httpx2.MockTransport(answer)
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as made:
            await made.get(URL + "?beta=true")

    seam.set_route(lambda request: "http://127.0.0.1:8" if "v1" in request.url.path else None)
    httpx2.Client(transport=httpx2.MockTransport(answer)).get(URL)
    asyncio.run(ask())
    httpx2.Client(transport=httpx2.MockTransport(answer)).get("https://example.com/")
    seam.set_route(None)
    httpx2.Client(transport=httpx2.MockTransport(answer)).get(URL)
    routed = "http://127.0.0.1:8/v1/messages"
    urls = [routed, f"{routed}?beta=true", "https://example.com/", URL]
    assert [str(request.url) for request in sent] == urls
    assert [entry for entry in notes.told if isinstance(entry, str)] == urls
    hosts = ["127.0.0.1:8", "127.0.0.1:8", "example.com", "api.example.com"]
    assert [request.headers["host"] for request in sent] == hosts


def test_all_installed_libraries_can_be_tested_at_once(seam: Seam, notes: Notes) -> None:
    names = seam.import_installed()
    assert "httpx2" in names
    assert notes.told == []  # a self-test is nobody's exchange


def test_a_request_of_a_version_that_is_refused_is_never_patched(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = getattr(httpx2.Client, PRIVATE)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "99")
    with pytest.raises(SeamError, match="anthropic 99 cannot be observed"):
        Seam().install(notes)
    assert getattr(httpx2.Client, PRIVATE) is before


@pytest.mark.parametrize("double", [None, object()])
def test_a_test_double_in_the_place_of_a_library_is_left_alone(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, double: object
) -> None:
    monkeypatch.setitem(sys.modules, "requests", double)
    seam = Seam()
    seam.install(notes)
    seam.remove(notes)
    assert sys.modules["requests"] is double


def test_a_library_whose_self_test_fails_for_another_reason_is_refused_too(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(httpx2, "MockTransport")
    with pytest.raises(SeamError, match=r"observer self-test failed: httpx2 .*MockTransport"):
        Seam().install(notes)
