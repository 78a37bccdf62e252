"""One request under two versions of the API: what the newer refuses, foretold and seen."""

from collections.abc import Iterator

from l9gate.contract.drift import Drift, tell
from l9gate.contract.envelope import is_transient
from l9gate.contract.observed import Observed
from l9gate.wire.headers import CURRENT_API_VERSION, PREVIOUS_API_VERSION
from l9gate.wire.json import Json, JsonObject

_SAMPLING = ("temperature", "top_p", "top_k")
_ACCEPTED, _REFUSED = "accepted", "refused"


def foretell_refusals(body: JsonObject) -> list[Drift]:
    """Return what version 2026-10-21 refuses of a request body that 2023-06-01 accepts.

    The body of a batch is looked at request by request. Source: fact sheet, section 1.2.
    """
    requests = body.get("requests")
    if not isinstance(requests, list):
        return list(_foretell(body, ""))
    return [
        drift
        for number, request in enumerate(requests)
        if isinstance(request, dict) and isinstance(params := request.get("params"), dict)
        for drift in _foretell(params, f"/requests/{number}/params")
    ]


def tell_refusal(code: str, path: str) -> Drift:
    """Return what is refused at a place of a request."""
    expected, found = f"as under {PREVIOUS_API_VERSION}", f"{CURRENT_API_VERSION} refuses it"
    return tell(code, path, expected, found)


def compare_versions(older: Observed, newer: Observed) -> list[Drift]:
    """Return what differs between the answers to one request under two versions.

    An answer that was overloaded or limited says nothing, so nothing is concluded from it.
    """
    was, now = older.status, newer.status
    if is_transient(was) or is_transient(now):
        return [tell("status.transient", "status", "an answer", str(max(was, now)))]
    foretold = foretell_refusals(newer.asked.body)
    if was < 400 <= now:
        return foretold or [tell("accept.unannounced", "status", _ACCEPTED, _refusal(now))]
    if now < 400 and foretold and newer.asked.api_version == CURRENT_API_VERSION:
        return [tell("accept.not_enforced", foretold[0].path, _REFUSED, _ACCEPTED)]
    if now < 400 <= was:
        return [tell("accept.widened", "status", _refusal(was), _ACCEPTED)]
    return []


def _refusal(status: int) -> str:
    return f"{_REFUSED} with {status}"


def _foretell(body: JsonObject, at: str) -> Iterator[Drift]:
    for name in _SAMPLING:
        if name in body:
            yield tell_refusal("accept.sampling", f"{at}/{name}")
    messages = body.get("messages")
    for number, message in enumerate(messages if isinstance(messages, list) else []):
        if not isinstance(message, dict):
            continue
        for path, block in _blocks(message.get("content"), f"{at}/messages/{number}/content"):
            if message.get("role") == "assistant" and block.get("type") == "document":
                yield tell_refusal("accept.document", path)
            if message.get("role") == "user":
                yield from _find_citations(path, block)


def _find_citations(path: str, block: JsonObject) -> Iterator[Drift]:
    places = [(path, block)]
    if block.get("type") == "search_result":
        places += _blocks(block.get("content"), f"{path}/content")
    for where, part in places:
        if part.get("type") == "text" and part.get("citations"):
            yield tell_refusal("accept.citations", f"{where}/citations")


def _blocks(content: Json, at: str) -> Iterator[tuple[str, JsonObject]]:
    for number, block in enumerate(content if isinstance(content, list) else []):
        if isinstance(block, dict):
            yield f"{at}/{number}", block
