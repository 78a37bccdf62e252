"""One exchange, from the first byte sent to its true end."""

import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from l9gate.evidence.records import End, Exchange, Origin, Witness
from l9gate.measure.clock import Clock
from l9gate.observe import sockets
from l9gate.observe.answer import Answer, content_of, headers_of
from l9gate.observe.attribution import current_owner
from l9gate.observe.body import BodyFacts, BodyReader
from l9gate.observe.lookout import Lookout
from l9gate.observe.origins import Origins
from l9gate.observe.own import OwnRequest
from l9gate.observe.paths import ApiPath, read_path
from l9gate.observe.proxied import is_apology, locate
from l9gate.observe.sent import Sent, asks_for_format, note_sent
from l9gate.observe.watch import HttpRequest, HttpResponse, Stop
from l9gate.wire import headers as names
from l9gate.wire.faults import type_of
from l9gate.wire.messages import RequestFacts

_NO_PATH = ApiPath()
_UNREAD = BodyReader("", None)  # of every exchange that is not answered; nobody feeds it
_BEDROCK_REQUEST_ID = "x-amzn-requestid"
_ENDS = {
    Stop.READ: End.COMPLETE,
    Stop.TIMED_OUT: End.TIMED_OUT,
    Stop.UNCONNECTED: End.CUT,
    Stop.BROKEN: End.CUT,
}
_ENDS_UNANSWERED = {
    Stop.TIMED_OUT: End.TIMED_OUT,
    Stop.UNCONNECTED: End.UNREACHABLE,
    Stop.BROKEN: End.UNREACHABLE,
}
_ERROR_TYPES = {End.TIMED_OUT: "timeout", End.UNREACHABLE: "connection", End.CUT: "cut"}


@dataclass(slots=True)
class Call:
    """One attempt of a call; the attempts follow each other in one context."""

    id: str
    attempt: int
    was_redirected: bool = False


_last_call: ContextVar[Call | None] = ContextVar("l9gate_call", default=None)


def next_attempt(retry_count: str | None) -> Call:
    """Return the attempt that a request is: of the context's last call, or of a new one.

    Args:
        retry_count: how often the SDK tried before, as its header says.
    """
    before = _last_call.get()
    retries = int(retry_count) if retry_count is not None and retry_count.isdecimal() else 0
    if before is not None and (retries > 0 or before.was_redirected):
        call = Call(before.id, before.attempt + 1)
    else:
        call = Call(secrets.token_hex(8), retries)
    _last_call.set(call)
    return call


def last_call_id() -> str | None:
    """Return the call that this context made last."""
    call = _last_call.get()
    return None if call is None else call.id


class ExchangeTrace:
    """Collects the facts of one exchange; once it is closed, `record` makes the record of them."""

    def __init__(
        self,
        request: HttpRequest,
        clock: Clock,
        origins: Origins,
        witness: Witness = Witness.SEAM,
        lookout: Lookout | None = None,
    ) -> None:
        self._request: HttpRequest | None = request  # until it has ended
        self._lookout = lookout
        self._witness = Witness.PROBE if isinstance(request, OwnRequest) else witness
        self._clock = clock
        self._origins = origins
        self._id = secrets.token_hex(8)
        self._host, self._path = locate(request, origins.target, self._id)
        known = read_path(self._path)
        self._path_facts = known or _NO_PATH
        self._is_api = known is not None or (
            self._host == origins.target.host and "/v1/" in self._path
        )
        self._call = next_attempt(request.headers.get(names.RETRY_COUNT)) if self._is_api else None
        if self._is_api and lookout is not None:
            lookout.warm_up()  # before the clock is read: the first call must not pay for it
        self._owner = current_owner()
        self._contacts = sockets.note_contacts()
        self._status: int | None = None
        self._is_unserved = False
        self._is_on_purpose = False  # the request told a simulator to do wrong
        self._headers: Mapping[str, str] = {}  # of the response, names in lower case
        self._reader = _UNREAD
        self._origin: Origin | None = None
        self._headers_s: float | None = None
        self._sent: Sent | None = None  # once it has ended
        self._stop = Stop.FAILED
        self._ended_s = 0.0
        self._sent_s = clock.now_s()

    def answered(self, response: HttpResponse) -> None:
        """Take note of status and headers."""
        at_s = self._clock.now_s()
        # Once for all: each look into the headers of a library goes through all of them.
        headers = headers_of(response)
        if is_apology(headers):
            self._is_unserved = True
            return
        self._headers_s = at_s
        self._status = response.status_code
        self._headers = headers
        said = headers.get(names.ORIGIN)
        self._is_api = self._is_api or said is not None
        self._origin = self._origins.of_answer(self._host, response, said, self._contacts)
        content_type = headers.get("content-type", "")
        # What is closed was read and decoded already, by a mock library.
        encoding = None if response.is_closed else headers.get("content-encoding")
        keeps_text = (
            "event-stream" in content_type
            and self._request is not None
            and asks_for_format(self._request)
        )
        self._reader = BodyReader(content_type, encoding, keeps_text=keeps_text)
        if response.is_closed:
            self._reader.feed(content_of(response) or b"", at_s)
        if self._call is not None and 300 <= response.status_code < 400:
            self._call.was_redirected = headers.get("location") is not None

    def received(self, chunk: bytes) -> None:
        """Take note of bytes of the body."""
        if self._is_api and self._status is not None:
            self._reader.feed(chunk, self._clock.now_s())

    def catch_up(self) -> None:
        """Read what came of the body and was not read yet."""
        self._reader.catch_up()

    def close(self, stop: Stop) -> bool:
        """Take note of the end; return whether it is traffic of the API, and was sent."""
        if not self._is_api or stop is Stop.REFUSED:
            return False
        self._ended_s = self._clock.now_s()
        self._stop = Stop.UNCONNECTED if self._is_unserved else self._corrected(stop)
        request, self._request = self._request, None
        if request is None:
            return False
        self._sent = note_sent(request)
        if self._origin is None:
            host = request.url.host
            self._origin = self._origins.of_silence(self._host, host, self._contacts)
        elif self._origin is Origin.SIMULATED:
            self._is_on_purpose = names.FAULT in request.headers
        return True

    @property
    def size_bytes(self) -> int:
        """How much of request and answer is kept until the record is made."""
        return (0 if self._sent is None else self._sent.size_bytes) + self._reader.size_bytes

    def record(self) -> Exchange:
        """Return the record of an exchange that was closed.

        Raises:
            ValueError: it was not.
        """
        sent, origin = self._sent, self._origin
        if sent is None or origin is None:
            raise ValueError("the exchange is still open")
        asked = sent.facts(self._path_facts)
        is_whole, expects_json = self._stop is Stop.READ, self._expects_json(asked)
        facts = self._reader.finish(is_whole=is_whole, expects_json=expects_json)
        return self._record(sent, asked, facts, origin)

    def answer(self, exchange: Exchange) -> Answer | None:
        """Return what the contract is asked about; None if it says nothing of this answer."""
        facts, sent = self._path_facts, self._sent
        is_direct = facts.is_direct or (facts is _NO_PATH and "/v1/" in self._path)
        if sent is None or self._status is None or not is_direct:
            return None
        return Answer(
            exchange_id=self._id,
            owner=self._owner,
            origin=exchange.origin,
            host=self._host,
            method=exchange.method,
            path=self._path,
            api_version=sent.api_version,
            sent=sent.body,
            asked=sent.asked,
            is_beta=sent.is_beta,
            is_on_purpose=self._is_on_purpose,
            probe=sent.probe,
            status=self._status,
            headers=self._headers,
            body=self._reader.content,
            value=self._reader.value,
            events=self._reader.events,
            was_cut=self._reader.is_inside_event,
            is_stream=self._reader.is_stream,
            is_whole=self._stop is Stop.READ,
        )

    def _record(
        self, sent: Sent, asked: RequestFacts, facts: BodyFacts, origin: Origin
    ) -> Exchange:
        owner, headers, ended_s = self._owner, self._headers, self._ended_s
        call = self._call or Call(secrets.token_hex(8), 0)
        end = self._end(self._stop, facts)
        return Exchange(
            at_s=ended_s,
            exchange_id=self._id,
            call_id=call.id,
            attempt=call.attempt,
            owner=None if owner is None else owner.id,
            layer=None if owner is None else owner.layer,
            origin=origin,
            method=sent.method,
            host=self._host,
            path=self._path,
            model=asked.model,
            served_model=facts.served_model,
            stream=asked.stream,
            tools=asked.tools,
            due_s=self._sent_s,
            sent_s=self._sent_s,
            headers_s=self._headers_s,
            first_token_s=facts.first_token_s,
            ended_s=ended_s,
            gaps_s=facts.gaps_s,
            status=self._status,
            error_type=self._error_type(end, facts, asked),
            error_code=None if facts.fault is None else facts.fault.code,
            end=end,
            request_id=self._request_id(headers),
            stop_reason=facts.stop_reason,
            usage=facts.usage,
            rate_limit=names.parse_rate_limit(headers),
            retry_after_s=names.parse_retry_after(headers, ended_s),
            api_version=sent.api_version,
            request_bytes=sent.size_bytes,
            response_bytes=self._reader.size_bytes,
            trace_id=sent.trace_id,
            witness=self._witness,
            cache_ttl_s=asked.cache_ttl_s,
            foretold=self._foretold(sent),
        )

    def _foretold(self, sent: Sent) -> tuple[str, ...] | None:
        """Return what the newest version refuses of a request that was sent under another."""
        if sent.api_version == names.CURRENT_API_VERSION or not self._path_facts.is_direct:
            return None
        if sent.relayed is not None:
            return sent.relayed.foretold
        return self._lookout.foretell(sent.body) if self._lookout and sent.body else None

    def _request_id(self, headers: Mapping[str, str]) -> str | None:
        found = headers.get(self._origins.target.proof_header)
        return found or (headers.get(_BEDROCK_REQUEST_ID) if self._path_facts.is_bedrock else None)

    def _corrected(self, stop: Stop) -> Stop:
        """Return READ for a response that was closed after its last byte, but before its end."""
        if stop is not Stop.CLOSED or self._status is None or self._reader.is_stream:
            return stop
        length = self._headers.get("content-length")
        return Stop.READ if length == str(self._reader.size_bytes) else stop

    def _expects_json(self, sent: RequestFacts) -> bool:
        if self._status is None or self._status >= 300:
            return False  # an error that is not the API's has no fault, which says it
        return sent.stream or self._path_facts.expects_json

    def _end(self, stop: Stop, facts: BodyFacts) -> End:
        if self._status is None:
            return _ENDS_UNANSWERED.get(stop, End.ABANDONED)
        if self._reader.is_stream:
            if facts.has_ended:
                return End.COMPLETE
            if facts.fault is not None:
                return End.ERROR_EVENT
            if stop is Stop.READ:
                return End.CUT
        return _ENDS.get(stop, End.ABANDONED)

    def _error_type(self, end: End, facts: BodyFacts, sent: RequestFacts) -> str | None:
        if facts.fault is not None:
            return facts.fault.type
        if end in _ERROR_TYPES:
            return _ERROR_TYPES[end]
        status = self._status
        if status is None or 300 <= status < 400:
            return None
        if end is End.ABANDONED or (status >= 400 and self._path_facts.is_bedrock):
            return type_of(status) if status >= 400 else None
        is_wrong = (
            status >= 400 or facts.is_malformed or (sent.stream and not self._reader.is_stream)
        )
        return "malformed_body" if is_wrong else None
