"""E-03: sessions of requests, played by a library of the same shape; system tests use the real."""

import http.client
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from l9gate.errors import SeamError
from l9gate.observe.seam import Seam
from l9gate.observe.watch import HttpRequest, HttpResponse, Stop, Watch

URL = "https://api.example.com/v1/messages"


class Notes:
    def __init__(self) -> None:
        self.told: list[object] = []

    def begin(self, request: HttpRequest) -> Watch:
        self.told.append(f"{request.method} {request.url} {request.content!r}")
        return self

    def answered(self, response: HttpResponse) -> None:
        self.told.append((response.status_code, sorted(response.extensions)))

    def received(self, chunk: bytes) -> None:
        self.told.append(chunk)

    def ended(self, stop: Stop) -> None:
        self.told.append(stop)


class Head(http.client.HTTPResponse):
    """What http.client has read; its body is in `Raw`."""

    def __init__(self) -> None:
        self.fp = None  # type: ignore[assignment]


class Raw:
    """The body of an answer, as urllib3 gives it."""

    def __init__(self, *pieces: bytes, missing: int = 0) -> None:
        self.pieces = list(pieces)
        self.length_remaining = missing
        self.connection = SimpleNamespace(sock=None)
        self._original_response = Head()

    def read(self, amt: int | None = None) -> bytes:
        taken = self.pieces if amt is None else self.pieces[:1]
        self.pieces = self.pieces[len(taken) :]
        if b"broken" in taken:
            self.close()
            raise ConnectionResetError
        return b"".join(taken)

    def read1(self, amt: int | None = None) -> bytes:
        return self.pieces.pop(0) if self.pieces and amt != 0 else b""

    def read_chunked(self) -> Iterator[bytes]:
        while self.pieces:
            yield self.pieces.pop(0)

    def stream(self) -> Iterator[bytes]:
        return self.read_chunked()

    def close(self) -> None:
        self.pieces.clear()


class Session:
    """Hands a prepared request to its adapter, tells the hooks, and follows one redirect."""

    def __init__(self) -> None:
        self.raw: object = Raw(b"a", b"b")
        self.trust_env = True
        self.target = ""
        self.fails = False

    def __enter__(self) -> "Session":  # noqa: PYI034 - it is nobody's base
        return self

    def __exit__(self, *_: object) -> None: ...

    def mount(self, prefix: str, adapter: object) -> None:
        self.raw = None if prefix and adapter else self.raw

    def get(self, url: str) -> object:
        hooks: dict[str, list[object]] = {"response": []}
        prepared = SimpleNamespace(method="GET", url=url, headers={}, body=None, hooks=hooks)
        return self.send(prepared)

    def send(self, request: SimpleNamespace) -> SimpleNamespace:
        if self.fails:
            raise ConnectionRefusedError
        status = 308 if self.target else 200
        response = SimpleNamespace(status_code=status, headers={}, raw=self.raw, request=request)
        for hook in request.hooks["response"]:
            hook(response)
        if self.target:
            target, self.target = self.target, ""
            self.raw = Raw()
            return self.send(SimpleNamespace(**{**vars(request), "url": target}))
        return response


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    library = ModuleType("requests")
    vars(library).update(Session=Session, Response=SimpleNamespace)
    vars(library)["adapters"] = SimpleNamespace(BaseAdapter=object)
    monkeypatch.setitem(sys.modules, "requests", library)
    return Session()


@pytest.fixture
def notes(session: Session) -> Iterator[Notes]:
    made, seam = Notes(), Seam()
    seam.install(made)
    yield made
    seam.remove(made)


def raw_of(session: Session) -> Raw:
    raw: Raw = session.get(URL).raw  # type: ignore[attr-defined]
    return raw


ASKED = [f"GET {URL} b''", (200, ["network_stream"])]


def test_a_body_read_at_once_is_whole(session: Session, notes: Notes) -> None:
    assert raw_of(session).read() == b"ab"
    assert notes.told == [*ASKED, b"ab", Stop.READ]


def test_a_body_read_piece_by_piece_ends_with_the_empty_one(session: Session, notes: Notes) -> None:
    raw = raw_of(session)
    assert [raw.read(1), raw.read1(1), raw.read1(0), raw.read1(1)] == [b"a", b"b", b"", b""]
    assert notes.told == [*ASKED, b"a", b"b", Stop.READ]


def test_a_stream_is_told_once_for_each_chunk(session: Session, notes: Notes) -> None:
    assert list(raw_of(session).stream()) == [b"a", b"b"]
    assert notes.told == [*ASKED, b"a", b"b", Stop.READ]


def test_a_body_shorter_than_announced_was_cut(session: Session, notes: Notes) -> None:
    session.raw = Raw(b"a", missing=5)
    raw_of(session).read()
    assert notes.told[2:] == [b"a", Stop.BROKEN]


def test_a_response_that_is_closed_was_left(session: Session, notes: Notes) -> None:
    raw = raw_of(session)
    assert next(raw.read_chunked()) == b"a"
    raw.close()
    assert notes.told[2:] == [b"a", Stop.CLOSED]


def test_an_error_while_reading_is_no_doing_of_the_caller(session: Session, notes: Notes) -> None:
    session.raw = Raw(b"broken")
    with pytest.raises(ConnectionResetError):
        raw_of(session).read()
    assert notes.told[2:] == [Stop.BROKEN]


def test_no_answer_is_told(session: Session, notes: Notes) -> None:
    session.fails = True
    with pytest.raises(ConnectionRefusedError):
        session.get(URL)
    assert notes.told[1:] == [Stop.UNCONNECTED]


def test_each_request_of_a_redirect_is_seen_with_its_own_answer(
    session: Session, notes: Notes
) -> None:
    session.target = "https://other.example.com/"
    response = session.get(URL)
    told = [entry for entry in notes.told if isinstance(entry, str | tuple)]
    other = "GET https://other.example.com/ b''"
    assert told == [ASKED[0], (308, ["network_stream"]), other, (200, ["network_stream"])]
    assert response.request.hooks["response"] != []  # type: ignore[attr-defined]


def test_an_answer_without_a_connection_has_no_network(session: Session, notes: Notes) -> None:
    session.raw = SimpleNamespace(read=lambda: b"")
    session.get(URL)
    assert notes.told[1] == (200, [])


def test_a_routed_request_goes_elsewhere(session: Session) -> None:
    seam, notes = Seam(), Notes()
    seam.install(notes)
    seam.set_route(lambda _: "http://127.0.0.1:8")
    response = session.get(URL)
    seam.remove(notes)
    assert response.request.url == "http://127.0.0.1:8/v1/messages"  # type: ignore[attr-defined]
    assert notes.told[0] == "GET http://127.0.0.1:8/v1/messages b''"


def test_a_library_that_sends_in_another_way_is_refused(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "get", lambda *_: None)
    before = Session.send
    with pytest.raises(SeamError, match="0 of 1 requests were seen"):
        Seam().install(Notes())
    assert Session.send is before
