"""Where an answer came from, and what proves it."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from l9gate.evidence.records import Origin
from l9gate.observe import sockets
from l9gate.observe.watch import HttpResponse
from l9gate.store.relies_on import NOTHING, ReliesOn
from l9gate.wire import headers as names

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAID = {"simulated": Origin.SIMULATED, "replayed": Origin.REPLAYED}


@dataclass(frozen=True, slots=True)
class Target:
    """The endpoint that this run judges."""

    host: str  # host[:port] of the declared base URL, without a default port
    kind: Origin = Origin.LIVE  # SIMULATED in a rehearsal
    proof_header: str = names.REQUEST_ID  # a gateway may name another header that proves it
    proxy: str | None = None  # host[:port] of the run's recording proxy, which sends on to `host`
    contract: Path | None = None  # the baseline that answers are held against, beside promises
    waivers: Path | None = None  # the differences that somebody answers for
    relies_on: ReliesOn = NOTHING  # what makes differences graver for this application


def host_of(base_url: str) -> str:
    """Return host[:port] of a URL as clients write it: lower case, without a default port."""
    parts = urlsplit(base_url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    has_default_port = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return host if has_default_port else f"{host}:{parts.port}"


class Origins:
    """Tells the origin of each exchange of this process."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._last: dict[str, Origin] = {}  # host → origin of its last answer over a socket
        sockets.install_hook()

    def of_answer(
        self, host: str, response: HttpResponse, said: str | None, contacts: sockets.Contacts
    ) -> Origin:
        """Return where an answer came from; without a socket no header proves anything.

        Args:
            host: host[:port] of the URL.
            response: what came.
            said: its header `x-l9gate-origin`.
            contacts: what the exchange itself connected to.
        """
        stream = cast("sockets.NetworkStream | None", response.extensions.get("network_stream"))
        if not sockets.used_socket(stream, contacts):
            return Origin.MOCKED
        is_target = host == self.target.host and self.target.kind is Origin.LIVE
        origin = Origin.LIVE if is_target else Origin.OTHER
        if said is not None:
            origin = _SAID.get(said.strip().lower(), Origin.OTHER)
        self._last[host] = origin
        return origin

    def of_silence(self, host: str, name: str, contacts: sockets.Contacts) -> Origin:
        """Return where an exchange without an answer went, as far as sockets can tell.

        It counts towards the run's kind, or a deadline could hide a slow API.

        Args:
            host: host[:port] of the URL.
            name: the same without the port.
            contacts: what the exchange itself tried to reach.
        """
        if host in self._last:
            return self._last[host]
        if not sockets.was_contacted(name, contacts):
            return Origin.MOCKED
        return self.target.kind if host == self.target.host else Origin.OTHER
