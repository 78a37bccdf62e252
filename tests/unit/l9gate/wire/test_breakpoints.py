"""Breakpoints of the prompt cache in a request."""

import msgspec
import pytest

from l9gate.wire.breakpoints import breakpoints_of, longest_lifetime_s
from l9gate.wire.json import Json, JsonObject

FIVE: JsonObject = {"type": "ephemeral"}
HOUR: JsonObject = {"type": "ephemeral", "ttl": "1h"}


def body(**fields: Json) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": [], **fields})


@pytest.mark.parametrize(
    ("fields", "expected_s"),
    [
        ({"cache_control": FIVE}, 300),
        ({"system": [{"type": "text", "text": "x", "cache_control": HOUR}]}, 3600),
        ({"tools": [{"name": "f", "cache_control": HOUR}], "cache_control": FIVE}, 3600),
        ({"messages": [{"role": "user", "content": [{"cache_control": FIVE}]}]}, 300),
        ({"system": ["odd", {"text": "x", "cache_control": FIVE}]}, 300),
        ({"cache_control": None}, None),
        ({"cache_control": {"type": "ephemeral", "ttl": "new"}}, 300),
    ],
)
def test_the_longest_lifetime_that_is_asked_for_counts(
    fields: dict[str, Json], expected_s: int | None
) -> None:
    assert longest_lifetime_s(body(**fields)) == expected_s


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": 'say "cache_control": {"type": "ephemeral"}'}]},
        {"tools": [{"name": "f", "input_schema": {"properties": {"cache_control": {}}}}]},
        {"messages": [{"content": [{"type": "tool_use", "input": {"cache_control": {}}}]}]},
    ],
)
def test_what_a_prompt_or_a_schema_says_is_no_breakpoint(fields: dict[str, Json]) -> None:
    assert longest_lifetime_s(body(**fields)) is None


@pytest.mark.parametrize("data", [b'{"cache_control"', b'["cache_control"]', b"\xff", b""])
def test_what_is_no_request_has_none(data: bytes) -> None:
    assert longest_lifetime_s(data) is None


def test_blocks_come_in_the_order_of_the_api_and_inner_ones_first() -> None:
    inner: JsonObject = {"type": "text", "cache_control": FIVE}
    outer: JsonObject = {"type": "tool_result", "content": [inner], "cache_control": HOUR}
    request: JsonObject = {
        "messages": [{"role": "user", "content": [outer]}],
        "tools": [{"cache_control": HOUR}],
    }
    assert breakpoints_of(request) == [
        ("tools.0", "1h"),
        ("messages.0.content.0.content.0", "5m"),
        ("messages.0.content.0", "1h"),
    ]
