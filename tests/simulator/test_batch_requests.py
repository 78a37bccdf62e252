"""What the requests of a message batch get: what each of them would get if it were sent alone."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.keys import Key, KeyRing
from l9gate.wire.json import Json, JsonObject

Make = Callable[..., HttpRequest]
PATH = "/v1/messages/batches"
BETA = {"anthropic-beta": "context-management-2025-06-27"}
OLD_BETA = {"anthropic-beta": "message-batches-2024-09-24"}
OLD_VERSION = {"anthropic-version": "2023-06-01"}
GIF = "R0lGODlhQR9AHw=="  # 8001 x 8000
SOURCE: JsonObject = {"type": "base64", "media_type": "image/gif", "data": GIF}
WIDE: JsonObject = {"type": "image", "source": SOURCE}
LONG = "All that one can say of a repository. " * 600
NARROW = KeyRing([Key(name="n", value="sk-test-1", models=("claude-haiku-5-5",))])


class Sender:
    """Sends requests alone and in batches."""

    def __init__(self, make: Make, keys: KeyRing | None = None) -> None:
        self.clock = ManualClock()
        self.app = SimulatorApp(SimulatorConfig(load_factor=0, keys=keys), self.clock)
        self._make = make

    def send(self, *given: Json, **options: object) -> bytes:
        return asyncio.run(_read(self.app(self._make(*given, **options))))

    def alone(self, params: JsonObject, headers: dict[str, str]) -> JsonObject:
        found: JsonObject = msgspec.json.decode(self.send(params, headers=headers))
        return found

    def batched(self, *params: JsonObject, headers: dict[str, str]) -> list[JsonObject]:
        """Return the results of requests in a batch, in the order of the requests."""
        requests: list[Json] = [{"custom_id": f"{n:05}", "params": p} for n, p in enumerate(params)]
        made = msgspec.json.decode(self.send({"requests": requests}, PATH, headers=headers))
        self.send(None, f"{PATH}/{made['id']}", method="GET")
        lines = self.send(None, f"{PATH}/{made['id']}/results", method="GET").splitlines()
        found = sorted(map(msgspec.json.decode, lines), key=lambda line: str(line["custom_id"]))
        return [line["result"] for line in found]


async def _read(answer: HttpResponse | Awaitable[HttpResponse]) -> bytes:
    response = answer if isinstance(answer, HttpResponse) else await answer
    if isinstance(response.body, bytes):
        return response.body
    return b"".join([piece async for piece in response.body if isinstance(piece, bytes)])


def _use(message: Json) -> list[Json]:
    """Return what of a prompt was written, read, and neither."""
    assert isinstance(message, dict)
    usage = message["usage"]
    assert isinstance(usage, dict)
    return [
        usage[name]
        for name in ("cache_creation_input_tokens", "cache_read_input_tokens", "input_tokens")
    ]


@pytest.mark.parametrize("headers", [{}, BETA, OLD_BETA, OLD_VERSION])
@pytest.mark.parametrize("keys", [None, NARROW])
def test_a_request_in_a_batch_is_judged_as_alone(
    make_request: Make, body: JsonObject, headers: dict[str, str], keys: KeyRing | None
) -> None:
    sender = Sender(make_request, keys)
    changes: list[JsonObject] = [
        {},
        {"context_management": {"edits": []}},
        {"model": "claude-opus-5-5"},
        {"model": "claude-99"},
        {"temperature": 1},
        {"max_tokens": 10_000_000},
        {"messages": [{"role": "user", "content": [WIDE]}]},
        {"messages": []},
        {"model": "claude-haiku-4-5", "system": "x" * 1_000_000},
    ]
    asked = [{**body, **change} for change in changes]
    results = sender.batched(*asked, headers=headers)
    for params, result in zip(asked, results, strict=True):
        expected = sender.alone(params, headers)
        if expected["type"] == "error":
            error = result["error"]
            assert isinstance(error, dict)
            assert (result["type"], error["error"]) == ("errored", expected["error"])
        else:
            message = result["message"]
            assert isinstance(message, dict)
            assert (result["type"], message["content"]) == ("succeeded", expected["content"])


def test_requests_of_a_batch_write_and_read_the_prompt_cache(
    make_request: Make, body: JsonObject
) -> None:
    """Section 11 of the sheet: what alone would be written first and then read."""
    body["system"] = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    alone = Sender(make_request)
    expected = [_use(alone.alone(body, {})) for _ in range(3)]
    sender = Sender(make_request)
    first, *rest = (_use(result["message"]) for result in sender.batched(*[body] * 3, headers={}))
    assert [first, *rest] == expected
    assert first[0] == rest[0][1] != 0
    assert (first[1], rest[0][0]) == (0, 0)
    assert _use(sender.alone(body, {}))[1] == first[0]
    assert _use(sender.batched(body, headers={})[0]["message"])[1] == first[0]


def test_entries_of_a_batch_expire_and_are_of_its_workspace(
    make_request: Make, body: JsonObject
) -> None:
    body["system"] = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    sender = Sender(make_request)
    sender.batched(body, headers={})
    other = {"anthropic-workspace-id": "wrkspc_other"}
    assert _use(sender.alone(body, other))[1] == 0
    sender.clock.advance(301)
    assert _use(sender.alone(body, {}))[1] == 0


def test_others_have_their_turn_while_a_large_batch_is_worked_on(
    make_request: Make, body: JsonObject
) -> None:
    app = SimulatorApp(SimulatorConfig(load_factor=0), ManualClock())
    requests: list[Json] = [{"custom_id": f"r{n}", "params": body} for n in range(320)]

    async def count_turns(request: HttpRequest) -> tuple[bytes, int]:
        turns = 0
        work = asyncio.ensure_future(_read(app(request)))
        while not work.done():
            turns += 1
            await asyncio.sleep(0)
        return work.result(), turns

    made, create_turns = asyncio.run(count_turns(make_request({"requests": requests}, PATH)))
    place = f"{PATH}/{msgspec.json.decode(made)['id']}"
    _, show_turns = asyncio.run(count_turns(make_request(None, place, method="GET")))
    results = make_request(None, f"{place}/results", method="GET")
    _, result_turns = asyncio.run(count_turns(results))
    assert min(create_turns, show_turns, result_turns) > 320 / 16


def test_two_who_look_at_a_batch_at_once_see_the_same(make_request: Make, body: JsonObject) -> None:
    app = SimulatorApp(SimulatorConfig(load_factor=0), ManualClock())
    requests: list[Json] = [{"custom_id": f"r{n}", "params": body} for n in range(100)]
    made = asyncio.run(_read(app(make_request({"requests": requests}, PATH))))
    look = make_request(None, f"{PATH}/{msgspec.json.decode(made)['id']}", method="GET")

    async def look_twice() -> tuple[bytes, bytes]:
        return await asyncio.gather(_read(app(look)), _read(app(look)))

    shown = [msgspec.json.decode(found) for found in asyncio.run(look_twice())]
    assert shown[0] == shown[1]
    assert shown[0]["request_counts"]["succeeded"] == 100


def test_a_flaw_deep_in_a_batch_is_named_where_it_is(make_request: Make, body: JsonObject) -> None:
    sender = Sender(make_request)
    requests: list[Json] = [{"custom_id": f"r{n}", "params": body} for n in range(40)]
    requests[33] = {"custom_id": "r33", "params": 7}
    found = msgspec.json.decode(sender.send({"requests": requests}, PATH))
    assert found["error"]["message"] == "requests.33.params: Input should be a valid dictionary"
