"""Requests and responses of libraries that have other names for the same facts than httpx."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENCODING = "content-encoding"


class Url:
    """A URL, in parts as httpx gives them."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __str__(self) -> str:
        return self._url

    @property
    def scheme(self) -> str:
        """In lower case."""
        return self._parts.scheme

    @property
    def netloc(self) -> bytes:
        """The host[:port], without credentials and without a default port."""
        return join_host(self._parts).encode()

    @property
    def host(self) -> str:
        """The host alone."""
        return self._parts.hostname or ""

    @property
    def path(self) -> str:
        """The path, decoded, without the query."""
        return unquote(self._parts.path) or "/"

    def moved_to(self, base_url: str) -> "Url":
        """Return the same path and query at another scheme, host and port."""
        base = urlsplit(base_url)
        return Url(urlunsplit(self._parts._replace(scheme=base.scheme, netloc=base.netloc)))

    @cached_property
    def _parts(self) -> SplitResult:
        return urlsplit(self._url)


def join_host(parts: SplitResult) -> str:
    """Return host[:port] of a URL as clients write it: lower case, without a default port."""
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    has_default_port = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return host if has_default_port else f"{host}:{parts.port}"


@dataclass(slots=True)
class Request:
    """A request about to be sent."""

    method: str
    url: Url
    headers: Mapping[str, str]
    body: object = None  # bytes, text, None, or whatever else the library sends piece by piece

    @property
    def content(self) -> bytes:
        """Its body.

        Raises:
            RuntimeError: it is sent as a stream.
        """
        if self.body is None:
            return b""
        if isinstance(self.body, str):
            return self.body.encode()
        if isinstance(self.body, bytes | bytearray):
            return bytes(self.body)
        raise RuntimeError("the body is sent as a stream")


@dataclass(slots=True)
class Response:
    """A response whose body is still to be read."""

    status_code: int
    headers: Mapping[str, str]
    extensions: Mapping[str, object] = field(default_factory=dict)
    is_closed: bool = False

    @property
    def content(self) -> bytes:
        """Its body, which is not known yet.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("the body has not been read")


def decoded(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers of a body that the library decodes before anybody sees it."""
    if headers.get(_ENCODING) is None:
        return headers
    return {name.lower(): text for name, text in headers.items() if name.lower() != _ENCODING}
