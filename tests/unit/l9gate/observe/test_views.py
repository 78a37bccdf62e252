import pytest

from l9gate.observe.views import Request, Response, Url, decoded


@pytest.mark.parametrize(
    ("url", "netloc", "host"),
    [
        ("https://user:key@API.example.com:443/v1?x=1", b"api.example.com", "api.example.com"),
        ("http://api.example.com:8080/v1", b"api.example.com:8080", "api.example.com"),
        ("https://[::1]:8443/v1", b"[::1]:8443", "::1"),
    ],
)
def test_a_url_is_seen_without_credentials_and_default_port(
    url: str, netloc: bytes, host: str
) -> None:
    seen = Url(url)
    assert (seen.netloc, seen.host, seen.path) == (netloc, host, "/v1")


def test_a_path_is_decoded_and_never_empty() -> None:
    assert Url("http://a/model/x%3A0/invoke?q").path == "/model/x:0/invoke"
    assert Url("http://a").path == "/"


def test_a_moved_url_keeps_path_and_query() -> None:
    moved = Url("https://api.example.com/v1/messages?beta=true").moved_to("http://127.0.0.1:8")
    assert str(moved) == "http://127.0.0.1:8/v1/messages?beta=true"
    assert moved.scheme == "http"


@pytest.mark.parametrize(
    ("body", "content"), [(None, b""), ("é", "é".encode()), (bytearray(b"x"), b"x")]
)
def test_a_body_at_hand_is_bytes(body: object, content: bytes) -> None:
    assert Request("POST", Url("http://a"), {}, body).content == content


def test_a_body_that_is_not_at_hand_is_no_empty_one() -> None:
    with pytest.raises(RuntimeError):
        _ = Request("POST", Url("http://a"), {}, iter([b""])).content
    with pytest.raises(RuntimeError):
        _ = Response(200, {}).content


def test_headers_of_a_decoded_body_name_no_encoding() -> None:
    plain = {"Request-Id": "r"}
    assert decoded(plain) is plain
    assert decoded({"content-encoding": "gzip", "Request-Id": "r"}) == {"request-id": "r"}
