"""Exchanges as they should be, of the corpus."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.contract import Contract, Observed, parse_asked, parse_observed
from l9gate.wire.json import JsonObject
from l9gate.wire.sse import SseEvent, render_event

BASES = Path(__file__).parents[3] / "data" / "contract" / "bases.json"
Play = Callable[..., Observed]


@pytest.fixture(scope="session")
def _bases() -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = json.loads(BASES.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def contract() -> Contract:
    """What everybody is promised."""
    return Contract()


@pytest.fixture
def base(_bases: dict[str, JsonObject]) -> Callable[[str], JsonObject]:
    """Return an exchange of the corpus, to be changed."""
    return lambda name: copy.deepcopy(_bases[name])


@pytest.fixture
def body(base: Callable[[str], JsonObject]) -> Callable[[str], JsonObject]:
    """Return the body of an exchange of the corpus."""

    def find(name: str) -> JsonObject:
        found = base(name)["body"]
        assert isinstance(found, dict)
        return found

    return find


@pytest.fixture
def play(base: Callable[[str], JsonObject]) -> Play:
    """Return an exchange of the corpus from bytes, with other headers, status or body."""

    def make(
        name: str,
        *,
        status: int | None = None,
        headers: dict[str, str | None] | None = None,
        body: JsonObject | bytes | None = None,
        events: list[SseEvent] | None = None,
        probe: str | None = None,
    ) -> Observed:
        found = base(name)
        asked, known = found["asked"], found["headers"]
        assert isinstance(asked, dict)
        assert isinstance(known, dict)
        every = {**known, **(headers or {})}
        raw = body if isinstance(body, bytes) else json.dumps(body or found.get("body")).encode()
        if "events" in found and body is None:
            shown = _sse(found["events"]) if events is None else events  # type: ignore[arg-type]
            raw = b"".join(render_event(event.event, event.data) for event in shown)
        return parse_observed(
            parse_asked(
                str(asked["method"]),
                str(asked["path"]),
                {"anthropic-version": str(asked["api_version"])},
                json.dumps(asked["body"]).encode(),
            ),
            int(str(found["status"])) if status is None else status,
            {key: str(value) for key, value in every.items() if value is not None},
            raw,
            probe,
        )

    return make


def _sse(events: list[tuple[str, JsonObject]]) -> list[SseEvent]:
    return [SseEvent(name, json.dumps(data).encode()) for name, data in events]
