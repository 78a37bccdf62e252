"""Calls that pass through the run's own recording proxy: where they go in the end, seen once."""

from collections.abc import Mapping, MutableMapping
from urllib.parse import unquote

from l9gate.observe.origins import Target
from l9gate.observe.watch import HttpRequest
from l9gate.wire import headers as names

_LABEL = "/.l9gate/"  # before the path: which process of the tests started the sender


def split_label(path: str) -> tuple[str | None, str]:
    """Return the label before a path, if there is one, and the path without it."""
    if not path.startswith(_LABEL):
        return None, path
    label, _, rest = path.removeprefix(_LABEL).partition("/")
    return unquote(label), "/" + rest


def labelled(base_url: str, label: str) -> str:
    """Return the proxy's base URL for one process of the tests and whatever it starts."""
    return f"{base_url}{_LABEL}{label}"


def locate(request: HttpRequest, target: Target, exchange_id: str) -> tuple[str, str]:
    """Return host and path of where a request goes in the end.

    One to the run's proxy goes on to the declared endpoint. It is marked, so that the proxy leaves
    the record to whoever asks here.
    """
    host = request.url.netloc.decode("ascii", "replace")
    if host != target.proxy:
        return host, request.url.path
    if isinstance(request.headers, MutableMapping):
        request.headers[names.EXCHANGE] = exchange_id
    return target.host, split_label(request.url.path)[1]


def is_apology(headers: Mapping[str, str]) -> bool:
    """Whether it is the proxy's own answer in the place of one that never came.

    Args:
        headers: of the answer, names in lower case.
    """
    return names.UNSERVED in headers
