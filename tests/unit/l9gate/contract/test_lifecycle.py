"""L4-06: models that an application names are there, and for how long."""

from datetime import date

import pytest

from l9gate.contract import find_model_drifts
from l9gate.wire.json import JsonObject

TODAY = date(2026, 11, 22)


def _entry(**changes: str | None) -> JsonObject:
    return {"id": "claude-haiku-5-5", "lifecycle": "active", "retires_at": None, **changes}


def _codes(name: str, *entries: JsonObject, today: date = TODAY) -> list[str]:
    return [drift.code for drift in find_model_drifts([name], entries, today)]


def test_an_active_model_is_nothing_to_tell() -> None:
    assert _codes("claude-haiku-5-5", _entry()) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lifecycle": "retired"}, "model.retired"),
        ({"lifecycle": "deprecated"}, "model.deprecated"),
        ({"lifecycle": "deprecated", "retires_at": "2027-01-21T00:00:00Z"}, "model.retiring"),
        ({"lifecycle": "deprecated", "retires_at": "2027-01-22T00:00:00Z"}, "model.deprecated"),
        ({"lifecycle": "deprecated", "retires_at": "2026-01-01T00:00:00Z"}, "model.retiring"),
        ({"lifecycle": "deprecated", "retires_at": "some day"}, "model.deprecated"),
        ({"id": "claude-other"}, "model.absent"),
    ],
)
def test_what_an_endpoint_offers_decides(changes: dict[str, str], code: str) -> None:
    assert _codes("claude-haiku-5-5", _entry(**changes)) == [code]


def test_an_alias_is_found_under_its_id_and_the_reverse() -> None:
    dated = _entry(id="claude-haiku-4-5-20251001")
    assert _codes("claude-haiku-4-5", dated) == []
    assert _codes("claude-haiku-4-5-20251001", _entry(id="claude-haiku-4-5")) == []


def test_a_model_of_a_gateway_is_found_by_its_name() -> None:
    assert _codes("house-model", _entry(id="house-model")) == []


@pytest.mark.parametrize(
    ("name", "today", "code"),
    [
        ("claude-sonnet-4-5", date(2026, 11, 30), "model.retiring"),
        ("claude-sonnet-4-5", date(2026, 12, 1), "model.retired"),
        ("claude-sonnet-4-5", date(2026, 8, 1), "model.deprecated"),
        ("claude-2.1", TODAY, "model.retired"),
        ("house-model", TODAY, "model.undated"),
    ],
)
def test_without_an_endpoint_the_table_decides(name: str, today: date, code: str) -> None:
    assert [drift.code for drift in find_model_drifts([name], None, today)] == [code]
