"""Where a load goes: address, TLS, a proxy in between; and how a connection to it is made."""

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from l9gate.errors import SettingsError

_PORTS = {"http": 80, "https": 443}
_MAX_HEAD_BYTES = 16 * 1024
_KNOWN_FOR_S = 10.0  # how long an address that was looked up is used

Factory: TypeAlias = Callable[[], asyncio.Protocol]


class ProxyRefusedError(OSError):
    """The proxy did not open a tunnel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One scheme, host and port, a path that all paths begin with, and a proxy before it."""

    is_secure: bool
    name: str  # of the host, without brackets
    port: int
    host: str  # host[:port] as the `host` header says it
    path: str = ""
    proxy: "Endpoint | None" = None
    credentials: str | None = None  # user:password, of a proxy
    tls: ssl.SSLContext | None = None

    @classmethod
    def parse(
        cls, base_url: str, *, proxy: str | None = None, tls: ssl.SSLContext | None = None
    ) -> "Endpoint":
        """Return the endpoint of a URL.

        Args:
            base_url: scheme, host and optional port and path.
            proxy: URL of an HTTP proxy; https goes through a tunnel (CONNECT). The environment's
                proxy variables are not read.
            tls: what to trust instead of the system's authorities.

        Raises:
            SettingsError: one of them is no HTTP address.
        """
        parts = _split(base_url)
        is_secure = parts.scheme == "https"
        name = parts.hostname or ""
        port = parts.port or _PORTS[parts.scheme]
        host = f"[{name}]" if ":" in name else name
        return cls(
            is_secure=is_secure,
            name=name,
            port=port,
            host=host if port == _PORTS[parts.scheme] else f"{host}:{port}",
            path=parts.path.rstrip("/"),
            proxy=None if proxy is None else _parse_proxy(proxy),
            tls=(tls or ssl.create_default_context()) if is_secure else None,
        )

    def render_start(self, method: str, path: str) -> str:
        """Return the request line and the headers that belong to the place; path as of the API."""
        target = self.path + path
        lines = [f"{method} {target} HTTP/1.1", f"host: {self.host}"]
        if self.proxy is not None and not self.is_secure:
            lines[0] = f"{method} http://{self.host}{target} HTTP/1.1"
            lines += self.proxy.authorization()
        return "\r\n".join(lines) + "\r\n"

    def authorization(self) -> list[str]:
        """Return the header line by which a proxy knows its users, if it has any."""
        if self.credentials is None:
            return []
        word = base64.b64encode(self.credentials.encode()).decode()
        return [f"proxy-authorization: Basic {word}"]


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        is_address = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        shown = f"{parts.scheme}://{parts.hostname or ''}"
        raise SettingsError(
            f"`{shown}` is no HTTP address",
            hint="a base URL looks like `https://api.anthropic.com`",
        )
    return parts


def _parse_proxy(url: str) -> Endpoint:
    parts = _split(url)
    if parts.scheme != "http":
        raise SettingsError(
            f"a proxy is spoken to in plain HTTP, `{parts.scheme}://{parts.hostname}` is not",
            hint="a proxy looks like `http://127.0.0.1:3128`",
        )
    login = None
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    name, port = parts.hostname or "", parts.port or 80
    return Endpoint(is_secure=False, name=name, port=port, host=f"{name}:{port}", credentials=login)


class Connector:
    """Makes connections to one endpoint; an address is looked up once for all of some seconds."""

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        self._endpoint = endpoint
        self._loop = loop
        self._first_hop = endpoint.proxy or endpoint
        self._literal = _literal_of(self._first_hop.name)
        self._lookup: asyncio.Task[list[str]] | None = None
        self._looked_up_s = 0.0

    async def connect(self, factory: Factory) -> None:
        """Make one connection, its handshakes included.

        Raises:
            OSError: the name is unknown, nobody listens, or TLS or the proxy refuses.
        """
        endpoint, failure = self._endpoint, OSError("no address")
        for address in await self._addresses():
            try:
                if endpoint.is_secure and endpoint.proxy is not None:
                    await self._connect_through(address, factory)
                else:
                    await self._loop.create_connection(
                        factory,
                        address,
                        self._first_hop.port,
                        ssl=endpoint.tls,
                        server_hostname=endpoint.name if endpoint.is_secure else None,
                    )
            except OSError as error:
                failure = error
            else:
                return
        raise failure

    async def _addresses(self) -> list[str]:
        if self._literal is not None:
            return [self._literal]
        name = self._first_hop.name
        now_s = self._loop.time()
        if self._lookup is None or now_s - self._looked_up_s > _KNOWN_FOR_S:
            self._looked_up_s = now_s
            self._lookup = self._loop.create_task(self._look_up(name))
        try:
            return await asyncio.shield(self._lookup)
        except OSError:
            self._lookup = None
            raise

    async def _look_up(self, name: str) -> list[str]:
        found = await self._loop.getaddrinfo(name, self._first_hop.port, type=1)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    async def _connect_through(self, address: str, factory: Factory) -> None:
        """Ask the proxy for a tunnel and speak TLS through it."""
        endpoint = self._endpoint
        consent = self._loop.create_future()
        plain, _ = await self._loop.create_connection(
            lambda: _Consent(consent), address, self._first_hop.port
        )
        try:
            name = f"[{endpoint.name}]" if ":" in endpoint.name else endpoint.name
            place = f"{name}:{endpoint.port}"
            lines = [f"CONNECT {place} HTTP/1.1", f"host: {place}"]
            lines += self._first_hop.authorization()
            plain.write("\r\n".join([*lines, "", ""]).encode())
            await consent
            protocol = factory()
            transport = await self._loop.start_tls(
                plain, protocol, _context(endpoint), server_hostname=endpoint.name
            )
        except BaseException:
            plain.abort()
            raise
        if transport is not None:
            protocol.connection_made(transport)


def _literal_of(name: str) -> str | None:
    try:
        return str(ip_address(name))
    except ValueError:
        return None


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    return endpoint.tls or ssl.create_default_context()


class _Consent(asyncio.Protocol):
    """Reads what a proxy answers to CONNECT."""

    def __init__(self, consent: "asyncio.Future[None]") -> None:
        self._consent = consent
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        self._head += data
        if self._consent.done() or (
            b"\r\n\r\n" not in self._head and len(self._head) < _MAX_HEAD_BYTES
        ):
            return
        status = b"".join(self._head.split(b"\r\n", 1)[0].split(b" ")[1:2])
        if status.startswith(b"2"):
            self._consent.set_result(None)
        else:
            said = status.decode("latin-1")
            self._consent.set_exception(ProxyRefusedError(f"the proxy opened no tunnel: {said}"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """Give up."""
        if not self._consent.done():
            self._consent.set_exception(ProxyRefusedError("the proxy gave no answer"))
