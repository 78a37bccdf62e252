"""Answers as the client reads them, without a connection."""

import asyncio

import pytest

from l9gate.errors import AnswerTimeoutError, BodyCutError, MalformedBodyError, SettingsError
from l9gate.measure.clock import ManualClock
from l9gate.net.client import StreamedResponse, request

HEAD = b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\n"


def _read(*pieces: bytes, ends: bool = True, timeout_s: float = 5.0) -> tuple[int, bytes]:
    async def read() -> tuple[int, bytes]:
        reader = asyncio.StreamReader()
        for piece in pieces:
            reader.feed_data(piece)
        if ends:
            reader.feed_eof()
        response = StreamedResponse("http://x", None, reader, timeout_s)
        await response.read_head()
        chunks = [chunk async for chunk in response.chunks(ManualClock(7.0))]
        assert all(chunk.at_s == 7.0 for chunk in chunks)
        assert response.headers["a"] == "1, 2"
        return response.status, b"".join(chunk.data for chunk in chunks)

    return asyncio.run(read())


@pytest.mark.parametrize(
    "rest",
    [
        b"content-length: 5\r\n\r\nhello",
        b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"\r\nhello",  # ended by the end of the connection
    ],
)
def test_a_body_is_whole_however_it_is_framed(rest: bytes) -> None:
    assert _read(HEAD + rest) == (200, b"hello")


def test_interim_answers_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert _read(interim + HEAD + b"content-length: 2\r\n\r\nhi") == (200, b"hi")


@pytest.mark.parametrize(
    "rest",
    [b"content-length: 5\r\n\r\nhel", b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n", b""],
)
def test_an_answer_that_ends_early_is_cut(rest: bytes) -> None:
    with pytest.raises(BodyCutError, match="http://x closed the connection"):
        _read(HEAD + rest)


def test_what_is_no_http_is_malformed() -> None:
    with pytest.raises(MalformedBodyError, match="does not answer in HTTP"):
        _read(b"SSH-2.0-OpenSSH\r\n")


def test_silence_is_a_timeout() -> None:
    with pytest.raises(AnswerTimeoutError, match=r"within 0\.001 s"):
        _read(HEAD, ends=False, timeout_s=0.001)


@pytest.mark.parametrize("url", ["ftp://x/", "nonsense", "http://"])
def test_an_address_that_is_no_http_is_refused_without_a_connection(url: str) -> None:
    with pytest.raises(SettingsError, match="is no HTTP address"):
        asyncio.run(request("GET", url))
