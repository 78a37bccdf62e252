"""Who may ask."""

import pytest

from l9gate.simulator.betas import BETAS, DEPRECATED_BETAS
from l9gate.simulator.credentials import check_version, has_betas, identify, workspace_of
from l9gate.simulator.keys import ANY_KEY, WORKSPACE, Key, KeyRing
from l9gate.simulator.refusal import Refusal

GOOD = "sk-good-1"
OPEN = KeyRing()
LISTED = KeyRing.of(frozenset({GOOD}))


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": GOOD},
        {"authorization": f"Bearer {GOOD}"},
        {"authorization": f"bearer  {GOOD}"},
        {"x-api-key": GOOD, "authorization": "Bearer wrong"},
    ],
)
@pytest.mark.parametrize("ring", [OPEN, LISTED])
def test_both_headers_carry_a_key(headers: dict[str, str], ring: KeyRing) -> None:
    """L2-07."""
    assert isinstance(identify(headers, ring, 0.0), Key)


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
    refusal = identify(headers, OPEN, 0.0)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.error_type) == (401, "authentication_error")
    assert refusal.message == message


def test_a_well_formed_key_that_is_not_listed_is_refused() -> None:
    assert isinstance(identify({"x-api-key": "sk-other-1"}, LISTED, 0.0), Refusal)


def test_a_listed_key_acts_for_its_own_workspace_only() -> None:
    ring = KeyRing([Key(name="ci", value=GOOD, workspace="wrkspc_A")])
    key = identify({"x-api-key": GOOD, "anthropic-workspace-id": "wrkspc_A"}, ring, 0.0)
    assert isinstance(key, Key)
    assert workspace_of({}, key) == "wrkspc_A"
    refusal = identify({"x-api-key": GOOD, "anthropic-workspace-id": "wrkspc_B"}, ring, 0.0)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.error_type) == (403, "permission_error")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [("wrkspc_B", "wrkspc_B"), ("wrkspc_\r\nx: y", WORKSPACE), ("", WORKSPACE)],
)
def test_any_key_may_choose_a_workspace(chosen: str, expected: str) -> None:
    headers = {"x-api-key": GOOD, "anthropic-workspace-id": chosen}
    assert identify(headers, OPEN, 0.0) is ANY_KEY
    assert workspace_of(headers, ANY_KEY) == expected


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "anthropic-version: header is required"),
        ({"anthropic-version": "2020-01-01"}, '"2020-01-01" is not a valid version'),
        (
            {"anthropic-version": "2026-10-21", "anthropic-beta": "files-api-2025-04-14, nope-1"},
            "Unexpected value(s) `nope-1` for the `anthropic-beta` header.",
        ),
        (
            {"anthropic-version": "2026-10-21", "anthropic-beta": "nope-1,nope-2"},
            "Unexpected value(s) `nope-1`, `nope-2` for the `anthropic-beta` header.",
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


def test_leniently_any_beta_passes_and_a_version_is_still_needed() -> None:
    headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "string"}
    assert check_version(headers, "lenient") is None
    assert check_version({"anthropic-beta": "string"}, "lenient") is not None


@pytest.mark.parametrize(
    ("named", "expected"),
    [(None, False), ("", False), ("pdfs-2024-09-25", False), ("pdfs-2024-09-25, new-1", True)],
)
def test_a_beta_that_is_deprecated_brings_nothing(named: str | None, *, expected: bool) -> None:
    assert DEPRECATED_BETAS < BETAS
    assert has_betas({} if named is None else {"anthropic-beta": named}) == expected
