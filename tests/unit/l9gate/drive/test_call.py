import json
from math import isnan

import pytest

from l9gate.drive.call import Call, Witness
from l9gate.drive.columns import Row
from l9gate.drive.workload import Job, minimal
from l9gate.evidence.load import Arm, CallEnd, CallMark
from l9gate.evidence.words import Origin
from l9gate.net.lane import Loss
from l9gate.wire.messages import Usage

HEAD = b"HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\ncontent-type: application/json\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
USAGE = {"input_tokens": 12, "output_tokens": 5, "cache_creation_input_tokens": None}
ANSWER = json.dumps({"type": "message", "model": "m", "content": [], "usage": USAGE}).encode()
STOPPED = b"event: message_stop\ndata: {}\n\n"


class Desk:
    def __init__(self) -> None:
        self.witness = Witness(Origin.LIVE, b"\r\nrequest-id:")
        self.rows: list[Row] = []

    def render(self, job: Job) -> bytes:
        return job.body

    def take(self, call: Call, row: Row) -> None:
        assert call.position == row.position
        self.rows.append(row)

    def call(self, *, stream: bool = False) -> Call:
        job: Job = next(minimal("m", stream=stream).jobs(0, 0, 1))
        made = Call(self, job, Arm.MAIN, 3, 10.0)
        made.sent_s = 10.5
        made.is_new = False
        return made

    def end_of(self, *, status: int = 200, head: bytes = HEAD, body: bytes = ANSWER) -> Row:
        call = self.call(stream=b"event-stream" in head)
        call.on_head(status, head, 11.0)
        call.on_body(body, 11.5)
        call.on_end(12.0)
        return self.rows[-1]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_whole_answer_is_ok_with_its_times_and_usage(desk: Desk) -> None:
    row = desk.end_of()
    assert (row.due_s, row.sent_s, row.headers_s, row.ended_s) == (10, 10.5, 11, 12)
    assert (row.end, row.position, row.origin) == (CallEnd.OK, 3, Origin.LIVE)
    assert row.usage == Usage(input_tokens=12, output_tokens=5)
    assert row.marks == CallMark.HAS_REQUEST_ID | CallMark.HAS_USAGE
    assert isnan(row.first_token_s)


def test_a_request_id_without_a_value_proves_nothing(desk: Desk) -> None:
    row = desk.end_of(head=b"HTTP/1.1 200 OK\r\nrequest-id: \r\ncontent-length: 1\r\n")
    assert row.marks == CallMark.HAS_USAGE


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (429, CallEnd.RATE_LIMITED),
        (529, CallEnd.OVERLOADED),
        (500, CallEnd.SERVER_ERROR),
        (503, CallEnd.SERVER_ERROR),
        (400, CallEnd.REFUSED),
        (404, CallEnd.REFUSED),
        (302, CallEnd.MALFORMED),
    ],
)
def test_a_status_tells_what_came_of_a_call(desk: Desk, status: int, end: CallEnd) -> None:
    assert desk.end_of(status=status, body=b"{}").end == end


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type":"error"}', b'{"model":"m"}'])
def test_an_answer_that_is_no_message_is_malformed(desk: Desk, body: bytes) -> None:
    assert desk.end_of(body=body).end == CallEnd.MALFORMED


def test_a_message_where_a_stream_was_asked_for_is_malformed(desk: Desk) -> None:
    call = desk.call(stream=True)
    call.on_head(200, HEAD, 11.0)
    call.on_body(ANSWER, 11.0)
    call.on_end(11.0)
    assert desk.rows[-1].end == CallEnd.MALFORMED


def test_a_stream_ends_when_it_stops(desk: Desk) -> None:
    row = desk.end_of(head=STREAM, body=STOPPED)
    assert (row.end, row.ended_s) == (CallEnd.OK, 11.5)


def test_a_stream_that_ends_without_stopping_is_cut(desk: Desk) -> None:
    assert desk.end_of(head=STREAM, body=b"event: ping\ndata: {}\n\n").end == CallEnd.CUT


def test_an_error_inside_a_stream_is_an_end_of_its_own(desk: Desk) -> None:
    row = desk.end_of(head=STREAM, body=b"event: error\ndata: {}\n\n")
    assert row.end == CallEnd.STREAM_ERROR


@pytest.mark.parametrize(
    ("loss", "end"),
    [
        (Loss.UNCONNECTED, CallEnd.UNREACHABLE),
        (Loss.UNREACHABLE, CallEnd.UNREACHABLE),
        (Loss.CUT, CallEnd.CUT),
        (Loss.TIMED_OUT, CallEnd.TIMED_OUT),
        (Loss.MALFORMED, CallEnd.MALFORMED),
    ],
)
def test_a_loss_tells_what_came_of_a_call(desk: Desk, loss: Loss, end: CallEnd) -> None:
    desk.call().on_loss(loss, 12.0)
    assert (desk.rows[-1].end, desk.rows[-1].ended_s) == (end, 12.0)


def test_a_connection_lost_after_the_stop_changes_nothing(desk: Desk) -> None:
    call = desk.call(stream=True)
    call.on_head(200, STREAM, 11.0)
    call.on_body(STOPPED, 11.5)
    call.on_loss(Loss.CUT, 12.0)
    assert (desk.rows[-1].end, desk.rows[-1].ended_s) == (CallEnd.OK, 11.5)


def test_a_simulator_says_so_itself(desk: Desk) -> None:
    head = HEAD + b"X-L9gate-Origin: simulated\r\n"
    assert desk.end_of(head=head).origin is Origin.SIMULATED
    assert desk.end_of(head=head.replace(b"simulated", b"elsewhere")).origin is Origin.OTHER


def test_an_answer_without_the_proving_header_has_no_mark_of_it(desk: Desk) -> None:
    row = desk.end_of(head=HEAD.replace(b"Request-Id", b"x-id"))
    assert row.marks == CallMark.HAS_USAGE


def test_a_new_connection_is_marked(desk: Desk) -> None:
    call = desk.call()
    call.is_new = True
    call.on_loss(Loss.CUT, 11.0)
    assert desk.rows[-1].marks == CallMark.NEW_CONNECTION


def test_only_what_did_no_work_is_free(desk: Desk) -> None:
    overloaded = b'{"type":"error","error":{"type":"overloaded_error","message":""}}'
    assert desk.end_of(status=429, body=b"{}").is_free
    assert desk.end_of(status=529, body=overloaded).is_free
    assert not desk.end_of(status=502, body=b"<html>").is_free
    assert not desk.end_of().is_free
    unsent = desk.call()
    unsent.is_new = None
    unsent.on_loss(Loss.UNCONNECTED, 11.0)
    assert desk.rows[-1].is_free
    desk.call().on_loss(Loss.UNREACHABLE, 11.0)
    assert not desk.rows[-1].is_free
