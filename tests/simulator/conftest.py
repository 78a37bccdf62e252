"""A simulator without a network: requests in, responses out."""

from collections.abc import Callable

import msgspec
import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.wire.json import Json, JsonObject

Ask = Callable[..., HttpResponse]


@pytest.fixture
def body() -> JsonObject:
    """A small request that is valid."""
    return {
        "model": "claude-haiku-5-5",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": "Which function opens a file?"}],
    }


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def app(clock: ManualClock) -> SimulatorApp:
    return SimulatorApp(SimulatorConfig(load_factor=0), clock)


@pytest.fixture
def make_request() -> Callable[..., HttpRequest]:
    """Make a request with good headers; `drop` names some to leave out."""

    def make(
        body: Json = None,
        path: str = "/v1/messages",
        *,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        drop: tuple[str, ...] = (),
    ) -> HttpRequest:
        path, _, query = path.partition("?")
        all_headers = {
            "authorization": "Bearer sk-test-1",
            "anthropic-version": "2026-10-21",
            **(headers or {}),
        }
        return HttpRequest(
            method=method,
            path=path,
            query=query,
            headers={name: value for name, value in all_headers.items() if name not in drop},
            body=b"" if body is None else msgspec.json.encode(body),
        )

    return make


@pytest.fixture
def ask(app: SimulatorApp, make_request: Callable[..., HttpRequest]) -> Ask:
    """Send a request to an app that answers at once."""

    def send(*args: Json, **options: Json) -> HttpResponse:
        answer = app(make_request(*args, **options))
        assert isinstance(answer, HttpResponse)
        return answer

    return send
