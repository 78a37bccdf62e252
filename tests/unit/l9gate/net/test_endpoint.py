import pytest

from l9gate.errors import SettingsError
from l9gate.net.endpoint import Endpoint


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://api.example.com", "api.example.com", 80, ""),
        ("https://API.example.com/", "api.example.com", 443, ""),
        ("https://api.example.com:8443/v2/", "api.example.com:8443", 8443, "/v2"),
        ("http://[::1]:80/a", "[::1]", 80, "/a"),
    ],
)
def test_an_address_has_a_host_a_port_and_a_path(url: str, host: str, port: int, path: str) -> None:
    endpoint = Endpoint.parse(url)
    assert (endpoint.host, endpoint.port, endpoint.path) == (host, port, path)


def test_a_request_begins_with_the_path_of_its_endpoint() -> None:
    start = Endpoint.parse("https://x.example/base").render_start("POST", "/v1/messages")
    assert start == "POST /base/v1/messages HTTP/1.1\r\nhost: x.example\r\n"


def test_a_proxy_is_told_the_whole_address_and_who_asks() -> None:
    endpoint = Endpoint.parse("http://x.example:81", proxy="http://me:p%40ss@10.0.0.1:3128")
    start = endpoint.render_start("GET", "/v1/models")
    assert start == (
        "GET http://x.example:81/v1/models HTTP/1.1\r\nhost: x.example:81\r\n"
        "proxy-authorization: Basic bWU6cEBzcw==\r\n"
    )


def test_a_tunnel_hides_the_proxy_from_the_request() -> None:
    endpoint = Endpoint.parse("https://x.example", proxy="http://me@10.0.0.1")
    assert endpoint.render_start("GET", "/").startswith("GET / HTTP/1.1\r\nhost: x.example\r\n")
    assert "proxy" not in endpoint.render_start("GET", "/")


@pytest.mark.parametrize("url", ["ftp://x", "http://", "nothing", "http://x:0", "http://x:99999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        Endpoint.parse(url)
    with pytest.raises(SettingsError):
        Endpoint.parse("http://x", proxy=url)


def test_a_refused_address_is_shown_without_its_credentials() -> None:
    with pytest.raises(SettingsError) as refused:
        Endpoint.parse("http://x", proxy="ftp://me:secret@x")
    assert "secret" not in str(refused.value)


def test_a_proxy_is_not_spoken_to_in_tls() -> None:
    with pytest.raises(SettingsError, match="plain HTTP"):
        Endpoint.parse("http://x", proxy="https://10.0.0.1")
