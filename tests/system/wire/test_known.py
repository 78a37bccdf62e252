"""What other servers got wrong, as properties that ours must not lack: section 18, K1 to K32.

Rows on other clouds' formats and rows without a wire excerpt (K14 has one) are tested as far as
they can be: K16 and K24 have nothing that an HTTP server of this API could show.
"""

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

from l9gate.net.client import ClientResponse
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.limits import Tier
from l9gate.simulator.server import SimulatorThread
from l9gate.wire.json import Json, JsonObject

Ask: TypeAlias = Callable[..., ClientResponse]
Events: TypeAlias = Callable[[ClientResponse], list[JsonObject]]
Refused: TypeAlias = Callable[[ClientResponse], tuple[int, str, str]]
TOOL: JsonObject = {
    "name": "look",
    "input_schema": {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
    },
}
SHOWN: JsonObject = {"type": "adaptive", "display": "summarized"}
COUNT = "/v1/messages/count_tokens"


def decoded(answer: ClientResponse) -> dict[str, Json]:
    assert answer.status == 200, answer.body
    found: dict[str, Json] = json.loads(answer.body)
    return found


def content(message: JsonObject) -> list[JsonObject]:
    found = message["content"]
    assert isinstance(found, list)
    return [block for block in found if isinstance(block, dict)]


def under(event: JsonObject, name: str) -> JsonObject:
    found = event[name]
    assert isinstance(found, dict)
    return found


def of_type(events: list[JsonObject], kind: str) -> list[JsonObject]:
    return [event for event in events if event["type"] == kind]


def test_k1_a_streamed_call_ends_as_one_and_has_no_empty_text(ask: Ask, events_in: Events) -> None:
    events = events_in(ask({"tools": [TOOL], "stream": True}))
    (start,) = of_type(events, "content_block_start")
    assert under(start, "content_block")["type"] == "tool_use"
    (end,) = of_type(events, "message_delta")
    assert under(end, "delta")["stop_reason"] == "tool_use"


@pytest.mark.parametrize("row", ["K2", "K3", "K9", "K15"])
def test_thoughts_have_a_block_of_their_own_and_a_signature(
    ask: Ask, events_in: Events, row: str
) -> None:
    """K2, K3, K9, K15, in this order."""
    events = events_in(ask({"thinking": SHOWN, "stream": True}))
    starts = [
        under(event, "content_block")["type"] for event in of_type(events, "content_block_start")
    ]
    deltas = [
        (event["index"], under(event, "delta")) for event in of_type(events, "content_block_delta")
    ]
    thought = [delta for index, delta in deltas if index == 0]
    found = {
        "K2": {delta["type"] for index, delta in deltas if index == 1} == {"text_delta"},
        "K3": starts == ["thinking", "text"] and len(of_type(events, "message_start")) == 1,
        "K9": thought[-1]["type"] == "signature_delta" and bool(thought[-1]["signature"]),
        "K15": content(decoded(ask({"thinking": SHOWN})))[0]["type"] == "thinking",
    }
    assert found[row]


def test_k5_text_is_streamed_as_text(ask: Ask, events_in: Events) -> None:
    events = events_in(ask({"stream": True, "tools": [TOOL], "tool_choice": {"type": "none"}}))
    kinds = {under(event, "delta")["type"] for event in of_type(events, "content_block_delta")}
    assert kinds == {"text_delta"}


def test_k6_an_unknown_model_is_a_404_and_overload_a_529(ask: Ask, refusal_in: Refused) -> None:
    assert refusal_in(ask({"model": "nothing"}))[:2] == (404, "not_found_error")
    overloaded = ask(headers={"x-l9gate-fault": "status=529"})
    assert refusal_in(overloaded)[:2] == (529, "overloaded_error")


def test_k7_a_429_says_when_to_come_back(ask: Ask) -> None:
    config = SimulatorConfig(load_factor=0, tier=Tier(requests_per_min=1))
    with SimulatorThread(config) as simulator:
        ask(base_url=simulator.base_url)
        answer = ask(base_url=simulator.base_url)
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_k8_an_error_in_a_stream_is_that_of_this_api(ask: Ask, events_in: Events) -> None:
    answer = ask({"stream": True}, headers={"x-l9gate-fault": "error_event=overloaded_error"})
    last = events_in(answer)[-1]
    assert last.keys() == {"type", "error", "request_id"}
    assert under(last, "error")["type"] == "overloaded_error"


def test_k10_a_bearer_token_is_no_key(ask: Ask, refusal_in: Refused) -> None:
    headers = {"x-api-key": None, "authorization": "Bearer sk-invalid-1"}
    assert refusal_in(ask(headers=headers))[2] == "Invalid bearer token"


@pytest.mark.parametrize("changes", [{}, {"max_tokens": 3}, {"stop_sequences": ["a"]}])
def test_k11_the_end_of_a_stream_names_its_stop_sequence_or_null(
    ask: Ask, events_in: Events, changes: JsonObject
) -> None:
    (end,) = of_type(events_in(ask({**changes, "stream": True})), "message_delta")
    expected = "a" if "stop_sequences" in changes else None
    assert under(end, "delta")["stop_sequence"] == expected


@pytest.mark.parametrize("changes", [{}, {"max_tokens": 1}, {"stop_sequences": ["T"]}])
def test_k12_a_text_block_has_its_text(ask: Ask, changes: JsonObject) -> None:
    for block in content(decoded(ask(changes))):
        assert isinstance(block["text"], str)


CALLS: dict[str, dict[str, object]] = {
    "400": {"changes": {"max_tokens": -1}},
    "401": {"headers": {"x-api-key": None}},
    "404": {"path": "/v1/nothing"},
    "404 model": {"changes": {"model": "nothing"}},
    "405": {"method": "PUT"},
    "429": {"headers": {"x-l9gate-fault": "status=429"}},
    "500": {"headers": {"x-l9gate-fault": "status=500"}},
    "503": {"headers": {"x-l9gate-fault": "status=503"}},
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_error_has_one_form_only(ask: Ask, refusal_in: Refused, call: dict[str, object]) -> None:
    """K13, K23, K27, K28, K30: no class name, no foreign body, no extra key, no id in the text."""
    answer = ask(**call)
    status, kind, message = refusal_in(answer)
    assert status == answer.status
    assert kind.endswith("_error")
    assert kind == kind.lower()
    assert answer.headers["request-id"] not in message
    assert json.loads(answer.body)["error"].keys() <= {"type", "message", "details"}


def test_k14_a_long_history_of_calls_is_taken(ask: Ask) -> None:
    turns: list[Json] = [{"role": "user", "content": "go"}]
    for number in range(20):
        use: JsonObject = {"type": "tool_use", "id": f"toolu_{number}", "name": "look"}
        said: JsonObject = {"type": "text", "text": "Let me look."}
        turns.append({"role": "assistant", "content": [said, {**use, "input": {"path": "/"}}]})
        result: JsonObject = {"type": "tool_result", "tool_use_id": f"toolu_{number}"}
        turns.append({"role": "user", "content": [{**result, "content": "ok"}]})
    assert decoded(ask({"messages": turns, "tools": [TOOL]}))["stop_reason"] == "end_turn"


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5"])
def test_k17_nobody_thinks_who_was_not_asked_to(ask: Ask, model: str) -> None:
    """On models whose default is not to think."""
    kinds = [block["type"] for block in content(decoded(ask({"model": model})))]
    assert kinds == ["text"]


@pytest.mark.parametrize("display", ["summarized", "omitted"])
def test_k18_thoughts_can_be_sent_back(ask: Ask, display: str) -> None:
    """C2: also those that are empty but for their signature."""
    thinking: JsonObject = {"type": "adaptive", "display": display}
    question: JsonObject = {"role": "user", "content": "go"}
    first = content(decoded(ask({"thinking": thinking, "messages": [question]})))
    assert isinstance(first[0]["thinking"], str)
    assert first[0]["signature"]
    turns: list[Json] = [
        question,
        {"role": "assistant", "content": list[Json](first)},
        {"role": "user", "content": "and?"},
    ]
    assert ask({"thinking": thinking, "messages": turns}).status == 200


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_k19_text_before_a_call_changes_nothing_about_its_end(
    ask: Ask, events_in: Events, folded: Callable[[list[JsonObject]], JsonObject], stream: bool
) -> None:
    mixed: list[Json] = [
        {"type": "text", "text": "Let me look.", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"path": "/"}},
    ]
    config = SimulatorConfig(load_factor=0, answer=lambda _: mixed)
    with SimulatorThread(config) as simulator:
        answer = ask({"tools": [TOOL], "stream": stream}, base_url=simulator.base_url)
    message = folded(events_in(answer)) if stream else decoded(answer)
    assert message["stop_reason"] == "tool_use"
    assert [block["type"] for block in content(message)] == ["text", "tool_use"]


def test_k4_k20_a_stream_tells_its_input_at_the_start(ask: Ask, events_in: Events) -> None:
    usage = under(under(events_in(ask({"stream": True}))[0], "message"), "usage")
    counted = decoded(ask(path=COUNT, drop=("max_tokens",)))
    assert usage["input_tokens"] == counted["input_tokens"]
    assert counted["input_tokens"] != 0


def test_k21_deltas_go_to_the_open_block_and_every_block_is_closed(
    ask: Ask, events_in: Events
) -> None:
    events = events_in(ask({"thinking": SHOWN, "tools": [TOOL], "stream": True}))
    opened = [event["index"] for event in of_type(events, "content_block_start")]
    closed = [event["index"] for event in of_type(events, "content_block_stop")]
    assert opened == closed == [0, 1]


def test_k22_counting_is_there_and_answers_in_json(ask: Ask, refusal_in: Refused) -> None:
    assert decoded(ask(path=COUNT, drop=("max_tokens",))).keys() == {"input_tokens"}
    assert refusal_in(ask(path=COUNT, raw=b"{"))[0] == 400


@pytest.mark.parametrize("row", ["K25", "K26"])
def test_either_credential_is_enough(ask: Ask, row: str) -> None:
    """K25, K26: neither header is the only one."""
    alone: dict[str, str | None] = {"x-api-key": "sk-good-key"}
    if row == "K25":
        alone = {"x-api-key": None, "authorization": "Bearer sk-good-key"}
    assert ask(headers=alone).status == 200


def test_k29_a_failure_in_a_stream_is_no_truncated_success(ask: Ask, events_in: Events) -> None:
    answer = ask({"stream": True}, headers={"x-l9gate-fault": "error_event=api_error"})
    kinds = [event["type"] for event in events_in(answer)]
    assert (kinds[1], kinds[-1]) == ("ping", "error")


def test_k32_automatic_caching_is_taken(ask: Ask) -> None:
    assert ask({"cache_control": {"type": "ephemeral"}}).status == 200


def test_an_agent_comes_to_an_end(ask: Ask) -> None:
    """8: with `tool_choice: auto`, every call answered, no loop goes on for ever."""
    tools: list[Json] = [{**TOOL, "name": f"tool_{number}"} for number in range(5)]
    turns: list[Json] = [{"role": "user", "content": "go"}]
    for _ in range(10):
        message = decoded(ask({"messages": turns, "tools": tools}))
        if message["stop_reason"] == "end_turn":
            return
        blocks = content(message)
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        results: list[Json] = [{"type": "tool_result", "tool_use_id": call} for call in calls]
        turns.append({"role": "assistant", "content": list[Json](blocks)})
        turns.append({"role": "user", "content": results})
    pytest.fail("ten rounds, and no end")
