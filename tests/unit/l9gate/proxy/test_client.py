"""What the proxy does with clients of every manner."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from l9gate.evidence.records import End

if TYPE_CHECKING:
    from tests.unit.l9gate.proxy.conftest import Stage

Play = Callable[[Callable[["Stage"], Awaitable[None]]], None]
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def get(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def test_pipelined_requests_are_carried_one_after_another(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, get("/v1/models/a") + get("/v1/models/b"))
        assert b"/a " in upstream.text
        assert b"/b " not in upstream.text
        assert client.events == ["pause"]
        upstream.protocol.data_received(ANSWER)
        assert b"/b " in upstream.text
        assert client.events == ["pause", "resume"]
        upstream.protocol.data_received(ANSWER)
        assert client.text == ANSWER * 2

    play(scene)


def test_an_answer_may_come_before_the_request_is_whole(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        head = b"POST /v1/messages HTTP/1.1\r\ncontent-length: 4\r\n\r\n12"
        upstream = await stage.ask(client, head)
        upstream.protocol.data_received(b"HTTP/1.1 413 No\r\ncontent-length: 0\r\n\r\n")
        assert upstream.events == ["abort"]
        second = await stage.ask(client, b"34" + get("/v1/models"))
        assert second is not upstream
        assert b"34" not in second.text
        second.protocol.data_received(ANSWER)
        assert client.text.endswith(ANSWER)

    play(scene)


def test_a_client_that_waits_for_leave_to_send_gets_it(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        lines = b"POST /v1/messages HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        upstream = await stage.ask(client, lines)
        assert client.text == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert b"expect" not in upstream.text

    play(scene)


def test_interim_answers_are_passed_over(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, get("/v1/models"))
        upstream.protocol.data_received(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + ANSWER)
        assert client.text == ANSWER

    play(scene)


def test_the_answer_to_head_has_no_body(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, get("/v1/models").replace(b"GET", b"HEAD"))
        upstream.protocol.data_received(ANSWER[:-2])
        assert client.text == ANSWER[:-2]
        assert upstream.events == ["abort"]
        assert [one.end for one in stage.exchanges] == [End.COMPLETE]

    play(scene)


@pytest.mark.parametrize("version", [b"HTTP/1.0\r\n\r\n", b"HTTP/1.1\r\nconnection: close\r\n\r\n"])
def test_a_client_that_wants_no_second_request_is_closed(play: Play, version: bytes) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, b"GET /v1/models " + version)
        upstream.protocol.data_received(ANSWER)
        assert client.text == ANSWER.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        assert client.events == ["close"]

    play(scene)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET http://elsewhere.example/ HTTP/1.1\r\n\r\n", 400),
        (get("/v1/models", f"a: {'x' * 70_000}"), 431),
    ],
)
def test_what_is_no_request_of_this_api_goes_nowhere(play: Play, data: bytes, status: int) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        client.protocol.data_received(data)
        await stage.settle()
        assert client.text.startswith(b"HTTP/1.1 %d " % status)
        assert client.events == ["close"]
        assert stage.upstream == []

    play(scene)


def test_stopping_lets_an_exchange_end_and_takes_no_other(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        idle, busy = stage.connect(), stage.connect()
        upstream = await stage.ask(busy, get("/v1/models"))
        for client in (idle, busy):
            client.protocol.close_when_idle()  # type: ignore[attr-defined]
        assert (idle.events, busy.events) == (["close"], [])
        upstream.protocol.data_received(ANSWER)
        assert busy.text == ANSWER
        assert busy.events == ["close"]

    play(scene)


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_offer_of_another_protocol_is_passed_over(play: Play, body: bytes) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        lines = (
            b"POST /v1/messages HTTP/1.1\r\nconnection: Upgrade, HTTP2-Settings\r\n"
            b"upgrade: h2c\r\nhttp2-settings: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        upstream = await stage.ask(client, lines)
        assert b"upgrade" not in upstream.text
        assert b"http2-settings" not in upstream.text
        assert upstream.text.endswith(b"\r\n\r\n" + body)
        upstream.protocol.data_received(ANSWER)
        assert client.text == ANSWER
        await stage.ask(client, get("/v1/models"))
        assert b"GET /base/v1/models" in upstream.text

    play(scene)
