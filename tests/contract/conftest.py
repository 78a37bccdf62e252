"""The official client, told to accept only what its types promise, and the stored schemas."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import anthropic
import pytest
from anthropic.types import Message
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseEvent, SseParser
from neural_tools.settings import Effort, Settings, Thinking

_HERE = Path(__file__).parent
MAX_TOKENS = 256
TIMEOUT_S = 30.0


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[anthropic.Anthropic]:
    """A client of the environment; a transient refusal is no breach of contract, so it retries."""
    with anthropic.Anthropic(
        api_key=settings.api_key,
        base_url=settings.base_url,
        max_retries=2,
        timeout=TIMEOUT_S,
        _strict_response_validation=True,
    ) as found:
        yield found


@pytest.fixture(scope="session")
def basis(settings: Settings) -> JsonObject:
    """What every request of these tests has in common with those of the application."""
    found: JsonObject = {"model": settings.model, "max_tokens": MAX_TOKENS}
    if settings.thinking is not Thinking.DEFAULT:
        found["thinking"] = {"type": settings.thinking.value}
    if settings.effort is not Effort.DEFAULT:
        found["output_config"] = {"effort": settings.effort.value}
    return found


@pytest.fixture(scope="session")
def ask(
    client: anthropic.Anthropic, basis: JsonObject
) -> Callable[..., anthropic.APIResponse[Message]]:
    """Ask for a whole message: the last user message, and fields of the request as keywords."""

    def send(text: str, **changes: Json) -> anthropic.APIResponse[Message]:
        said: JsonObject = {"messages": [{"role": "user", "content": text}]}
        request = basis | said | changes
        response: anthropic.APIResponse[Message]
        response = client.messages.with_raw_response.create(**request)  # type: ignore[call-overload]
        return response

    return send


@pytest.fixture(scope="session")
def stream(client: anthropic.Anthropic, basis: JsonObject) -> Callable[..., list[SseEvent]]:
    """Ask for a stream and return its events as they were on the wire."""

    def send(text: str, **changes: Json) -> list[SseEvent]:
        said: JsonObject = {"messages": [{"role": "user", "content": text}], "stream": True}
        parser = SseParser()
        request = basis | said | changes
        opened = client.messages.with_streaming_response.create(**request)  # type: ignore[call-overload]
        with opened as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["request-id"]
            events = [event for chunk in response.iter_bytes() for event in parser.feed(chunk)]
        assert not parser.has_partial_event
        return events

    return send


@pytest.fixture(scope="session")
def violations() -> Callable[[str, Json], list[str]]:
    """Say where a body breaks a stored schema: `path: what was expected`."""
    schemas = [json.loads(file.read_text()) for file in (_HERE / "schemas").glob("*.json")]
    registry: Registry[bool | Mapping[str, object]] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas]
    )
    validators = {
        schema["$id"].partition(".")[0]: Draft202012Validator(schema, registry=registry)
        for schema in schemas
    }

    def check(name: str, body: Json) -> list[str]:
        errors = validators[name].iter_errors(body)
        return [f"{error.json_path}: {error.validator} {error.validator_value}" for error in errors]

    return check


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Json]:
    """Return a recorded body; ids in it are made up."""

    def read(name: str) -> Json:
        body: Json = json.loads((_HERE / "samples" / f"{name}.json").read_text())
        return body

    return read
