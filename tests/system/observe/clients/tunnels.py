"""Calls over TLS, and over TLS through a proxy that is asked to CONNECT; on uvloop as well.

The authority, the server and the proxy are made here, all on loopback.
"""

import asyncio
import select
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Callable, Coroutine
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
import trustme
import uvloop
from observed import World

AUTHORITY = trustme.CA()
Proxy = str | None


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002
        return

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("request-id", "req_1")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class Connecting(socketserver.StreamRequestHandler):
    """Understands CONNECT, and nothing else; what goes to `localhost` it sends there."""

    def handle(self) -> None:
        method, target, _ = self.rfile.readline().decode().split()
        assert method == "CONNECT", method
        while self.rfile.readline().strip():
            continue
        host, _, port = target.rpartition(":")
        assert host == "localhost", host
        upstream = socketserver.socket.create_connection(("127.0.0.1", int(port)))
        with upstream:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pairs = {self.connection: upstream, upstream: self.connection}
            while True:
                for ready in select.select(list(pairs), [], [], 10)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    pairs[ready].sendall(data)


def each_library(world: World, *, through: bool) -> list[str]:
    """Send with each library in turn; return what answered them."""
    port = urlsplit(world.base_url).port or 0
    server = ThreadingHTTPServer(("127.0.0.1", port), Answering)
    proxy = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connecting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = proxy.daemon_threads = True
    for made in (server, proxy):
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{proxy.server_address[1]}" if through else None
        return [str(send(world, url)) for send in SENDS]
    finally:
        for made in (server, proxy):
            made.shutdown()
            made.server_close()


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def by_httpx(world: World, proxy: Proxy) -> int:
    with httpx.Client(verify=trusting(), proxy=proxy) as client:
        return client.post(world.messages, json=world.body()).status_code


def by_requests(world: World, proxy: Proxy) -> int:
    with tempfile.NamedTemporaryFile() as file:
        AUTHORITY.cert_pem.write_to_path(file.name)
        options = {"verify": file.name, "proxies": {"https": proxy} if proxy else None}
        return requests.post(world.messages, json=world.body(), timeout=5, **options).status_code


async def async_httpx(world: World, proxy: Proxy) -> int:
    async with httpx.AsyncClient(verify=trusting(), proxy=proxy) as client:
        return (await client.post(world.messages, json=world.body())).status_code


async def async_aiohttp(world: World, proxy: Proxy) -> int:
    async with aiohttp.ClientSession() as session:
        options = {"ssl": trusting(), "proxy": proxy}
        async with session.post(world.messages, json=world.body(), **options) as response:
            await response.read()
            return response.status


def running(
    run: Callable[[Coroutine[object, object, int]], int],
    ask: Callable[[World, Proxy], Coroutine[object, object, int]],
) -> Callable[[World, Proxy], int]:
    return lambda world, proxy: run(ask(world, proxy))


SENDS: tuple[Callable[[World, Proxy], int], ...] = (
    by_httpx,
    by_requests,
    *(
        running(run, ask)
        for run in (asyncio.run, uvloop.run)
        for ask in (async_httpx, async_aiohttp)
    ),
)


def over_tls(world: World) -> list[str]:
    return each_library(world, through=False)


def through_a_proxy(world: World) -> list[str]:
    return each_library(world, through=True)


def through_a_proxy_on_uvloop(world: World) -> list[str]:
    """Nothing of this process has connected to anything before, as far as audit events tell."""
    global SENDS  # noqa: PLW0603 - one scenario of a process of its own
    SENDS = (running(uvloop.run, async_httpx),)
    return each_library(world, through=True)
