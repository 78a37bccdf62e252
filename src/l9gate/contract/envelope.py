"""Status and error envelope."""

import re
from collections.abc import Iterator

from l9gate.contract.drift import Drift, name_of, sketch, sketch_bytes, tell
from l9gate.contract.rules import Impact
from l9gate.wire.faults import ERROR_TYPES, status_of, type_of
from l9gate.wire.json import Json, JsonObject

# Types of the SDK that go with no documented status, and so with any from 400 on.
_FREE_TYPES = frozenset({"memory_precondition_failed_error", "memory_path_conflict_error"})
_TYPE_FORM = re.compile(r"[a-z][a-z0-9_]*_(?:error|too_large)")
_TRANSIENT = frozenset({408, 429})
_CODED = 503  # listed with codes of its own (fact sheet, section 7.4), without a type of its own
_EDGE_STATUS = 413  # answered before the API is reached; whether with its envelope is not known


def is_transient(status: int) -> bool:
    """Whether a status says nothing about what was asked."""
    return status in _TRANSIENT or status >= 500


def find_status_drifts(status: int, usual: tuple[int, ...]) -> Iterator[Drift]:
    """Yield how a status differs from those that a probe had in every repeat; none: no probe."""
    if not usual or status in usual:
        return
    expected = " or ".join(map(str, usual))
    code = "status.transient" if is_transient(status) else "status.changed"
    yield tell(code, "status", expected, str(status))


def find_error_drifts(status: int, raw: bytes, body: JsonObject | None) -> Iterator[Drift]:
    """Yield what is wrong with the body of an error; a foreign one is told once, and that is all.

    Args:
        status: of the response, from 400 on.
        raw: the body as it came.
        body: the same, decoded; None if it is no JSON object.
    """
    if not _is_documented(status):
        yield tell("status.undocumented", "status", "a status of the API", str(status))
    if body is None or is_foreign(body):
        impact = Impact.WARNING if status == _EDGE_STATUS else None
        found = sketch_bytes(raw) if body is None else sketch(body)
        yield tell("envelope.foreign", "", "the API's error envelope", found, impact=impact)
    else:
        yield from find_type_drifts(body, status)


def is_foreign(body: JsonObject | None) -> bool:
    """Whether an error's body is not even an attempt at the API's envelope."""
    return body is None or body.get("type") != "error" or not isinstance(body.get("error"), dict)


def find_type_drifts(body: JsonObject, status: int | None, place: str = "") -> Iterator[Drift]:
    """Yield what is wrong with `error.type`; without a status, as in a stream, only its form."""
    error: Json = body.get("error")
    kind = error.get("type") if isinstance(error, dict) else None
    where = f"{place}/error/type"
    if not isinstance(kind, str):
        return  # told by the shape
    if not _TYPE_FORM.fullmatch(kind):
        yield tell("envelope.type", where, "a type of the API", name_of(kind), sketch(body))
    elif kind not in ERROR_TYPES:
        if kind not in _FREE_TYPES:
            yield tell("envelope.type_new", where, "a documented type", name_of(kind))
    elif status is not None and status_of(kind) != status and type_of(status) != kind:
        found = f"{name_of(kind)} with {status}"
        yield tell("envelope.mismatch", where, f"`{type_of(status)}`", found)


def _is_documented(status: int) -> bool:
    return status == _CODED or status_of(type_of(status)) == status
