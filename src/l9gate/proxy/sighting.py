"""What the proxy sees of an exchange, told to the same recorder as the seam's."""

from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import Context

from l9gate.errors import L9gateError
from l9gate.observe import sockets
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.recorder import Recorder
from l9gate.observe.relayed import RelayedRequest, RelayedResponse, RelayedUrl
from l9gate.observe.watch import Stop, Watch
from l9gate.proxy.heads import AnswerHead, RequestHead, observed
from l9gate.proxy.toll import Toll, find_toll
from l9gate.proxy.upstream import Endpoint
from l9gate.store.account import Account
from l9gate.wire import headers as names

FindOwner = Callable[[str | None], Owner | None]
_MARK = names.EXCHANGE.encode()
_RETRY_COUNT = names.RETRY_COUNT.encode()
_MAX_REMEMBERED = 4096


class Attempts:
    """Failed attempts that may be tried again, so that a retry is known as one.

    The SDKs count their retries in a header, and send the same request again.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, deque[Context]] = {}

    def context_of(self, head: RequestHead) -> Context:
        """Return the context of the attempt before this one, else a new one."""
        count = _retries(head)
        waiting = self._waiting.get(_key(head, count - 1)) if count else None
        return waiting.popleft() if waiting else Context()

    def remember(self, head: RequestHead, context: Context) -> None:
        """Take note of an attempt that failed."""
        if len(self._waiting) >= _MAX_REMEMBERED:
            self._waiting.clear()
        self._waiting.setdefault(_key(head, _retries(head)), deque(maxlen=64)).append(context)


class Sighting:
    """One exchange; without a watch nothing is recorded, since its sender has done so."""

    def __init__(
        self,
        head: RequestHead,
        request: RelayedRequest,
        watch: Watch | None,
        on_failure: Callable[[], None],
        toll: Toll | None = None,
    ) -> None:
        self._head = head
        self._request = request
        self._watch = watch
        self._on_failure = on_failure
        self._toll = toll
        self._status = 0

    @property
    def must_pay(self) -> bool:
        """Whether it must not be sent before `sent_all` has returned nothing."""
        return self._toll is not None

    def sent(self, data: bytes) -> None:
        """Take note of a piece of the request's body."""
        if self._watch is not None:
            self._request.received(data)

    def sent_all(self) -> L9gateError | None:
        """Take note that the request is whole; return why it must not be sent, if it must not."""
        refusal = None if self._toll is None else self._toll.pay()
        if self._watch is not None:
            self._request.ended()
        return refusal

    def answered(self, head: AnswerHead, address: object) -> None:
        """Take note of the answer's head, and of the address that it came from."""
        self._status = head.status
        if self._watch is not None:
            self._watch.answered(RelayedResponse(head.status, observed(head.fields), address))

    def received(self, data: bytes) -> None:
        """Take note of a piece of the answer's body."""
        if self._watch is not None:
            self._watch.received(data)

    def ended(self, stop: Stop) -> None:
        """Take note of the end."""
        if self._watch is not None:
            self._watch.ended(stop)
            if stop is not Stop.READ or self._status >= 400:
                self._on_failure()


class Observer:
    """Begins a sighting for every request."""

    def __init__(
        self,
        recorder: Recorder,
        endpoint: Endpoint,
        find_owner: FindOwner,
        account: Account | None = None,
    ) -> None:
        self._recorder = recorder
        self._endpoint = endpoint
        self._find_owner = find_owner
        self._account = account
        self._attempts = Attempts()

    def begin(self, head: RequestHead) -> Sighting:
        """Start to follow a request, unless its sender does."""
        request = self._request(head)
        if head.value(_MARK) is not None:
            return Sighting(head, request, None, lambda: None)
        context = self._attempts.context_of(head)
        owner = self._find_owner(head.label)
        toll = find_toll(self._account, request, owner)
        watch = context.run(self._watch, request, owner, toll)
        return Sighting(head, request, watch, lambda: self._attempts.remember(head, context), toll)

    def _request(self, head: RequestHead) -> RelayedRequest:
        path = self._endpoint.prefix + head.target.partition(b"?")[0].decode("latin-1")
        url = RelayedUrl(self._endpoint.authority.encode(), self._endpoint.host, path)
        return RelayedRequest(head.method.decode("latin-1"), url, observed(head.fields))

    def _watch(
        self, request: RelayedRequest, owner: Owner | None, toll: Toll | None
    ) -> Watch | None:
        with nullcontext() if owner is None else owned_by(owner):
            watch = self._recorder.begin(request, None if toll is None else toll.settle)
        # Whoever never answers was tried all the same; an event loop need not tell of it.
        sockets.note_connect((self._endpoint.host, self._endpoint.port))
        return watch


def _retries(head: RequestHead) -> int:
    text = head.value(_RETRY_COUNT) or b""
    return int(text) if text.isdigit() else 0


def _key(head: RequestHead, retries: int) -> int:
    """Return a number that two attempts of one call share; it tells nothing of the key."""
    same = (b"content-length", b"authorization", b"x-api-key", b"user-agent")
    return hash((head.method, head.target, retries, *(head.value(name) for name in same)))
