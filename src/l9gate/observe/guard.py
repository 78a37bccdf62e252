"""No network in the unit layer: loopback and Unix sockets are allowed, the rest is refused."""

import ipaddress
from dataclasses import dataclass, field

from l9gate.errors import NetworkRefusedError
from l9gate.observe import sockets

_LOCAL_NAMES = frozenset({"", "localhost", "ip6-localhost", "ip6-loopback"})


@dataclass(slots=True)
class NetworkGuard:
    """Refuses, while a unit test runs, whatever would leave this machine.

    The SDK wraps any exception of a connection and tries again, and an application may then fall
    back, so that a refusal alone would pass unseen: what was refused is kept for whoever ends the
    test. Not seen: uvloop, gRPC and child processes, which raise no audit events.
    """

    _test: str | None = None
    _refused: list[str] = field(default_factory=list)

    def begin(self, test: str) -> None:
        """Refuse from now on, in the name of this test."""
        sockets.install_hook()
        self._test = test
        self._refused.clear()
        sockets.set_refusal(self._check)

    def end(self) -> None:
        """Let everything pass again."""
        sockets.set_refusal(None)
        self._test = None

    def forget_refused(self) -> None:
        """Take note that the test failed anyway."""
        self._refused.clear()

    def raise_refused(self) -> None:
        """Fail if anything was refused since the last time.

        Raises:
            NetworkRefusedError: the test reached for the network.
        """
        if self._refused:
            destination = self._refused[0]
            self._refused.clear()
            raise self._error(destination)

    def _check(self, event: str, target: object) -> None:
        destination = find_destination(event, target)
        if destination is not None:
            self._refused.append(destination)
            raise self._error(destination)

    def _error(self, destination: str) -> NetworkRefusedError:
        return NetworkRefusedError(
            f"unit test `{self._test}` reached for the network: {destination}",
            hint="hand in a transport or a fake; loopback and Unix sockets are allowed",
        )


def find_destination(event: str, target: object) -> str | None:
    """Return what an audit event would reach outside of this machine, None if it stays inside.

    To resolve a literal address sends nothing, so only the later connection is refused.
    """
    if event == sockets.RESOLVE:
        name = target.decode(errors="replace") if isinstance(target, bytes) else target
        return None if not isinstance(name, str) or _is_literal(name) or _is_local(name) else name
    address = sockets.parse_address(target)
    if address is None or _is_local(address[0]):
        return None
    return f"{address[0]}:{address[1]}"


def _is_local(host: str) -> bool:
    if host.lower().rstrip(".") in _LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    # A connection to the unspecified address reaches this machine.
    return bool((mapped or address).is_loopback or address.is_unspecified)


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
