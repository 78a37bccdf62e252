"""A whole body is handed on; what goes wrong meanwhile is as if it had not come."""

import gzip

import httpx2
import pytest

from l9gate.observe import bodies
from l9gate.observe.bodies import listen
from l9gate.observe.watch import HttpResponse, Stop, Watch


class Noted:
    """A watch that writes down what it was told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def answered(self, response: HttpResponse) -> None:
        self.told.append(response.status_code)

    def received(self, chunk: bytes) -> None:
        self.told.append(len(chunk))

    def ended(self, stop: Stop) -> None:
        self.told.append(stop)


def response(status: int = 200, encoding: str | None = None) -> httpx2.Response:
    headers = {} if encoding is None else {"content-encoding": encoding}
    return httpx2.Response(status, headers=headers, stream=httpx2.ByteStream(b""))


@pytest.fixture
def heard() -> list[bytes]:
    return []


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def watch(noted: Noted, heard: list[bytes]) -> Watch:
    found = listen(noted, heard.append)
    assert found is not None
    return found


def test_a_whole_body_is_heard_decoded_and_the_watch_is_told_as_ever(
    watch: Watch, noted: Noted, heard: list[bytes]
) -> None:
    data = gzip.compress(b"whole")
    watch.answered(response(encoding="gzip"))
    watch.received(data[:9])
    watch.received(data[9:])
    watch.ended(Stop.READ)
    assert heard == [b"whole"]
    assert noted.told == [200, 9, len(data) - 9, Stop.READ]


@pytest.mark.parametrize(
    ("answer", "chunk", "stop"),
    [
        (response(404), b"x", Stop.READ),
        (httpx2.Response(200, content=b"mock"), b"x", Stop.READ),
        (response(encoding="unknown"), b"x", Stop.READ),
        (response(encoding="gzip"), b"no gzip", Stop.READ),
        (response(), b"x" * 9, Stop.READ),  # too large
        (response(), b"x", Stop.CLOSED),
    ],
)
def test_what_is_not_whole_is_not_heard(
    watch: Watch,
    heard: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    answer: httpx2.Response,
    chunk: bytes,
    stop: Stop,
) -> None:
    monkeypatch.setattr(bodies, "MAX_BYTES", 8)
    watch.answered(answer)
    watch.received(chunk)
    watch.ended(stop)
    assert heard == []


def test_a_listener_that_fails_harms_nobody(noted: Noted) -> None:
    def fail(body: bytes) -> None:
        raise ZeroDivisionError(body)

    watch = listen(noted, fail)
    assert watch is not None
    watch.answered(response())
    watch.ended(Stop.READ)
    assert noted.told == [200, Stop.READ]


def test_without_a_watch_or_a_listener_nothing_changes(noted: Noted, heard: list[bytes]) -> None:
    assert listen(None, heard.append) is None
    assert listen(noted, None) is noted
