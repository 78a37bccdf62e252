"""Requests of the gate's own client: shown at the seam before they are sent, and followed."""

from collections.abc import Callable, Iterator

import pytest

from l9gate.errors import BodyCutError, BudgetError, BudgetStop
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import End, Exchange, Origin, Witness
from l9gate.measure.clock import ManualClock
from l9gate.observe import sockets
from l9gate.observe.origins import Target
from l9gate.observe.own import OwnPassage, OwnRequest, showing
from l9gate.observe.passage import Passage, R, current_passage, target_of
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.views import Url

PEER = ("192.0.2.7", 443)
ANSWER = b'{"type": "message", "id": "msg_1", "model": "m", "usage": {"output_tokens": 1}}'
HEADERS = {"content-type": "application/json", "request-id": "req_1"}


class Door:
    """An entrance with one recorder behind it."""

    def __init__(self, base_url: str | None = None, error: BudgetError | None = None) -> None:
        self.log = MemoryLog()
        clock = ManualClock(5.0)
        target = Target("api.example.com")
        self._recorder = Recorder(Outbox(self.log, clock), clock, target, holds=False)
        self._base_url = base_url
        self._error = error

    def enter(self, request: R, reroute: Callable[[R, str], None]) -> Passage | None:
        if self._error is not None:
            raise BudgetStop(self._error)
        if self._base_url is not None:
            reroute(request, self._base_url)
        watch = self._recorder.begin(request)
        return None if watch is None else Passage([watch], target_of(request))


@pytest.fixture
def connected() -> Iterator[None]:
    """Let the address be one that this process was seen to connect to."""
    sockets.note_connect(PEER)
    yield
    sockets._Process.connected.discard(PEER)


def request() -> OwnRequest:
    url = Url("https://api.example.com/v1/messages")
    return OwnRequest("POST", url, {"anthropic-version": "v"}, b'{"model": "m"}', probe="message")


def break_off(passage: OwnPassage) -> None:
    passage.answered(200, HEADERS, PEER)
    raise BodyCutError("closed")


def test_an_answer_over_a_socket_is_evidence_and_says_whose_question_it_was(
    connected: None,
) -> None:
    door = Door()
    with showing(door, request()) as passage:
        passage.answered(200, HEADERS, PEER)
        passage.received(ANSWER)
    (found,) = door.log.of(Exchange)
    assert (found.origin, found.witness, found.end) == (Origin.LIVE, Witness.PROBE, End.COMPLETE)
    assert (found.model, found.served_model, found.request_id) == ("m", "m", "req_1")
    assert current_passage() is None


def test_who_only_says_that_it_was_answered_proves_nothing() -> None:
    door = Door()
    with showing(door, request()) as passage:
        passage.answered(200, HEADERS, PEER)  # nobody has seen a socket to there
    assert [one.origin for one in door.log.of(Exchange)] == [Origin.MOCKED]


def test_how_it_ended_is_kept(connected: None) -> None:
    door = Door()
    with pytest.raises(BodyCutError), showing(door, request()) as passage:
        break_off(passage)
    assert [one.end for one in door.log.of(Exchange)] == [End.CUT]


def test_what_is_refused_raises_the_reason_and_is_not_sent() -> None:
    with (
        pytest.raises(BudgetError, match="used up"),
        showing(Door(error=BudgetError("used up")), request()),
    ):
        pytest.fail("it was sent")


def test_a_route_changes_where_it_goes_and_nothing_else() -> None:
    asked = request()
    with showing(Door("http://127.0.0.1:9"), asked):
        assert str(asked.url) == "http://127.0.0.1:9/v1/messages"


def test_without_anybody_who_watches_it_is_only_sent() -> None:
    with showing(None, request()) as passage:
        passage.answered(200, HEADERS, PEER)
        passage.received(b"")
