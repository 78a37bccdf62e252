"""Who may ask."""

import pytest

from l9gate.simulator.credentials import check_credentials, check_version

GOOD = "sk-good-1"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": GOOD},
        {"authorization": f"Bearer {GOOD}"},
        {"authorization": f"bearer  {GOOD}"},
        {"x-api-key": GOOD, "authorization": "Bearer wrong"},
    ],
)
@pytest.mark.parametrize("keys", [None, frozenset({GOOD})])
def test_both_headers_carry_a_key(headers: dict[str, str], keys: frozenset[str] | None) -> None:
    """L2-07."""
    assert check_credentials(headers, keys) is None


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "x-api-key or authorization header is required"),
        ({"x-api-key": ""}, "invalid x-api-key"),
        ({"x-api-key": "wrong", "authorization": f"Bearer {GOOD}"}, "invalid x-api-key"),
        ({"x-api-key": "sk-1"}, "invalid x-api-key"),
        ({"x-api-key": "sk-a b c d e"}, "invalid x-api-key"),
        ({"x-api-key": "sk-INVALID-key"}, "invalid x-api-key"),
        ({"authorization": "Bearer"}, "Invalid bearer token"),
        ({"authorization": GOOD}, "Invalid bearer token"),
        ({"authorization": f"Basic {GOOD}"}, "Invalid bearer token"),
    ],
)
def test_a_bad_key_is_refused(headers: dict[str, str], message: str) -> None:
    """L2-07."""
    refusal = check_credentials(headers, None)
    assert refusal is not None
    assert (refusal.status, refusal.error_type) == (401, "authentication_error")
    assert refusal.message == message


def test_a_well_formed_key_that_is_not_listed_is_refused() -> None:
    assert check_credentials({"x-api-key": "sk-other-1"}, frozenset({GOOD})) is not None


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "anthropic-version: header is required"),
        ({"anthropic-version": "2020-01-01"}, '"2020-01-01" is not a valid version'),
        (
            {"anthropic-version": "2026-10-21", "anthropic-beta": "files-api-2025-04-14, nope-1"},
            "Unexpected value(s) `nope-1` for the `anthropic-beta` header.",
        ),
    ],
)
def test_a_version_or_beta_that_is_not_known_is_refused(
    headers: dict[str, str], words: str
) -> None:
    """L4-07."""
    refusal = check_version(headers)
    assert refusal is not None
    assert (refusal.status, refusal.error_type) == (400, "invalid_request_error")
    assert words in refusal.message


@pytest.mark.parametrize("version", ["2026-10-21", "2023-06-01"])
def test_known_versions_and_betas_pass(version: str) -> None:
    headers = {"anthropic-version": version, "anthropic-beta": "pdfs-2024-09-25,"}
    assert check_version(headers) is None
