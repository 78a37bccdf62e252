"""Which document an answer is, and who promises what of it."""

import pytest

from l9gate.contract import Asked
from l9gate.contract.documents import document_of, promised, sdk_promises, sheet_promises


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/messages", "message"),
        ("GET", "/v1/messages", None),
        ("POST", "/gateway/anthropic/v1/messages", "message"),
        ("POST", "/v1/messages/count_tokens", "token_count"),
        ("GET", "/v1/models", "models_page"),
        ("GET", "/v1/models/claude-haiku-5-5", "model"),
        ("POST", "/v1/messages/batches", "batch"),
        ("POST", "/v1/messages/batches/b/cancel", "batch"),
        ("GET", "/v1/messages/batches/b/results", None),
        ("POST", "/model/m/invoke", None),
    ],
)
def test_a_place_answers_with_one_document(method: str, path: str, name: str | None) -> None:
    assert document_of(Asked(method=method, path=path)) == name


def test_the_sheet_is_stricter_than_the_types() -> None:
    """Section 8: all keys are always on the wire; the SDK treats most as optional."""
    (_, types), sheet, both = sdk_promises(), sheet_promises(), promised()
    assert not types["message"]["/stop_sequence"].always
    assert both["message"]["/stop_sequence"].always
    assert both["message"]["/stop_reason"].kinds == ("string",)
    assert both["event message_start"]["/message/stop_reason"].kinds == ("null",)
    assert set(sheet) <= set(both)


def test_types_of_errors_and_names_of_events_are_asked_by_rules_of_their_own() -> None:
    both = promised()
    assert [path for path in both["error"] if "=" in path] == []
    assert both["event message_stop"]["/type"].values == ()
