"""Rendering of responses."""

from collections.abc import AsyncGenerator

from l9gate.net.http import Cut, HttpResponse, is_chunked, render_chunk, render_head


async def _pieces() -> AsyncGenerator[bytes | Cut, None]:
    yield b"x"


def test_a_whole_body_has_its_length() -> None:
    response = HttpResponse(status=200, headers={"a": "b"}, body=b"xyz")
    assert render_head(response, keep_alive=True) == (
        b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 3\r\n\r\n"
    )


def test_a_status_that_http_does_not_know_is_sent() -> None:
    head = render_head(HttpResponse(status=529, headers={}, body=b""), keep_alive=False)
    assert head.startswith(b"HTTP/1.1 529 Status 529\r\n")
    assert head.endswith(b"connection: close\r\n\r\n")


def test_a_generated_body_is_chunked() -> None:
    response = HttpResponse(status=200, headers={}, body=_pieces())
    assert is_chunked(response)
    assert b"transfer-encoding: chunked" in render_head(response, keep_alive=True)


def test_a_generated_body_of_known_length_is_not_chunked() -> None:
    response = HttpResponse(status=200, headers={"content-length": "1"}, body=_pieces())
    assert not is_chunked(response)
    assert b"chunked" not in render_head(response, keep_alive=True)


def test_a_chunk_says_its_size_in_hexadecimal() -> None:
    assert render_chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


def test_no_data_does_not_end_a_body() -> None:
    assert render_chunk(b"") == b""
