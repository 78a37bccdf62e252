"""One endpoint of this machine that every call for the API goes to, and nothing else leaves."""

import errno
import ipaddress
import re
import socket
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from l9gate.observe import sockets
from l9gate.observe.border import find_destination
from l9gate.observe.watch import HttpRequest, HttpResponse, Stop
from l9gate.wire import headers as names

API_URL = "https://api.anthropic.com"
_API_HOSTS = re.compile(r"(?:^|\.)anthropic\.com$|^bedrock-|-?aiplatform\.googleapis\.com$")
_API_PATH = re.compile(
    r"/v1/(?:messages|models|complete)(?:/|$)|/model/[^/]+/(?:invoke|converse)|:(?:stream)?rawPredict",
    re.IGNORECASE,
)
_ENDINGS = {Stop.UNCONNECTED: "connection refused", Stop.TIMED_OUT: "timed out"}
_NAME_EVENTS = "socket.get"  # of asking for the address of a name, or the other way round
OTHER_CLIENT = "sent by a client that is not observed"


@dataclass(slots=True)
class Tally:
    """What one test, or one fixture, sent."""

    calls: int = 0
    contacts: int = 0  # connections to the endpoint, whoever opened them
    mocked: int = 0
    replayed: int = 0
    endings: dict[str, None] = field(default_factory=dict)
    refused: dict[str, None] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Take in what another one counted."""
        self.calls += other.calls
        self.contacts += other.contacts
        self.mocked += other.mocked
        self.replayed += other.replayed
        self.endings |= other.endings
        self.refused |= other.refused

    @property
    def sent(self) -> int:
        """How many calls left for the API, at least."""
        return self.calls or self.contacts


class Decoy:
    """A handler and a route of the seam; `owner` is whose work goes on, and is set from outside.

    It is the process's and not the context's: event loops that fixtures started keep the context
    of their beginning.
    """

    def __init__(self, base_url: str, is_replaying: Callable[[], bool]) -> None:
        parts = urlsplit(base_url)
        self._base_url = base_url
        self._address = (parts.hostname or "", parts.port or 80)
        self._host = f"{self._address[0]}:{self._address[1]}"
        self._is_replaying = is_replaying
        self.owner: str | None = None
        self.tallies: defaultdict[str | None, Tally] = defaultdict(Tally)
        sockets.install_hook()

    def is_failing(self) -> bool:
        """Whether a call of whoever is at work has failed."""
        return self.owner in self.tallies and bool(self.tallies[self.owner].endings)

    def watch_sockets(self) -> None:
        """Refuse from now on whatever would leave this machine."""
        sockets.set_refusal(self._check)

    def route(self, request: HttpRequest) -> str | None:
        """Return where a request is sent instead, None where it may go its way.

        A cassette knows the API by its own name.
        """
        is_ours = request.url.netloc.decode("ascii", "replace") == self._host
        if self._is_replaying():
            return API_URL if is_ours else None
        return self._base_url if not is_ours and is_for_api(request) else None

    def begin(self, request: HttpRequest) -> "_Call | None":
        """Count a call for the API; a retry is no further one."""
        is_ours = request.url.netloc.decode("ascii", "replace") == self._host
        if not is_ours and not is_for_api(request):
            return None
        is_retry = request.headers.get(names.RETRY_COUNT, "0") != "0"
        replays = self._is_replaying()
        return _Call(self.tallies[self.owner], is_retry=is_retry, replays=replays)

    def _check(self, event: str, target: object) -> None:
        if event == sockets.CONNECT and sockets.parse_address(target) == self._address:
            self.tallies[self.owner].contacts += 1
            return
        destination = find_destination(event, target)
        if destination is None:
            return
        tally = self.tallies[self.owner]
        tally.refused[destination] = None
        if _API_HOSTS.search(destination.rpartition(":")[0] or destination):
            tally.contacts += 1
        if event.startswith(_NAME_EVENTS):
            raise socket.gaierror(socket.EAI_NONAME, "l9gate control: nothing leaves this machine")
        raise ConnectionRefusedError(
            errno.ECONNREFUSED, "l9gate control: nothing leaves this machine"
        )


class _Call:
    """Follows one exchange to its end, which says whether it was a call at all."""

    def __init__(self, tally: Tally, *, is_retry: bool, replays: bool) -> None:
        self._tally = tally
        self._is_retry = is_retry
        self._replays = replays
        self._contacts = sockets.note_contacts()
        self._status: int | None = None
        self._was_carried = False

    def answered(self, response: HttpResponse) -> None:
        """Take note of who answered."""
        stream = cast("sockets.NetworkStream | None", response.extensions.get("network_stream"))
        self._status = response.status_code
        self._was_carried = sockets.used_socket(stream, self._contacts)

    def received(self, chunk: bytes) -> None:
        """Take no note of bytes."""

    def ended(self, stop: Stop) -> None:
        """Count it as what it was."""
        tally = self._tally
        if self._status is not None and not self._was_carried:
            tally.replayed += self._replays
            tally.mocked += not self._replays
            return
        tally.calls += not self._is_retry
        if self._status is None:
            tally.endings[_ENDINGS.get(stop, "connection broken")] = None
        elif self._status >= 400:
            tally.endings[f"HTTP {self._status}"] = None
        else:
            tally.endings["an answer that is none of the API's"] = None


def is_for_api(request: HttpRequest) -> bool:
    """Whether a request means the Messages API, at Anthropic, at a cloud or behind a gateway.

    What goes to this machine is the test's own server; a name without a dot is no host at all, but
    what frameworks call an application that is called in process.
    """
    host = request.url.host.lower()
    if "." not in host or _is_local(host):
        return False
    return bool(
        _API_HOSTS.search(host)
        or request.headers.get(names.API_VERSION) is not None
        or _API_PATH.search(request.url.path)
    )


def _is_local(host: str) -> bool:
    if host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
