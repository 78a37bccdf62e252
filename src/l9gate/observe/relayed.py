"""A request and its answer as a proxy sees them, in the shape that observers ask for.

Bodies only pass: of a request a copy is kept until it is whole and its facts are known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from l9gate.observe.asking import parse_asked
from l9gate.observe.sockets import Address, parse_address
from l9gate.wire.headers import API_VERSION, CURRENT_API_VERSION
from l9gate.wire.json import JsonObject
from l9gate.wire.messages import RequestFacts, parse_request_facts

MAX_COPY_BYTES = 32 << 20  # the API takes no longer message; beyond it no facts are known


@dataclass(frozen=True, slots=True)
class RelayedUrl:
    """Where a request goes on to."""

    netloc: bytes
    host: str
    path: str


class RelayedRequest:
    """A request whose body passes in pieces."""

    def __init__(self, method: str, url: RelayedUrl, headers: Mapping[str, str]) -> None:
        self.method = method
        self.url = url
        self.headers = headers  # names in lower case; no credentials
        self.size_bytes = 0
        self.facts: RequestFacts | None = None
        self.asked: JsonObject = {}  # the same for rules; nothing of its messages
        self.foretold: tuple[str, ...] | None = None  # see `Exchange.foretold`
        self._copy = bytearray()

    @property
    def content(self) -> bytes:
        """Its body, which is not kept.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("the body was passed on")

    @property
    def copy(self) -> bytes | None:
        """Its body until it has ended; None if it is too long to be kept."""
        return bytes(self._copy) if self.size_bytes <= MAX_COPY_BYTES else None

    def received(self, data: bytes) -> None:
        """Take note of a piece of the body."""
        self.size_bytes += len(data)
        if self.size_bytes <= MAX_COPY_BYTES:
            self._copy += data
        else:
            self._copy.clear()

    def ended(self) -> None:
        """Take note that the body is whole; its copy is thrown away."""
        if 0 < self.size_bytes <= MAX_COPY_BYTES:
            sent = bytes(self._copy)
            self.facts, self.asked = parse_request_facts(sent), parse_asked(sent)
            if self.headers.get(API_VERSION) != CURRENT_API_VERSION:
                from l9gate.observe.foretelling import foretell  # few processes need it

                self.foretold = foretell(sent)
        self._copy = bytearray()


@dataclass(frozen=True, slots=True)
class RelayedStream:
    """The connection that an answer came over, as HTTP libraries tell of theirs."""

    address: Address | None

    def get_extra_info(self, info: str) -> object:
        """Return the address of the server; nothing else is known."""
        return self.address if info == "server_addr" else None


class RelayedResponse:
    """An answer whose body is still to come."""

    is_closed = False

    def __init__(self, status_code: int, headers: Mapping[str, str], address: object) -> None:
        self.status_code = status_code
        self.headers = headers  # names in lower case
        stream = RelayedStream(parse_address(address))
        self.extensions: Mapping[str, object] = {"network_stream": stream}

    @property
    def content(self) -> bytes:
        """Its body, which is not kept.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("the body was passed on")
