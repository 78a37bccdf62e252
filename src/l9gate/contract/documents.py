"""Which document an answer is, and what the SDK's types and the fact sheet promise of it."""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files

import msgspec

from l9gate.contract.observed import Asked
from l9gate.contract.schema import Documents, Promise, merge

ERROR = "error"
MESSAGE = "message"
EVENT = "event "  # before the name of an event

_BATCHES = "/v1/messages/batches"
_PLACES = (
    ("POST", re.compile(r"/v1/messages"), MESSAGE),
    ("POST", re.compile(r"/v1/messages/count_tokens"), "token_count"),
    ("GET", re.compile(r"/v1/models"), "models_page"),
    ("GET", re.compile(r"/v1/models/[^/]+"), "model"),
    ("POST", re.compile(_BATCHES), "batch"),
    ("GET", re.compile(_BATCHES), "batches_page"),
    ("GET", re.compile(rf"{_BATCHES}/[^/]+"), "batch"),
    ("POST", re.compile(rf"{_BATCHES}/[^/]+/cancel"), "batch"),
    ("GET", re.compile(r"/v1/files/[^/]+"), "file"),
)


class _Extract(msgspec.Struct):
    documents: dict[str, dict[str, Promise]]
    sdk: str = ""


def document_of(asked: Asked) -> str | None:
    """Return the name of the document that a success holds, None for one nothing is promised of.

    A gateway may put something before the path.
    """
    return _document_at(asked.method, asked.path)


@lru_cache(maxsize=1024)
def _document_at(method: str, path: str) -> str | None:
    start = max(path.find("/v1/"), 0)
    for known, place, name in _PLACES:
        if known == method and place.fullmatch(path, start):
            return name
    return None


@lru_cache(maxsize=1)
def sdk_promises() -> tuple[str, Documents]:
    """Return which SDK, and what its types promise; see `scripts/extract_sdk_types.py`."""
    text = (files("l9gate.contract") / "sdk_types.json").read_bytes()
    found = msgspec.json.decode(text, type=_Extract)
    return found.sdk, {
        name: {
            path: msgspec.structs.replace(promise, by=("sdk",))
            for path, promise in promises.items()
        }
        for name, promises in found.documents.items()
    }


@lru_cache(maxsize=1)
def sheet_promises() -> Documents:
    """Return what the fact sheet promises; each names its section."""
    text = (files("l9gate.contract") / "sheet.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Extract).documents


def promised() -> dict[str, dict[str, Promise]]:
    """Return what both promise together."""
    typed = {name: dict(promises) for name, promises in sdk_promises()[1].items()}
    # The types of errors share one shape; whether one is known is asked by its own rule.
    typed[ERROR] = {path: one for path, one in typed[ERROR].items() if "=" not in path}
    for name, promises in typed.items():
        if name.startswith(EVENT):  # whether the type is the event's name too
            promises.pop("/type")
    return merge(typed, sheet_promises())
