"""L4-05, C-13: every answer says what is left of the quota, in whole triples."""

import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anthropic
import pytest
from anthropic.types import Message

from neural_tools.settings import Settings

pytestmark = pytest.mark.contract

PREFIX = "anthropic-ratelimit"
FAMILIES = ("requests", "input-tokens", "output-tokens", "tokens")
WAIVERS = Path(__file__).with_name("rate_limit_waivers.toml")
FULL_AFTER = timedelta(hours=1)  # buckets hold a minute's worth; the rest is for clocks that differ


@pytest.fixture(scope="module")
def headers(
    ask: Callable[..., anthropic.APIResponse[Message]],
) -> Mapping[str, str]:
    return ask("Reply with exactly: ready").headers


def _waived() -> set[str]:
    today = datetime.now(UTC).date()
    waivers = tomllib.loads(WAIVERS.read_text(encoding="utf-8")).get("waiver", [])
    for waiver in waivers:
        assert waiver["reason"]
        assert waiver["owner"]
    return {waiver["family"] for waiver in waivers if waiver["expires"] > today}


def _triple(headers: Mapping[str, str], family: str) -> tuple[int, int, datetime]:
    limit, left, full_at = (
        headers[f"{PREFIX}-{family}-{part}"] for part in ("limit", "remaining", "reset")
    )
    return int(limit), int(left), datetime.fromisoformat(full_at)


@pytest.mark.parametrize("family", FAMILIES)
def test_triple_is_there_and_makes_sense(headers: Mapping[str, str], family: str) -> None:
    if family in _waived() and f"{PREFIX}-{family}-limit" not in headers:
        return
    names = [f"{PREFIX}-{family}-{part}" for part in ("limit", "remaining", "reset")]
    absent = [name for name in names if name not in headers]
    assert absent == [], f"not sent; if this plan has none, say so in {WAIVERS.name}"
    limit, left, full_at = _triple(headers, family)
    assert 0 <= left <= limit
    assert limit > 0
    assert full_at.tzinfo is not None
    assert abs(full_at - datetime.now(UTC)) < FULL_AFTER


def test_one_triple_is_there_whatever_is_waived(headers: Mapping[str, str]) -> None:
    whole = [family for family in FAMILIES if f"{PREFIX}-{family}-reset" in headers]
    assert whole
    assert _triple(headers, whole[0])[0] > 0


def test_streams_carry_them_too(
    client: anthropic.Anthropic, headers: Mapping[str, str], settings: Settings
) -> None:
    sent = {name for name in headers if name.startswith(PREFIX)}
    assert sent
    with client.messages.with_streaming_response.create(
        model=settings.model,
        max_tokens=16,
        messages=[{"role": "user", "content": "Reply with exactly: ready"}],
        stream=True,
    ) as response:
        streamed = {name for name in response.headers if name.startswith(PREFIX)}
        response.read()
    assert streamed == sent
