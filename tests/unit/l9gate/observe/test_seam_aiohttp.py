"""E-03: sessions of aiohttp, played by a library of the same shape; system tests use the real."""

import asyncio
import gc
import json
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from types import ModuleType, SimpleNamespace

import httpx2
import pytest

from l9gate.errors import BudgetError, SeamError
from l9gate.observe.seam import Seam
from l9gate.observe.watch import HttpRequest, HttpResponse, Stop, Watch

URL = "https://api.example.com/v1/messages"
ASKED = {"model": "m"}


class Notes:
    def __init__(self) -> None:
        self.told: list[object] = []

    def begin(self, request: HttpRequest) -> Watch:
        self.told.append(f"{request.method} {request.url} {request.content.decode()}")
        return self

    def answered(self, response: HttpResponse) -> None:
        self.told.append((response.status_code, "network_stream" in response.extensions))

    def received(self, chunk: bytes) -> None:
        self.told.append(chunk)

    def ended(self, stop: Stop) -> None:
        self.told.append(stop)


class Content:
    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def at_eof(self) -> bool:
        return not self.pieces

    async def readany(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


class ClientResponse:
    def __init__(self) -> None:
        self.status = 200
        self.headers = {"content-encoding": "gzip"}
        self.content = Content(b"a", b"b")

    async def start(self, connection: SimpleNamespace) -> "ClientResponse":
        assert connection.transport is not None
        return self

    def close(self) -> None:
        self.content.pieces.clear()

    def release(self) -> None:
        self.close()


class Sending:
    def __init__(self, coroutine: Coroutine[object, object, ClientResponse]) -> None:
        self.coroutine = coroutine

    def __await__(self) -> Generator[object, object, ClientResponse]:
        return self.coroutine.__await__()

    def send(self, value: None) -> object:
        return self.coroutine.send(value)

    def close(self) -> None:
        self.coroutine.close()


class ClientSession:
    def __init__(self, base_url: str | None = None) -> None:
        self._connector: object = self
        self._base_url = base_url
        self._default_headers = {"Host": "wrong.example.com", "x-a": "1"}
        self._auto_decompress = True
        self.json_serialize = json.dumps
        self.error: Exception | None = None
        self.sent: list[tuple[str, object]] = []

    headers = property(lambda self: self._default_headers)
    auto_decompress = property(lambda self: self._auto_decompress)

    def _build_url(self, url: str) -> str:
        return f"{self._base_url or ''}{url}"

    async def _request(self, method: str, url: str, **options: object) -> ClientResponse:
        if self._connector is None:
            raise RuntimeError(f"Session is closed: {method}")
        self.sent.append((self._build_url(url), options.get("headers")))
        if options.get("data") == "unreachable":
            raise TimeoutError
        response = ClientResponse()
        await response.start(SimpleNamespace(transport=asyncio.get_running_loop()))
        if self.error is not None:
            response.status = 401
            raise self.error
        return response

    def request(self, method: str, url: str, **options: object) -> Sending:
        return Sending(self._request(method, url, **options))

    def get(self, url: str, **options: object) -> Sending:
        return Sending(self._request("get", url, **options))

    def post(self, url: str, **options: object) -> Sending:
        return Sending(self._request("post", url, **options))

    options = head = put = patch = delete = get


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("aiohttp")
    vars(made).update(ClientSession=ClientSession, ClientResponse=ClientResponse)
    monkeypatch.setitem(sys.modules, "aiohttp", made)
    return made


@pytest.fixture
def seam(library: ModuleType, notes: Notes) -> Iterator[Seam]:
    made = Seam()
    made.install(notes)
    yield made
    made.remove(notes)


@pytest.fixture
def notes() -> Notes:
    return Notes()


BEGUN = [f'POST {URL} {{"model": "m"}}', (200, True)]


def ask(session: ClientSession, url: str = URL, **options: object) -> list[bytes]:
    async def read() -> list[bytes]:
        response = await session.post(url, json=ASKED, **options)
        assert isinstance(response.content, Content)  # for whom it passes
        pieces: AsyncIterator[bytes] = getattr(response.content, "iter_any")()  # noqa: B009
        found = [piece async for piece in pieces]
        response.release()
        return found

    return asyncio.run(read())


@pytest.mark.usefixtures("seam")
def test_a_call_is_told_from_begin_to_end(notes: Notes) -> None:
    assert ask(ClientSession()) == [b"a", b"b"]
    assert notes.told == [*BEGUN, b"a", b"b", Stop.READ]


@pytest.mark.usefixtures("seam")
@pytest.mark.parametrize("end", [ClientResponse.close, ClientResponse.release])
def test_a_response_that_is_given_up_was_left(
    notes: Notes, end: Callable[[ClientResponse], None]
) -> None:
    async def leave() -> None:
        response = await ClientSession().post(URL, json=ASKED)
        getattr(response, end.__name__)()

    asyncio.run(leave())
    assert notes.told == [*BEGUN, Stop.CLOSED]


@pytest.mark.usefixtures("seam")
def test_an_answer_that_becomes_an_exception_is_told(notes: Notes) -> None:
    session = ClientSession()
    session.error = ValueError("401")
    with pytest.raises(ValueError, match="401"):
        ask(session)
    assert notes.told[1:] == [(401, True), Stop.FAILED]


@pytest.mark.usefixtures("seam")
def test_no_answer_is_told(notes: Notes) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(ClientSession()._request("GET", URL, data="unreachable"))
    assert notes.told == [f"GET {URL} unreachable", Stop.TIMED_OUT]


def test_a_routed_request_goes_elsewhere_and_names_no_other_host(seam: Seam, notes: Notes) -> None:
    seam.set_route(lambda _: "http://127.0.0.1:8")
    session = ClientSession("https://api.example.com")
    session._base_url = None
    ask(session, headers=[("Host", "api.example.com"), ("x-b", "2")])
    assert session.sent == [("http://127.0.0.1:8/v1/messages", {"x-b": "2"})]
    assert notes.told[0] == 'POST http://127.0.0.1:8/v1/messages {"model": "m"}'


@pytest.mark.usefixtures("seam")
def test_what_a_mock_library_answers_in_place_of_the_method_is_seen(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(*_: object, **__: object) -> ClientResponse:
        return ClientResponse()

    monkeypatch.setattr(ClientSession, "_request", answer)
    assert ask(ClientSession()) == [b"a", b"b"]
    assert notes.told == [BEGUN[0], (200, False), b"a", b"b", Stop.READ]
    asyncio.run(ClientSession().request("PUT", URL).coroutine)
    assert notes.told[5] == f"PUT {URL} "


@pytest.mark.usefixtures("seam")
def test_a_call_that_is_refused_reaches_no_mock_library_either(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(*_: object, **__: object) -> ClientResponse:
        raise AssertionError

    def refuse(request: HttpRequest) -> Watch:
        raise BudgetError(f"spent: {request.url}")

    monkeypatch.setattr(ClientSession, "_request", answer)
    monkeypatch.setattr(notes, "begin", refuse)
    with warnings.catch_warnings(record=True) as warned:
        with pytest.raises(BudgetError) as failure:
            ask(ClientSession())
        del failure  # and with it the frames that hold what was not awaited
        gc.collect(1)
    assert [str(warning.message) for warning in warned] == []


@pytest.mark.usefixtures("seam")
def test_a_client_over_this_one_is_one_exchange_and_learns_of_the_connection(notes: Notes) -> None:
    async def forward(request: httpx2.Request) -> httpx2.Response:
        await ClientSession().post(str(request.url), data=request.content)
        return httpx2.Response(200)

    async def send() -> None:
        transport = httpx2.MockTransport(forward)
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            await client.post(URL, content=b"x")

    asyncio.run(send())
    assert notes.told == [f"POST {URL} x", (200, True), Stop.READ]


def test_a_library_without_the_method_is_refused_and_left_as_it_was(
    library: ModuleType, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: Mapping[str, object] = dict(vars(ClientSession))
    monkeypatch.delattr(ClientSession, "_request")
    with pytest.raises(SeamError, match=r"aiohttp .*no attribute '_request'"):
        Seam().install(notes)
    assert library.ClientSession.get is before["get"]
