"""L4-04: an error says in its envelope what happened, and status and type agree."""

import pytest

from l9gate.contract.envelope import (
    find_error_drifts,
    find_status_drifts,
    find_type_drifts,
    is_foreign,
    is_transient,
)
from l9gate.wire.faults import ERROR_TYPES, status_of
from l9gate.wire.json import Json, JsonObject


def _error(kind: Json) -> JsonObject:
    return {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "req_1"}


@pytest.mark.parametrize("kind", sorted(ERROR_TYPES))
def test_every_type_with_its_own_status_is_nothing_to_tell(kind: str) -> None:
    status = status_of(kind)
    assert status is not None
    assert list(find_error_drifts(status, b"", _error(kind))) == []


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (500, "overloaded_error", "envelope.mismatch"),
        (404, "invalid_request_error", "envelope.mismatch"),
        (400, "BadRequest", "envelope.type"),
        (400, "future_error", "envelope.type_new"),
        (418, "invalid_request_error", "status.undocumented"),
        (502, "api_error", "status.undocumented"),
    ],
)
def test_what_does_not_go_together_is_told(status: int, kind: str, code: str) -> None:
    assert [drift.code for drift in find_error_drifts(status, b"", _error(kind))] == [code]


@pytest.mark.parametrize("kind", ["memory_path_conflict_error", "memory_precondition_failed_error"])
def test_types_without_a_documented_status_go_with_any(kind: str) -> None:
    assert list(find_error_drifts(409, b"", _error(kind))) == []


def test_a_status_that_only_codes_go_with_is_documented() -> None:
    assert list(find_error_drifts(503, b"", _error("api_error"))) == []


def test_a_type_that_is_no_text_is_left_to_the_shape() -> None:
    assert list(find_type_drifts(_error(7), 400)) == []
    assert list(find_type_drifts({"error": 7}, 400)) == []


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"", "empty"),
        (b"<html>secret</html>", "markup, 19 bytes"),
        (b"[1]", "an array, 3 bytes"),
        (b'{"a', "an object cut off, 3 bytes"),
        (b"secret", "text, 6 bytes"),
    ],
)
def test_a_foreign_body_is_described_and_not_shown(raw: bytes, found: str) -> None:
    (drift,) = find_error_drifts(400, raw, None)
    assert (drift.code, drift.found) == ("envelope.foreign", found)


def test_what_is_not_even_an_attempt_is_foreign() -> None:
    assert is_foreign(None)
    assert is_foreign({"error": {"message": "m"}})
    assert is_foreign({"type": "error", "error": "m"})
    assert not is_foreign(_error("x"))


def test_a_probe_tells_a_change_from_a_bad_moment() -> None:
    assert list(find_status_drifts(404, ())) == []
    assert list(find_status_drifts(200, (200, 400))) == []
    assert [drift.code for drift in find_status_drifts(404, (200,))] == ["status.changed"]
    assert [drift.code for drift in find_status_drifts(529, (200,))] == ["status.transient"]
    assert [is_transient(status) for status in (400, 408, 429, 500)] == [False, True, True, True]
