"""How bytes pass, and what is recorded of them."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from l9gate.evidence.records import End, Layer, Origin, Witness
from l9gate.observe.attribution import Owner
from l9gate.proxy import relay
from l9gate.wire.faults import parse_fault

if TYPE_CHECKING:
    from tests.unit.l9gate.proxy.conftest import Stage

Play = Callable[[Callable[["Stage"], Awaitable[None]]], None]
BODY = b'{"model": "m", "stream": true}'
PATH = b"POST /v1/messages HTTP/1.1\r\nx-api-key: sk-planted\r\n"
ASK = PATH + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
ANSWER = b"HTTP/1.1 200 OK\r\nrequest-id: r1\r\ncontent-length: 2\r\n\r\n{}"
STREAM = b"HTTP/1.1 200 OK\r\nrequest-id: r1\r\ntransfer-encoding: chunked\r\n\r\n"


def test_an_exchange_passes_and_is_recorded_as_live(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        assert upstream.text.startswith(b"POST /base/v1/messages HTTP/1.1\r\nhost: api.example.com")
        assert b"x-api-key: sk-planted\r\n" in upstream.text
        assert upstream.text.endswith(BODY)
        upstream.protocol.data_received(ANSWER)
        assert client.text == ANSWER
        (seen,) = stage.exchanges
        assert (seen.origin, seen.witness, seen.end) == (Origin.LIVE, Witness.PROXY, End.COMPLETE)
        assert (seen.host, seen.path) == ("api.example.com", "/base/v1/messages")
        assert (seen.model, seen.stream, seen.request_id) == ("m", True, "r1")
        assert (seen.request_bytes, seen.response_bytes) == (len(BODY), 2)
        assert "sk-planted" not in repr(stage.log.records)

    play(scene)


def test_each_piece_of_a_stream_passes_at_once(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        upstream.protocol.data_received(STREAM)
        assert client.text.endswith(b"transfer-encoding: chunked\r\n\r\n")
        upstream.protocol.data_received(b"3\r\nabc\r\n2\r\nde\r\n")
        assert client.written[-1] == b"5\r\nabcde\r\n"
        upstream.protocol.data_received(b"0\r\n\r\n")
        assert client.written[-1] == b"0\r\n\r\n"
        assert client.is_open

    play(scene)


def test_a_connection_is_used_again_once_its_answer_is_whole(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        for _ in range(2):
            upstream = await stage.ask(client, ASK)
            upstream.protocol.data_received(ANSWER)
        assert len(stage.upstream) == 1
        assert len(upstream.written) == 2  # head and body of each went out in one piece
        upstream.lose()
        await stage.ask(client, ASK)
        assert len(stage.upstream) == 2

    play(scene)


def test_a_body_is_sent_on_as_it_comes(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, PATH + b"transfer-encoding: chunked\r\n\r\n")
        assert upstream.text.endswith(b"transfer-encoding: chunked\r\n\r\n")
        await stage.ask(client, b'5\r\n{"mod\r\n')
        assert upstream.written[-1] == b'5\r\n{"mod\r\n'
        await stage.ask(client, b'8\r\nel":"m"}\r\n0\r\n\r\n')
        assert upstream.written[-1] == b'8\r\nel":"m"}\r\n0\r\n\r\n'
        upstream.protocol.data_received(ANSWER)
        assert stage.exchanges[0].model == "m"

    play(scene)


def test_whoever_reads_slowly_holds_the_other_side(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        upstream.protocol.data_received(STREAM)
        client.protocol.pause_writing()
        assert upstream.events == ["pause"]
        client.protocol.resume_writing()
        assert upstream.events == ["pause", "resume"]
        upstream.protocol.pause_writing()
        assert client.events == ["pause"]
        upstream.protocol.resume_writing()
        assert client.events == ["pause", "resume"]

    play(scene)


def test_a_held_connection_is_released_before_it_is_used_again(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        upstream.protocol.data_received(STREAM)
        client.protocol.pause_writing()
        upstream.protocol.data_received(b"0\r\n\r\n")
        assert upstream.events == ["pause", "resume"]

    play(scene)


def test_no_more_than_a_bound_waits_for_a_connection(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_MAX_WAITING_BYTES", 4)

    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        client.protocol.data_received(PATH + b"content-length: 9\r\n\r\n12345")
        assert client.events == ["pause"]
        await stage.settle()
        assert client.events == ["pause", "resume"]
        assert stage.upstream[0].text.endswith(b"\r\n\r\n12345")

    play(scene)


def test_an_unreachable_api_is_a_502_in_its_envelope(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        stage.refusal = ConnectionRefusedError(111, "refused")
        client.protocol.data_received(ASK)
        await stage.settle()
        head, _, body = client.text.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 502 ")
        fault = parse_fault(body)
        assert fault is not None
        assert fault.type == "api_error"
        assert client.is_open
        (seen,) = stage.exchanges
        assert (seen.end, seen.status, seen.origin) == (End.UNREACHABLE, None, Origin.LIVE)

    play(scene)


def test_a_connection_that_breaks_before_the_answer_is_a_502_too(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        upstream.lose(ConnectionResetError())
        assert client.text.startswith(b"HTTP/1.1 502 ")
        assert [one.end for one in stage.exchanges] == [End.UNREACHABLE]

    play(scene)


def test_what_is_no_http_is_a_502(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        upstream.protocol.data_received(b"SSH-2.0-x\r\n")
        assert client.text.startswith(b"HTTP/1.1 502 ")
        assert upstream.events == ["abort"]

    play(scene)


def test_a_cut_stream_is_cut_for_the_client_too(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        upstream.protocol.data_received(STREAM + b"3\r\nabc\r\n")
        upstream.lose()
        assert client.text.endswith(b"3\r\nabc\r\n")
        assert client.events == ["close"]
        assert [one.end for one in stage.exchanges] == [End.CUT]

    play(scene)


def test_a_body_without_a_length_ends_with_its_connection(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        upstream.protocol.data_received(b"HTTP/1.1 200 OK\r\n\r\n{}")
        upstream.lose()
        assert client.text.endswith(b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        assert [one.end for one in stage.exchanges] == [End.COMPLETE]

    play(scene)


def test_a_client_that_goes_away_cancels_the_request(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        upstream = await stage.ask(client, ASK)
        upstream.protocol.data_received(STREAM)
        client.lose()
        assert upstream.events == ["abort"]
        assert [one.end for one in stage.exchanges] == [End.ABANDONED]
        early = stage.connect()
        early.protocol.data_received(ASK)
        early.lose()
        await stage.settle()
        assert len(stage.upstream) == 1
        assert [one.end for one in stage.exchanges] == [End.ABANDONED] * 2

    play(scene)


def test_a_request_that_the_seam_marked_passes_unrecorded_and_unmarked(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        marked = ASK.replace(b"x-api-key", b"x-l9gate-exchange: e1\r\nx-api-key")
        upstream = await stage.ask(client, marked)
        assert b"x-l9gate-exchange" not in upstream.text
        upstream.protocol.data_received(ANSWER)
        assert client.text == ANSWER
        assert stage.exchanges == []

    play(scene)


def test_retries_of_one_call_are_its_attempts(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        overloaded = b"HTTP/1.1 529 Overloaded\r\ncontent-length: 0\r\n\r\n"
        for count in (0, 1, 1):
            retried = ASK.replace(b"x-api-key", b"x-stainless-retry-count: %d\r\nx-api-key" % count)
            upstream = await stage.ask(stage.connect(), retried)
            upstream.protocol.data_received(overloaded)
        first, second, stray = stage.exchanges
        assert (first.call_id, first.attempt) == (second.call_id, 0)
        assert (second.attempt, stray.attempt) == (1, 1)
        assert stray.call_id != first.call_id

    play(scene)


def test_what_only_the_proxy_sees_belongs_to_the_test_of_its_label(play: Play) -> None:
    async def scene(stage: "Stage") -> None:
        stage.owners["gw1"] = Owner("test_a", Layer.INTEGRATION)
        labelled = ASK.replace(b"/v1/", b"/.l9gate/gw1/v1/")
        for request in (labelled, ASK):
            upstream = await stage.ask(stage.connect(), request)
            upstream.protocol.data_received(ANSWER)
        assert b"/base/v1/messages" in upstream.text
        labelled_one, other = stage.exchanges
        assert (labelled_one.owner, labelled_one.layer) == ("test_a", Layer.INTEGRATION)
        assert other.owner != "test_a"

    play(scene)
