"""Bodies by their bytes: sizes, encodings, framing, images: sections 2, 6.2, 9.1."""

import base64
import gzip
import json
import re
import socket
import struct
import zlib
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlsplit

import pytest

from l9gate.net.client import ClientResponse
from l9gate.wire.json import Json, JsonObject

Ask: TypeAlias = Callable[..., ClientResponse]
Refused: TypeAlias = Callable[[ClientResponse], tuple[int, str, str]]
BODY = (
    b'{"model":"claude-haiku-5-5","max_tokens":9,"messages":[{"role":"user","content":"hi \xf0\x9f"'
    b"}]}"
).replace(b"\xf0\x9f", "🦜".encode())
LIMIT = 32 * 1024 * 1024
HEAD = b"x-api-key: sk-wire-suite\r\nanthropic-version: 2026-10-21\r\n"


def code_of(answer: ClientResponse) -> Json:
    error: JsonObject = json.loads(answer.body)["error"]
    details = error.get("details")
    return details["error_code"] if isinstance(details, dict) else None


def spoken(server: str, *pieces: bytes) -> bytes:
    """Send bytes piece by piece, and return all that comes until the server closes."""
    place = urlsplit(server)
    with socket.create_connection((place.hostname or "", place.port or 0), 10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            peer.sendall(piece)
        found = b""
        while data := peer.recv(1 << 16):
            found += data
    return found


def framed(body: bytes, more: bytes = b"", path: bytes = b"/v1/messages") -> bytes:
    size = b"content-length: %d\r\n" % len(body)
    return b"POST %b HTTP/1.1\r\nhost: x\r\n%b%b%b\r\n%b" % (path, HEAD, more, size, body)


def padded(size: int) -> bytes:
    """A valid body of so many bytes."""
    head, tail = b'{"model":"claude-haiku-5-5","max_tokens":1,"messages":[],"x":"', b'"}'
    return head + b"a" * (size - len(head) - len(tail)) + tail


def test_a_body_of_32_mb_is_read_and_one_more_byte_is_not(ask: Ask, refusal_in: Refused) -> None:
    """2, V7."""
    assert refusal_in(ask(raw=padded(LIMIT)))[0] == 400  # it was parsed: `x` is unknown
    try:
        answer = ask(raw=padded(LIMIT + 1))
    except (BrokenPipeError, ConnectionResetError):
        pytest.fail("the refusal did not reach its client")
    assert refusal_in(answer)[:2] == (413, "request_too_large")


@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_a_body_may_be_compressed(ask: Ask, name: str) -> None:
    """2: which encodings the API takes is not known; ours takes the two that every client has."""
    raw = gzip.compress(BODY) if name == "gzip" else zlib.compress(BODY)
    assert ask(raw=raw, headers={"content-encoding": name}).status == 200


def test_identity_is_no_encoding(ask: Ask) -> None:
    assert ask(raw=BODY, headers={"content-encoding": "identity"}).status == 200


@pytest.mark.parametrize("raw", [b"no gzip", gzip.compress(BODY)[:-9]], ids=["other", "cut"])
def test_a_body_that_does_not_decode_has_its_code(
    ask: Ask, refusal_in: Refused, raw: bytes
) -> None:
    """2."""
    answer = ask(raw=raw, headers={"content-encoding": "gzip"})
    assert refusal_in(answer)[:2] == (400, "invalid_request_error")
    assert code_of(answer) == "request_body_encoding_invalid"


def test_the_limit_holds_again_after_decoding(ask: Ask, refusal_in: Refused) -> None:
    """2."""
    raw = gzip.compress(padded(LIMIT + 1), compresslevel=1)
    answer = ask(raw=raw, headers={"content-encoding": "gzip"})
    assert refusal_in(answer)[:2] == (413, "request_too_large")
    assert code_of(answer) == "request_body_too_large_after_decoding"


def test_a_request_may_come_one_byte_at_a_time(server: str) -> None:
    """9.1: cut anywhere, also inside a character."""
    request = framed(BODY, b"connection: close\r\n")
    answer = spoken(server, *(request[at : at + 1] for at in range(len(request))))
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_request_may_come_in_chunks(server: str) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    head += HEAD + b"transfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (BODY[:7], BODY[7:])]
    assert spoken(server, head, *chunks, b"0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_connection_serves_many_requests_in_their_order(server: str) -> None:
    streamed = framed(BODY[:-1] + b',"stream":true}')
    last = framed(b"{", b"connection: close\r\n")
    answer = spoken(server, framed(BODY) + streamed + framed(BODY, path=b"/v1/no") + last)
    assert re.findall(rb"HTTP/1\.1 (\d{3}) ", answer) == [b"200", b"200", b"404", b"400"]
    assert answer.count(b"event: message_stop") == 1


def test_who_waits_to_be_told_to_go_on_is_told(server: str) -> None:
    request = framed(BODY, b"expect: 100-continue\r\nconnection: close\r\n")
    head, _, body = request.partition(b"\r\n\r\n")
    answer = spoken(server, head + b"\r\n\r\n", body)
    assert b"HTTP/1.1 200 OK" in answer


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\x00\r\n\r\n", b"hello\r\n\r\n", b"GET\r\n\r\n"],
    ids=["tls", "words", "method"],
)
def test_what_is_no_http_is_refused_and_harms_nobody(server: str, ask: Ask, data: bytes) -> None:
    """7.1: the envelope, even here."""
    answer = spoken(server, data)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"type":"error"' in answer
    assert ask().status == 200


def image(data: bytes, media_type: str = "image/png") -> JsonObject:
    source: JsonObject = {
        "type": "base64",
        "media_type": media_type,
        "data": base64.b64encode(data).decode(),
    }
    return {"type": "image", "source": source}


def png(width: int, height: int) -> bytes:
    """The start of an image: all that is needed to know its sides."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(
        ">I4sIIBBBBBI", 13, b"IHDR", width, height, *[8] * 5, 0
    )


def shown(*images: Json) -> JsonObject:
    return {"messages": [{"role": "user", "content": list(images)}]}


IMAGES: dict[str, tuple[JsonObject, int]] = {
    "small": (shown(image(png(10, 10))), 200),
    "8000 wide": (shown(image(png(8000, 10))), 200),
    "100 of them": ({**shown(*[image(png(9, 9))] * 100), "model": "claude-haiku-4-5"}, 200),
    "101 for 200k of context": (
        {**shown(*[image(png(9, 9))] * 101), "model": "claude-haiku-4-5"},
        400,
    ),
    "101 for 1M of context": (shown(*[image(png(9, 9))] * 101), 200),
    "of unknown type": (shown(image(b"x", "image/tiff")), 400),
    "more than 10 MB": (shown(image(png(9, 9) + b"x" * (8 * 1024 * 1024))), 400),
}


@pytest.mark.parametrize(("changes", "status"), IMAGES.values(), ids=IMAGES)
def test_images_have_limits(ask: Ask, changes: JsonObject, status: int) -> None:
    """6.2."""
    answer = ask(changes)
    assert answer.status == status, answer.body[:300]


def test_images_too_wide_are_named_by_their_paths(ask: Ask, refusal_in: Refused) -> None:
    """6.2."""
    answer = ask(shown(image(png(9, 9)), image(png(8001, 9)), image(png(9, 9000))))
    assert refusal_in(answer)[:2] == (400, "invalid_request_error")
    assert json.loads(answer.body)["error"]["details"] == {
        "error_code": "image_dimensions_too_large",
        "max_side_length_pixels": 8000,
        "paths": ["messages.0.content.1", "messages.0.content.2"],
    }


@pytest.mark.parametrize(
    ("betas", "status"),
    [
        ((b"pdfs-2024-09-25", b"context-1m-2025-08-07"), b"200"),
        ((b"pdfs-2024-09-25", b"no-such-beta"), b"400"),
        ((b"no-such-beta", b"pdfs-2024-09-25"), b"400"),
    ],
    ids=["known", "second unknown", "first unknown"],
)
def test_a_header_of_betas_may_come_twice(
    server: str, betas: tuple[bytes, bytes], status: bytes
) -> None:
    """3, 5."""
    more = b"".join(b"anthropic-beta: %b\r\n" % beta for beta in betas)
    answer = spoken(server, framed(BODY, more + b"connection: close\r\n"))
    assert answer.startswith(b"HTTP/1.1 %b " % status)


@pytest.mark.parametrize("name", ["X-Api-Key", "x-api-key", "X-API-KEY"])
def test_the_case_of_a_header_does_not_matter(server: str, name: str) -> None:
    """3: SDKs before 2.0 wrote `X-Api-Key`."""
    head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head += b"%b: sk-good-key\r\nAnthropic-Version: 2026-10-21\r\n" % name.encode()
    answer = spoken(server, head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
    assert answer.startswith(b"HTTP/1.1 200 ")
