"""One free request that tells a working endpoint and key from anything else."""

import threading
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from l9gate.errors import EndpointUnreachableError, L9gateError, RefusedKeyError
from l9gate.wire.faults import ERROR_TYPES, parse_fault
from l9gate.wire.headers import API_VERSION, CURRENT_API_VERSION

TIMEOUT_S = 2.0
_REFUSALS = {
    401: "the key is wrong, revoked or expired",
    402: "there is no credit",
    403: "the key lacks permission",
}


def check_endpoint(base_url: str, key: str, key_variable: str) -> None:
    """Ask `GET /v1/models?limit=1`, which costs nothing, whether the key is accepted.

    Proxies named by the environment are used, as the SDK does.

    Args:
        base_url: scheme, host and optional path of the environment.
        key: sent as `Authorization: Bearer`; it appears in no message.
        key_variable: where the key came from, for the message.

    Raises:
        RefusedKeyError: the endpoint answered 401, 402 or 403.
        EndpointUnreachableError: nothing answered within two seconds.
    """
    refusal: list[L9gateError] = []
    # A thread of its own, because looking up a name has no timeout.
    asking = threading.Thread(
        target=lambda: refusal.extend(_ask(base_url, key, key_variable)), daemon=True
    )
    asking.start()
    asking.join(TIMEOUT_S)
    if asking.is_alive():
        why = f"no answer within {TIMEOUT_S:.0f} s"
        raise _unreachable(endpoint_of(base_url), why, key_variable)
    if refusal:
        raise refusal[0]


def _ask(base_url: str, key: str, key_variable: str) -> list[L9gateError]:
    """Return what is wrong, which a thread cannot raise."""
    place = endpoint_of(base_url)
    request = urllib.request.Request(  # noqa: S310  # the scheme is checked with the settings
        f"{base_url.rstrip('/')}/v1/models?limit=1",
        headers={"authorization": f"Bearer {key}", API_VERSION: CURRENT_API_VERSION},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return []
    except urllib.error.HTTPError as error:
        with error:
            if error.code not in _REFUSALS:
                return []
            return [
                RefusedKeyError(
                    f"{place} refused the key of {key_variable} with {error.code}"
                    f"{_error_type(error)}: {_REFUSALS[error.code]}; nothing was tested",
                    hint=f"put a working key into {key_variable}",
                )
            ]
    except (OSError, ValueError) as error:
        why = str(getattr(error, "reason", None) or error)
        return [_unreachable(place, why, key_variable)]


def _unreachable(place: str, why: str, key_variable: str) -> EndpointUnreachableError:
    return EndpointUnreachableError(
        f"{place} did not answer: {why}; the key of {key_variable} could not be checked and "
        "nothing was tested",
        hint="check the network, a proxy, and `base_url` of the environment",
    )


def endpoint_of(base_url: str) -> str:
    """Return scheme, host and port of a URL, without path and credentials."""
    parts = urlsplit(base_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def _error_type(error: urllib.error.HTTPError) -> str:
    """Return the error type in brackets; a word that nobody documented might be the key."""
    try:
        fault = parse_fault(error.read(65536))
    except OSError:
        return ""
    return f" ({fault.type})" if fault is not None and fault.type in ERROR_TYPES else ""
