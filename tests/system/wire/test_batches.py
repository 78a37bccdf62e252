"""Message batches through their life: section 16, and 19.15."""

import json
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from anthropic._models import validate_type
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

from l9gate.net.client import ClientResponse
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.limits import Tier
from l9gate.simulator.server import SimulatorThread
from l9gate.wire.json import Json, JsonObject

Ask: TypeAlias = Callable[..., ClientResponse]
Refused: TypeAlias = Callable[[ClientResponse], tuple[int, str, str]]
BATCHES = "/v1/messages/batches"
KEYS = {
    *("id", "type", "processing_status", "request_counts", "created_at", "expires_at"),
    *("ended_at", "cancel_initiated_at", "archived_at", "results_url"),
}
COUNTS = {"processing", "succeeded", "errored", "canceled", "expired"}
GOOD: JsonObject = {
    "model": "claude-haiku-5-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "hi"}],
}


def entry(custom_id: str, **changes: Json) -> JsonObject:
    return {"custom_id": custom_id, "params": {**GOOD, **changes}}


@pytest.fixture
def call(ask: Ask) -> Callable[..., ClientResponse]:
    """Send a request about batches: `call("POST", "", requests=[…])`."""

    def send(method: str, place: str, base_url: str | None = None, **body: Json) -> ClientResponse:
        raw = json.dumps(body).encode() if body else b""
        return ask(path=BATCHES + place, method=method, raw=raw, base_url=base_url)

    return send


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    """A simulator whose batches take most of a second."""
    with SimulatorThread(SimulatorConfig(load_factor=0.4)) as simulator:
        yield simulator.base_url


def shown(answer: ClientResponse) -> dict[str, Json]:
    """A batch, whose shape and sums are right whatever its state."""
    assert answer.status == 200, answer.body
    batch: dict[str, Json] = json.loads(answer.body)
    assert batch.keys() == KEYS
    validate_type(type_=MessageBatch, value=batch)
    has_ended = batch["processing_status"] == "ended"
    assert (batch["ended_at"] is not None) == has_ended
    assert (batch["results_url"] is not None) == has_ended
    counts = batch["request_counts"]
    assert isinstance(counts, dict)
    assert counts.keys() == COUNTS
    if has_ended:
        assert counts["processing"] == 0
    else:
        assert (
            sum(count for count in counts.values() if isinstance(count, int))
            == (counts["processing"])
        )
    return batch


def until_ended(call: Ask, batch_id: Json, base_url: str | None = None) -> list[dict[str, Json]]:
    """Every state of a batch that was seen until it ended."""
    seen = [shown(call("GET", f"/{batch_id}", base_url))]
    while seen[-1]["processing_status"] != "ended":
        time.sleep(0.05)
        seen.append(shown(call("GET", f"/{batch_id}", base_url)))
        assert len(seen) < 200
    return seen


def results(answer: ClientResponse) -> dict[str, JsonObject]:
    """What became of each request, by its name."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/x-jsonl"
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert answer.body.endswith(b"\n")
    for line in lines:
        assert line.keys() == {"custom_id", "result"}
        validate_type(type_=MessageBatchIndividualResponse, value=line)
    found = {line["custom_id"]: line["result"] for line in lines}
    assert len(found) == len(lines)
    return found


def test_a_batch_begins_in_progress(call: Ask) -> None:
    batch = shown(call("POST", "", requests=[entry("a"), entry("b")]))
    assert batch["type"] == "message_batch"
    assert str(batch["id"]).startswith("msgbatch_")
    assert batch["processing_status"] == "in_progress"
    assert batch["request_counts"] == {**dict.fromkeys(COUNTS, 0), "processing": 2}


def test_a_batch_expires_after_a_day(call: Ask) -> None:
    batch = shown(call("POST", "", requests=[entry("a")]))
    created, expires = str(batch["created_at"]), str(batch["expires_at"])
    assert created[11:19] == expires[11:19]
    assert created < expires


def test_it_stays_in_progress_and_then_ends(call: Ask, slow: str) -> None:
    """19.15: nothing is counted as done before the whole has ended."""
    batch = shown(call("POST", "", slow, requests=[entry("a"), entry("b")]))
    seen = until_ended(call, batch["id"], slow)
    states = [state["processing_status"] for state in seen]
    assert set(states[:-1]) == {"in_progress"}
    assert seen[-1]["request_counts"] == {**dict.fromkeys(COUNTS, 0), "succeeded": 2}


BAD: dict[str, JsonObject] = {
    "unknown field": {"response_format": {}},
    "sampling": {"temperature": 0.5},
    "no model": {"model": "nothing"},
    "stream": {"stream": True},
    "no tokens": {"max_tokens": 0},
    "empty text": {"messages": [{"role": "user", "content": ""}]},
}


def test_a_bad_request_becomes_an_errored_result(call: Ask) -> None:
    """1.2: `params` are checked when they run; whether at once for some is not known."""
    names = [name.replace(" ", "_") for name in BAD]
    entries = [entry(name, **changes) for name, changes in zip(names, BAD.values(), strict=True)]
    batch = shown(call("POST", "", requests=list[Json]([entry("good"), *entries])))
    ended = until_ended(call, batch["id"])[-1]
    assert ended["request_counts"] == {
        **dict.fromkeys(COUNTS, 0),
        "succeeded": 1,
        "errored": len(BAD),
    }
    found = results(call("GET", f"/{batch['id']}/results"))
    assert found["good"]["type"] == "succeeded"
    for name in names:
        error = found[name]["error"]
        assert found[name]["type"] == "errored"
        assert isinstance(error, dict)
        assert error.keys() == {"type", "error", "request_id"}
        kind = error["error"]
        assert isinstance(kind, dict)
        expected = "not_found_error" if name == "no_model" else "invalid_request_error"
        assert kind["type"] == expected


def test_results_hold_a_line_for_each_request_in_any_order(call: Ask) -> None:
    names = [f"r-{number}" for number in range(150)]
    batch = shown(call("POST", "", requests=[entry(name) for name in names]))
    until_ended(call, batch["id"])
    found = results(call("GET", f"/{batch['id']}/results"))
    assert found.keys() == set(names)
    assert list(found) != names  # so that nobody relies on the order
    message = found["r-0"]["message"]
    assert isinstance(message, dict)
    usage = message["usage"]
    assert isinstance(usage, dict)
    assert usage["service_tier"] == "batch"


def test_the_address_of_the_results_is_on_this_server(call: Ask, server: str) -> None:
    """The SDK follows it as it is."""
    batch = shown(call("POST", "", requests=[entry("a")]))
    url = str(until_ended(call, batch["id"])[-1]["results_url"])
    assert url in {f"{server}{BATCHES}/{batch['id']}/results", f"{BATCHES}/{batch['id']}/results"}
    assert results(call("GET", f"/{batch['id']}/results")).keys() == {"a"}


def test_there_are_no_results_before_the_end(call: Ask, refusal_in: Refused, slow: str) -> None:
    """With 400 or 404, which of them is not known."""
    batch = shown(call("POST", "", slow, requests=[entry("a")]))
    assert refusal_in(call("GET", f"/{batch['id']}/results", slow))[0] in {400, 404}


def test_a_cancelled_batch_is_cancelling_and_then_ends(call: Ask, slow: str) -> None:
    batch = shown(call("POST", "", slow, requests=[entry("a"), entry("b")]))
    cancelled = shown(call("POST", f"/{batch['id']}/cancel", slow))
    assert cancelled["processing_status"] == "canceling"
    assert cancelled["cancel_initiated_at"] is not None
    ended = until_ended(call, batch["id"], slow)[-1]
    assert ended["cancel_initiated_at"] == cancelled["cancel_initiated_at"]
    assert ended["request_counts"] == {**dict.fromkeys(COUNTS, 0), "canceled": 2}
    found = results(call("GET", f"/{batch['id']}/results", slow))
    assert found == {"a": {"type": "canceled"}, "b": {"type": "canceled"}}


def test_only_a_finished_batch_can_be_deleted(call: Ask, refusal_in: Refused, slow: str) -> None:
    batch = shown(call("POST", "", slow, requests=[entry("a")]))
    assert 400 <= refusal_in(call("DELETE", f"/{batch['id']}", slow))[0] < 500
    until_ended(call, batch["id"], slow)
    deleted = call("DELETE", f"/{batch['id']}", slow)
    assert json.loads(deleted.body) == {"id": batch["id"], "type": "message_batch_deleted"}
    assert refusal_in(call("GET", f"/{batch['id']}", slow))[:2] == (404, "not_found_error")


@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("GET", "/msgbatch_x"),
        ("DELETE", "/msgbatch_x"),
        ("POST", "/msgbatch_x/cancel"),
        ("GET", "/msgbatch_x/results"),
        ("GET", "/msgbatch_x/other"),
    ],
)
def test_a_batch_that_is_not_there_is_a_404(
    call: Ask, refusal_in: Refused, method: str, place: str
) -> None:
    assert refusal_in(call(method, place))[:2] == (404, "not_found_error")


REFUSED: dict[str, JsonObject] = {
    "no requests": {"requests": []},
    "requests missing": {"more": 1},
    "requests of another type": {"requests": {}},
    "no custom_id": {"requests": [{"params": GOOD}]},
    "no params": {"requests": [{"custom_id": "a"}]},
    "custom_id twice": {"requests": [entry("a"), entry("a")]},
    "custom_id empty": {"requests": [entry("")]},
    "custom_id of 65": {"requests": [entry("x" * 65)]},
    "custom_id with a space": {"requests": [entry("a b")]},
    "unknown field": {"requests": [entry("a")], "priority": 1},
    "unknown field of a request": {"requests": [{**entry("a"), "more": 1}]},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_malformed_batch_is_refused_as_a_whole(
    call: Ask, refusal_in: Refused, body: JsonObject
) -> None:
    status, kind, message = refusal_in(call("POST", "", **body))
    assert (status, kind) == (400, "invalid_request_error")
    assert message


def test_the_version_at_creation_decides(call: Ask, ask: Ask) -> None:
    """1.2: 2026-10-21 refuses what 2023-06-01 accepts, in every request of a batch."""
    changed = entry("a", model="claude-sonnet-4-6", temperature=0.5)
    raw = json.dumps({"requests": [changed]}).encode()
    ends = []
    for version in ("2023-06-01", "2026-10-21"):
        made = ask(path=BATCHES, raw=raw, headers={"anthropic-version": version})
        batch = shown(made)
        until_ended(call, batch["id"])
        ends.append(results(call("GET", f"/{batch['id']}/results"))["a"]["type"])
    assert ends == ["succeeded", "errored"]


def test_batches_come_in_pages_the_latest_first(call: Ask) -> None:
    """2, 16."""
    with SimulatorThread(SimulatorConfig(load_factor=0)) as simulator:
        url = simulator.base_url
        made = [shown(call("POST", "", url, requests=[entry("a")]))["id"] for _ in range(5)]
        every = json.loads(call("GET", "", url).body)
        first = json.loads(call("GET", "?limit=2", url).body)
        rest = json.loads(call("GET", f"?limit=10&after_id={first['last_id']}", url).body)
    assert every.keys() == {"data", "has_more", "first_id", "last_id"}
    assert [batch["id"] for batch in every["data"]] == made[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [batch["id"] for batch in (*first["data"], *rest["data"])] == made[::-1]


def test_a_queue_has_an_end(call: Ask, refusal_in: Refused) -> None:
    """12.1."""
    config = SimulatorConfig(load_factor=10, tier=Tier(batch_queue=3))
    with SimulatorThread(config) as simulator:
        url = simulator.base_url
        shown(call("POST", "", url, requests=[entry("a"), entry("b")]))
        refused = call("POST", "", url, requests=[entry("a"), entry("b")])
    assert refusal_in(refused)[:2] == (429, "rate_limit_error")
