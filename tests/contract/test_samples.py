"""T-04, L4-03: the stored schemas catch every key that goes missing or changes its type.

They are worth as much as what they refuse, so each sample is broken in every way that would break
a client. Nothing here needs the API.
"""

import copy
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from l9gate.wire.json import Json

pytestmark = [pytest.mark.contract, pytest.mark.offline]

Check = Callable[[str, Json], list[str]]
Sample = Callable[[str], Json]

USAGE = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "server_tool_use",
    "service_tier",
    "inference_geo",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
)
MESSAGE = (
    *("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details"),
    *("container", "usage", "content.0.type", *(f"usage.{key}" for key in USAGE)),
)
MODEL = ("type", "id", "display_name", "created_at", "lifecycle", "max_input_tokens", "max_tokens")
CAPABILITIES = (
    *("structured_outputs", "structured_outputs.supported", "effort", "effort.supported"),
    *("thinking", "thinking.types", "thinking.types.disabled.supported"),
)
ERROR = ("type", "error", "error.type", "error.message", "request_id")

# sample → its schema and the keys that clients rely on; double entry beside the schemas themselves
REQUIRED: dict[str, tuple[str, tuple[str, ...]]] = {
    "message_text": ("message", (*MESSAGE, "content.0.text")),
    "message_tool_use": (
        "message",
        (*MESSAGE, "content.0.id", "content.0.name", "content.0.input", "content.0.caller.type"),
    ),
    "error_400": ("error", ERROR),
    "error_401": ("error", ERROR),
    "error_404": ("error", ERROR),
    "token_count": ("token_count", ("input_tokens",)),
    "models_page": (
        "models_page",
        (
            *("data", "has_more", "first_id", "last_id"),
            *(f"data.0.{key}" for key in MODEL),
            "data.1.capabilities",
            *(f"data.1.capabilities.{key}" for key in CAPABILITIES),
        ),
    ),
}
# Each event of a recorded stream by its place.
STREAMED: dict[str, dict[int, tuple[str, ...]]] = {
    "stream_text": {
        0: ("type", "message", *(f"message.{key}" for key in MESSAGE if "content." not in key)),
        1: ("type",),
        2: ("type", "index", "content_block", "content_block.type", "content_block.text"),
        3: ("type", "index", "delta", "delta.type", "delta.text"),
        4: ("type", "index"),
        5: (
            *("type", "delta", "delta.stop_reason", "delta.stop_sequence"),
            *("usage", "usage.output_tokens"),
        ),
        6: ("type",),
    },
    "stream_tool_use": {
        2: ("content_block.id", "content_block.name", "content_block.input"),
        3: ("delta.partial_json",),
    },
}


class Retyped:
    """Nothing that JSON has, so it is of no type that a schema allows."""


def test_samples_keep_their_schemas(sample: Sample, violations: Check) -> None:
    broken = {name: violations(schema, sample(name)) for name, (schema, _) in REQUIRED.items()}
    assert {name: found for name, found in broken.items() if found} == {}


def test_events_of_samples_keep_their_schema(sample: Sample, violations: Check) -> None:
    broken = [
        found
        for name in STREAMED
        for event in _events(sample(name))
        if (found := violations("stream_event", event))
    ]
    assert broken == []


def test_schemas_notice_every_key_that_goes_or_changes(sample: Sample, violations: Check) -> None:
    overlooked = {
        name: _overlooked(sample(name), keys, partial(violations, schema))
        for name, (schema, keys) in REQUIRED.items()
    }
    assert {name: keys for name, keys in overlooked.items() if keys} == {}


def test_event_schema_notices_every_key_that_goes_or_changes(
    sample: Sample, violations: Check
) -> None:
    overlooked = [
        f"{name} event {place}: {key}"
        for name, by_place in STREAMED.items()
        for place, keys in by_place.items()
        for key in _overlooked(
            _events(sample(name))[place], keys, partial(violations, "stream_event")
        )
    ]
    assert overlooked == []


def test_schemas_tolerate_keys_that_they_do_not_know(sample: Sample, violations: Check) -> None:
    """The API may add output fields within one version."""
    for name, (schema, _) in REQUIRED.items():
        body = sample(name)
        holders = list(_objects(body))
        for holder in holders:
            holder["added_tomorrow"] = {"anything": [1, None]}
        assert holders
        assert violations(schema, body) == []


def test_schemas_tolerate_new_blocks_events_deltas_and_stop_reasons(
    sample: Sample, violations: Check
) -> None:
    """The API may add values to what looks like an enumeration."""
    message = sample("message_text")
    assert isinstance(message, dict)
    message |= {"stop_reason": "of_tomorrow", "content": [{"type": "of_tomorrow"}]}
    assert violations("message", message) == []
    delta: Json = {"type": "content_block_delta", "index": 0, "delta": {"type": "of_tomorrow"}}
    assert violations("stream_event", delta) == []
    assert violations("stream_event", {"type": "of_tomorrow"}) == []


def _events(recorded: Json) -> list[Json]:
    assert isinstance(recorded, list)
    return recorded


def _overlooked(body: Json, keys: tuple[str, ...], check: Callable[[Json], list[str]]) -> list[str]:
    """Return the keys whose loss or new type the check does not notice."""
    found = []
    for key in keys:
        *way, last = key.split(".")
        lost, retyped = copy.deepcopy(body), copy.deepcopy(body)
        holder = _walk(lost, way)
        assert last in holder, f"the sample has no `{key}`"
        del holder[last]
        _walk(retyped, way)[last] = Retyped()  # type: ignore[assignment]
        if not check(lost):
            found.append(f"{key} missing")
        if not check(retyped):
            found.append(f"{key} retyped")
    return found


def _walk(body: Json, way: list[str]) -> dict[str, Json]:
    for step in way:
        if isinstance(body, list):
            body = body[int(step)]
        else:
            assert isinstance(body, dict), f"nothing is below `{step}`"
            body = body[step]
    assert isinstance(body, dict)
    return body


def _objects(body: Json) -> Iterator[dict[str, Json]]:
    """Yield every object of a body but those that hold what a user defined."""
    if isinstance(body, dict):
        for key, value in list(body.items()):
            if key not in {"input", "types"}:
                yield from _objects(value)
        yield body
    elif isinstance(body, list):
        for value in body:
            yield from _objects(value)
