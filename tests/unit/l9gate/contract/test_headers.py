"""L4-05, C-13: what headers have to say, and how it must read."""

import pytest

from l9gate.contract.headers import (
    FAMILIES,
    are_plain,
    are_usual,
    find_changed_headers,
    find_header_drifts,
)
from l9gate.wire.json import JsonObject

RESET = "2026-11-22T17:00:00Z"
LIMITS = {
    f"anthropic-ratelimit-{family}-{part}": value
    for family in FAMILIES
    for part, value in (("limit", "50"), ("remaining", "49"), ("reset", RESET))
}
USUAL = {"request-id": "req_1", "content-type": "application/json", **LIMITS}
FIRST = "anthropic-ratelimit-requests"
PLAIN_429: JsonObject = {"type": "error", "error": {"type": "rate_limit_error"}}


def _codes(headers: dict[str, str], status: int = 200, body: JsonObject | None = None) -> list[str]:
    found = find_header_drifts(headers, status=status, is_stream=False, is_message=True, body=body)
    return [drift.code for drift in found]


def test_usual_headers_are_nothing_to_tell() -> None:
    assert are_usual(USUAL, is_stream=False)
    assert _codes(USUAL) == []
    stream = {**USUAL, "content-type": "text/event-stream; charset=utf-8"}
    assert are_usual(stream, is_stream=True)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"request-id": None}, ["header.missing"]),
        ({"request-id": "1"}, ["header.form"]),
        ({"content-type": None}, ["header.missing"]),
        ({"content-type": "text/html"}, ["header.content_type"]),
        ({"content-type": "secret of mine"}, ["header.content_type"]),
        ({f"{FIRST}-limit": None}, ["header.rate_limit"]),
        ({f"{FIRST}-limit": "many"}, ["header.form"]),
        ({f"{FIRST}-limit": "-1"}, ["header.form"]),
        ({f"{FIRST}-remaining": "51"}, ["header.rate_limit_sense"]),
        ({f"{FIRST}-remaining": "100"}, ["header.rate_limit_sense"]),
        ({f"{FIRST}-reset": "2026-11-22 17:00"}, ["header.form"]),
        ({"retry-after": "soon"}, ["header.form"]),
        ({f"{FIRST}-{part}": None for part in ("limit", "remaining", "reset")}, []),
        (dict.fromkeys(LIMITS), ["header.rate_limit"]),
        ({f"{FIRST}-reset": "2026-11-22T17:00:00.25Z"}, []),
        ({"retry-after": "1"}, []),
    ],
)
def test_what_cannot_be_read_or_is_gone_is_told_and_never_usual(
    changes: dict[str, str | None], codes: list[str]
) -> None:
    every = {**USUAL, **changes}
    headers = {name: value for name, value in every.items() if value is not None}
    assert _codes(headers) == codes
    if codes:
        assert not are_usual(headers, is_stream=False)


@pytest.mark.parametrize(
    ("changes", "is_plain"),
    [
        ({}, True),
        ({"content-type": "application/json; charset=utf-8"}, True),
        ({"content-type": "application/jsonish"}, False),
        ({"content-type": ""}, False),
        ({"request-id": "1"}, False),
        ({"retry-after": "1"}, True),
        ({"retry-after": "1.5"}, False),
        ({f"{FIRST}-limit": "1"}, False),
    ],
)
def test_headers_without_limits_are_plain(changes: dict[str, str], is_plain: bool) -> None:
    plain = {"request-id": "req_1", "content-type": "application/json", **changes}
    assert are_plain(plain) == is_plain


def test_no_finding_shows_the_value_of_a_header() -> None:
    headers = {**USUAL, "request-id": "secret 1", "content-type": "secret", "retry-after": "secret"}
    found = find_header_drifts(headers, status=200, is_stream=False, is_message=True, body=None)
    assert "secret" not in "".join(drift.found + drift.path for drift in found)


@pytest.mark.parametrize(
    ("headers", "details", "codes"),
    [
        ({}, None, ["header.retry_after"]),
        ({"retry-after": "3"}, None, []),
        ({"retry-after-ms": "30"}, None, []),
        ({"x-should-retry": "false"}, None, []),
        ({}, {"error_code": "enforced_spend_limit_reached"}, []),
        ({}, {"error_code": None}, ["header.retry_after"]),
    ],
)
def test_a_rate_limit_says_when_to_come_back(
    headers: dict[str, str], details: JsonObject | None, codes: list[str]
) -> None:
    """Section 12.4, K7."""
    body: JsonObject = {"type": "error", "error": {"type": "rate_limit_error", "details": details}}
    assert _codes({**USUAL, **headers}, 429, body) == codes


def test_a_stream_comes_as_a_stream_and_its_refusal_does_not() -> None:
    def codes(status: int) -> list[str]:
        found = find_header_drifts(USUAL, status=status, is_stream=True, is_message=True, body=None)
        return [drift.code for drift in found]

    assert codes(200) == ["header.content_type"]
    assert codes(400) == []


def test_errors_need_no_limits_and_tell_one_id() -> None:
    bare = {name: value for name, value in USUAL.items() if name not in LIMITS}
    assert _codes(bare, 400, {"request_id": "req_1"}) == []
    assert _codes(bare, 400, {"request_id": None}) == []
    assert _codes(bare, 400, {"request_id": "req_2"}) == ["header.request_id"]
    assert _codes(bare, 429, None) == ["header.retry_after"]


def test_headers_come_and_go() -> None:
    usual = {
        "request-id": True, "date": True, "x-a": True, "x-b": False, "x-l9gate-origin": True,
        f"{FIRST}-limit": True,
    }  # fmt: skip
    headers = {"x-new": "1", "content-length": "3", "retry-after": "1", "x-l9gate-fault": "1"}
    found = {drift.path: drift.code for drift in find_changed_headers(headers, usual, ("x-mine",))}
    assert found == {
        "header request-id": "header.missing",
        "header x-a": "header.gone",
        "header x-mine": "header.missing",
        f"header {FIRST}-limit": "header.missing",
        "header x-new": "header.added",
    }
    assert list(find_changed_headers(headers, {}, ())) == []
