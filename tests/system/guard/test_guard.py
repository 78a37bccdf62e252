"""The network guard in real sessions: whatever a unit test tries, nothing leaves this machine."""

import re
from collections.abc import Callable

import pytest

Run = Callable[..., tuple[dict[str, str], str]]

IN_PROCESS = """
import asyncio, ctypes, http.client, smtplib, socket, ssl, struct, threading, urllib.request
from unittest import mock
import httpx2, pytest, uvloop
from app.fetching import fetch

def swallow(function, *arguments):
    try:
        function(*arguments)
    except Exception:
        pass

def test_swallowed(): assert fetch("api.invalid") == "fallback"
def test_ipv6(): fetch("2001:db8::1")
def test_urllib(): swallow(urllib.request.urlopen, "http://api.invalid/")
def test_http_client(): swallow(http.client.HTTPSConnection("api.invalid").request, "GET", "/")
def test_httpx2(): swallow(httpx2.get, "https://api.invalid/")
def test_smtp(): swallow(smtplib.SMTP, "192.0.2.1")
def test_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        swallow(sender.sendto, b"x", ("192.0.2.1", 9))
def test_message():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        swallow(sender.sendmsg, [b"x"], [], 0, ("192.0.2.1", 9))
@pytest.mark.parametrize("ask", [socket.gethostbyname, socket.gethostbyname_ex])
def test_name(ask): swallow(ask, "api.invalid")
def test_reverse(): swallow(socket.gethostbyaddr, "192.0.2.1")
def test_thread():
    thread = threading.Thread(target=fetch, args=("api.invalid",), name="worker")
    thread.start(); thread.join()

async def connect(loop): await asyncio.open_connection("api.invalid", 80)
async def connect_literal(loop): await asyncio.open_connection("192.0.2.1", 80)
async def resolve(loop): await loop.getaddrinfo("api.invalid", 80)
async def datagram(loop):
    await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("192.0.2.1", 9))
async def unbound(loop):
    options = {"family": socket.AF_INET}
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, **options)
    transport.sendto(b"x", ("192.0.2.1", 9))
async def socket_connect(loop):
    with socket.socket() as made:
        made.setblocking(False)
        await loop.sock_connect(made, ("192.0.2.1", 80))
async def request(loop):
    async with httpx2.AsyncClient() as client:
        await client.get("http://api.invalid/")

@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(
    "use", [connect, connect_literal, resolve, datagram, unbound, socket_connect, request]
)
def test_loop(loop, use):
    made = loop()
    swallow(made.run_until_complete, use(made))
    made.close()
"""
ALLOWED = """
import asyncio, http.server, os, socket, subprocess, sys, threading, urllib.request
import httpx2, pytest, uvloop
from app.fetching import python

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *words): pass

@pytest.fixture(scope="module")
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown(); server.server_close(); thread.join()

READ = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"

def test_here(url): assert urllib.request.urlopen(url).read() == b"ok"
def test_client(url): assert httpx2.get(url).text == "ok"
def test_curl(url): assert subprocess.check_output(["curl", "-s", url]) == b"ok"
def test_system(url): assert os.system(f"curl -s {url} >/dev/null") == 0
@pytest.mark.parametrize("flags", [(), ("-I",), ("-S",), ("-E",)])
def test_python(url, flags):
    assert python(*flags, "-c", READ, url)[0] == "ok"
def test_pair():
    one, two = socket.socketpair()
    one.send(b"x"); assert two.recv(1) == b"x"
    one.close(); two.close()
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_loop(url, loop):
    async def get():
        async with httpx2.AsyncClient() as client:
            return (await client.get(url)).text
    async def datagram():
        running = asyncio.get_running_loop()
        options = {"local_addr": ("127.0.0.1", 0)}
        await running.create_datagram_endpoint(asyncio.DatagramProtocol, **options)
    made = loop()
    assert made.run_until_complete(get()) == "ok"
    made.run_until_complete(datagram())
    made.close()
def test_environment():
    found = python("-c", "import os, sys; print(sorted(os.environ), sys.path[0] == '')", env={})
    assert found[0].endswith("True")
"""


def test_no_client_no_loop_and_no_thread_of_a_unit_test_leaves_this_machine(run_unit: Run) -> None:
    """L1-02."""
    failures, out = run_unit(IN_PROCESS)
    assert len(failures) == 26
    assert "26 failed" in out
    assert "passed in" not in out
    for name, message in failures.items():
        assert f"unit test `tests/unit/test_it.py::{name}` reached for the network: " in message
        assert re.search(r"api\.invalid|192\.0\.2\.1|2001:db8::1|any host", message), message
    assert "api.invalid at app/fetching.py:6" in failures["test_swallowed"]
    assert "in thread `worker`" in failures["test_thread"]
    assert re.search(
        r"at tests/unit/test_it\.py:\d+", failures["test_loop[request-new_event_loop1]"]
    )


@pytest.mark.parametrize("end", ["", "raise RuntimeError('out of luck')"])
def test_a_file_that_reaches_for_the_network_when_imported_cannot_be_collected(
    run_unit: Run, end: str
) -> None:
    code = f"from app.fetching import fetch\nfetch('api.invalid')\n{end}\ndef test_a(): pass"
    failures, out = run_unit(code)
    assert failures == {}
    name = "`tests/unit/test_it.py (its import)`"
    assert f"unit test {name} reached for the network: api.invalid at app/fetching.py:6" in out
    assert "1 error" in out


def test_loopback_stays_open_to_everybody(run_unit: Run) -> None:
    failures, out = run_unit(ALLOWED)
    assert failures == {}, out
    assert "unguarded" not in out
