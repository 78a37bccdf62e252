"""What of a head goes on, and what stays behind."""

import pytest

from l9gate.proxy.heads import (
    AnswerHead,
    Field,
    Framing,
    RequestHead,
    answer_framing,
    observed,
    render_answer,
    render_request,
)


def request(*fields: Field, method: bytes = b"POST", is_http10: bool = False) -> RequestHead:
    return RequestHead(
        method=method, target=b"/v1/messages?beta=true", fields=list(fields), is_http10=is_http10
    )


def answer(*fields: Field, status: int = 200) -> AnswerHead:
    return AnswerHead(status=status, reason=b"", fields=list(fields))


def test_a_request_goes_on_without_what_belongs_to_one_hop() -> None:
    head = request(
        (b"Host", b"127.0.0.1:1"),
        (b"X-Api-Key", b"sk-planted"),
        (b"Connection", b"keep-alive, X-Private"),
        (b"x-private", b"1"),
        (b"TE", b"trailers"),
        (b"Expect", b"100-continue"),
        (b"x-l9gate-exchange", b"id"),
        (b"x-l9gate-fault", b"status=529"),
        (b"Content-Length", b"2"),
    )
    assert render_request(head, b"api.example.com", b"/base") == (
        b"POST /base/v1/messages?beta=true HTTP/1.1\r\nhost: api.example.com\r\n"
        b"X-Api-Key: sk-planted\r\nx-l9gate-fault: status=529\r\nContent-Length: 2\r\n\r\n"
    )


def test_a_chunked_request_stays_chunked() -> None:
    head = request((b"Transfer-Encoding", b"chunked"))
    assert head.framing is Framing.CHUNKED
    assert render_request(head, b"a", b"").endswith(b"\r\ntransfer-encoding: chunked\r\n\r\n")
    assert request().framing is Framing.NONE


def test_repeated_headers_of_an_answer_stay_apart() -> None:
    head = answer((b"Set-Cookie", b"a"), (b"Set-Cookie", b"b"), (b"Keep-Alive", b"timeout=5"))
    assert render_answer(head, Framing.CHUNKED, keep_alive=False) == (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
        b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )
    assert render_answer(answer(status=599), Framing.NONE, keep_alive=True).startswith(
        b"HTTP/1.1 599 Unknown\r\n"
    )


@pytest.mark.parametrize(
    ("head", "sent", "framing"),
    [
        (answer((b"Content-Length", b"2")), request(), Framing.LENGTH),
        (answer((b"Content-Length", b"2")), request(method=b"HEAD"), Framing.NONE),
        (answer(status=204), request(), Framing.NONE),
        (answer(), request(), Framing.CHUNKED),
        (answer(), request(is_http10=True), Framing.CLOSE),
    ],
)
def test_the_end_of_an_answer_is_told_as_its_client_understands(
    head: AnswerHead, sent: RequestHead, framing: Framing
) -> None:
    assert answer_framing(head, sent) is framing


def test_observers_see_no_credentials() -> None:
    fields = [(b"X-Api-Key", b"k"), (b"Authorization", b"k"), (b"Cookie", b"k"), (b"A", b"1")]
    assert observed([*fields, (b"a", b"2")]) == {"a": "1"}
