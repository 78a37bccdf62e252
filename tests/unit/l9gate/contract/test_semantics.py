"""Section 8 and invariants 1, 9, 10, 14 of the fact sheet, beyond the cases of the corpus."""

import pytest

from l9gate.contract import Asked, Observed, find_count_drift, find_repeated_ids
from l9gate.contract.semantics import (
    find_batch_drifts,
    find_message_drifts,
    is_plain,
    total_input,
)
from l9gate.wire.json import Json, JsonObject

ASKED = Asked(body={"model": "claude-haiku-5-5", "max_tokens": 50})
MESSAGE: JsonObject = {
    "id": "msg_1",
    "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "t"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 5},
}
CALL: JsonObject = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}


def _codes(changes: JsonObject, **body: Json) -> list[str]:
    asked = Asked(body={**ASKED.body, **body})
    return [drift.code for drift in find_message_drifts(asked, {**MESSAGE, **changes})]


def test_a_message_that_fits_is_nothing_to_tell() -> None:
    assert _codes({}) == []
    assert find_message_drifts(Asked(), {}) == []


@pytest.mark.parametrize(
    ("counts", "codes"),
    [
        ({"output_tokens": 50}, []),
        ({"output_tokens": 51}, ["usage.over"]),
        ({"output_tokens": 0}, ["usage.output"]),
        ({"output_tokens": -1}, ["usage.negative"]),
        ({"input_tokens": 0}, ["usage.input"]),
        ({"input_tokens": 0, "cache_read_input_tokens": 1}, []),
        ({"cache_creation_input_tokens": 2, "cache_creation": {"a": 1, "b": 1}}, []),
        ({"cache_creation_input_tokens": 3, "cache_creation": {"a": 1, "b": 1}}, ["usage.cache"]),
        ({"cache_creation_input_tokens": 1, "cache_creation": {"a": 1, "b": 1}}, ["usage.cache"]),
        ({"cache_creation_input_tokens": 3, "cache_creation": None}, []),
        ({"output_tokens_details": {"thinking_tokens": 5}}, []),
        ({"output_tokens_details": {"thinking_tokens": 6}}, ["usage.thinking"]),
        ({"output_tokens": "5", "output_tokens_details": {"thinking_tokens": 6}}, []),
    ],
)
def test_counts_of_tokens_add_up(counts: JsonObject, codes: list[str]) -> None:
    """Invariant 10."""
    assert _codes({"usage": {"input_tokens": 3, "output_tokens": 5, **counts}}) == codes


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"id": "chatcmpl-1"}, ["id.form"]),
        ({"content": [CALL], "stop_reason": "tool_use"}, []),
        ({"content": [{**CALL, "id": "call_1"}], "stop_reason": "tool_use"}, ["id.form"]),
        ({"content": [CALL]}, ["stop.tool_use"]),
        ({"content": [CALL], "stop_reason": "max_tokens"}, []),
        ({"stop_reason": "tool_use"}, ["stop.tool_use"]),
        ({"stop_reason": "stop_sequence"}, ["stop.sequence"]),
        ({"stop_sequence": "x"}, ["stop.sequence"]),
        ({"stop_sequence": "x", "stop_reason": "stop_sequence"}, ["stop.sequence"]),
        ({"stop_sequence": "three", "stop_reason": "stop_sequence"}, []),
        ({"stop_reason": "refusal", "stop_details": None}, ["stop.details"]),
        ({"stop_reason": "refusal", "stop_details": {"type": "refusal"}}, []),
    ],
)
def test_the_reason_to_stop_fits_what_was_said(changes: JsonObject, codes: list[str]) -> None:
    """Invariant 9."""
    assert _codes(changes, stop_sequences=["three"]) == codes


@pytest.mark.parametrize(
    ("wanted", "answered", "codes"),
    [
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", []),
        ("claude-opus-9", "claude-opus-9-20270101", []),
        ("claude-opus-9", "claude-opus-9-mini", ["model.echo"]),
        ("claude-haiku-5-5", "claude-sonnet-5-5", ["model.echo"]),
        (7, "claude-haiku-5-5", []),
        ("claude-haiku-5-5", 7, []),
    ],
)
def test_the_model_that_was_asked_answers(wanted: Json, answered: Json, codes: list[str]) -> None:
    assert _codes({"model": answered}, model=wanted) == codes


@pytest.mark.parametrize(
    ("tools", "call", "codes"),
    [
        ([{"name": "f", "input_schema": {"required": ["a"]}}], CALL, ["tool.input"]),
        ([{"name": "f"}], CALL, []),
        (
            [{"name": "f", "strict": True, "input_schema": {"required": ["a"]}}],
            CALL,
            ["tool.input"],
        ),
        ([{"name": "g"}], CALL, ["tool.name"]),
        ([{"name": "g"}, {"type": "browser_toolset_20260801"}], CALL, []),
        ([{"name": "g"}], {**CALL, "toolset_name": "browser"}, []),
        ([{"name": "g"}], {**CALL, "name": 7}, []),
        ([{"name": "f", "input_schema": {"required": ["a"]}}], {**CALL, "input": 7}, []),
        ("none", CALL, ["tool.name"]),
        ([7], CALL, ["tool.name"]),
    ],
)
def test_tools_are_called_as_they_were_offered(
    tools: Json, call: JsonObject, codes: list[str]
) -> None:
    changes: JsonObject = {"content": ["no block", call], "stop_reason": "tool_use"}
    assert _codes(changes, tools=tools) == codes
    assert _codes(changes, tools=tools, mcp_servers=[]) in ([], codes)


@pytest.mark.parametrize(
    ("config", "content", "codes"),
    [
        ({"format": {"schema": {"required": ["a"]}}}, [{"type": "text", "text": "{}"}],
         ["output.format"]),
        ({"format": {"schema": {"type": "object"}}}, [{"type": "text", "text": "{}"}], []),
        ({"format": {"schema": {}}}, [{"type": "text", "text": "no JSON"}], ["output.format"]),
        ({"format": {"schema": {}}}, [{"type": "text", "text": 7}], []),
        ({"format": {"schema": {}}}, [{"type": "thinking"}], []),
        ({"format": 7}, [{"type": "text", "text": "x"}], []),
        (7, [{"type": "text", "text": "x"}], []),
    ],
)  # fmt: skip
def test_a_format_is_held_against_the_last_text(
    config: Json, content: Json, codes: list[str]
) -> None:
    assert _codes({"content": content}, output_config=config) == codes


@pytest.mark.parametrize(
    ("messages", "codes"),
    [
        ([{"content": [{"type": "tool_result"}]}], []),
        ([{"content": [{"type": "text"}, 7]}], ["content.empty"]),
        ([{"content": "text"}], ["content.empty"]),
        ([], ["content.empty"]),
    ],
)
def test_an_answer_is_empty_only_after_the_result_of_a_tool(
    messages: Json, codes: list[str]
) -> None:
    assert _codes({"content": []}, messages=messages) == codes


@pytest.mark.parametrize(
    ("guess", "real", "is_told"),
    [(100, 100, False), (110, 100, False), (111, 100, True), (1050, 1000, False),
     (1051, 1000, True), (940, 1000, True)],
)  # fmt: skip
def test_a_count_is_an_estimate(guess: int, real: int, is_told: bool) -> None:
    """Invariant 14: all of the input counts, whatever came from a cache."""
    usage: JsonObject = {"input_tokens": real - 20, "cache_read_input_tokens": 20}
    found = find_count_drift({"input_tokens": guess}, usage)
    assert (found is not None) == is_told


def test_a_count_without_a_number_is_left_to_the_shape() -> None:
    assert find_count_drift({}, {"input_tokens": 3}) is None
    assert find_count_drift({"input_tokens": 3}, {}) is None
    assert total_input({"input_tokens": True}) is None


def test_ids_never_repeat_whoever_sent_them() -> None:
    def answer(request_id: str | None, body: bytes) -> Observed:
        headers = {} if request_id is None else {"request-id": request_id}
        return Observed(asked=ASKED, status=200, headers=headers, body=body)

    first = answer("req_1", b'{"type":"message","id":"msg_1"}')
    again = answer("req_2", b'{"type":"message","id":"msg_1"}')
    model = answer("req_2", b'{"type":"model","id":"claude-haiku-5-5"}')
    same = answer(None, b'{"type":"model","id":"claude-haiku-5-5"}')
    found = [(one.code, one.path) for one in find_repeated_ids([first, again, model, same])]
    assert found == [("id.repeated", "/id"), ("id.repeated", "header request-id")]


@pytest.mark.parametrize(
    ("batch", "paths"),
    [
        ({"processing_status": "in_progress", "ended_at": None}, []),
        ({"processing_status": "in_progress", "ended_at": "t"}, ["/ended_at"]),
        ({"processing_status": "ended", "ended_at": "t", "request_counts": {"processing": 0}}, []),
        ({"processing_status": "ended", "ended_at": "t", "request_counts": {"processing": 1}},
         ["/request_counts/processing"]),
        ({"processing_status": "ended", "request_counts": 7}, ["/ended_at"]),
        ({"processing_status": 7, "ended_at": "t"}, []),
    ],
)  # fmt: skip
def test_a_batch_has_what_its_state_asks_for(batch: JsonObject, paths: list[str]) -> None:
    assert [drift.path for drift in find_batch_drifts(batch)] == paths


@pytest.mark.parametrize(
    ("changes", "counts", "body"),
    [
        ({"id": "chatcmpl-1"}, {}, {}),
        ({"model": "other"}, {}, {}),
        ({"stop_reason": "tool_use"}, {}, {}),
        ({"stop_reason": "stop_sequence"}, {}, {}),
        ({"stop_sequence": "x"}, {}, {}),
        ({"content": []}, {}, {}),
        ({"content": [CALL]}, {}, {}),
        ({"content": [*[{"type": "text", "text": "t"}], CALL]}, {}, {}),
        ({}, {"input_tokens": 0}, {}),
        ({}, {"output_tokens": 0}, {}),
        ({}, {"output_tokens": 51}, {}),
        ({}, {"cache_read_input_tokens": -1}, {}),
        ({}, {"cache_creation_input_tokens": -1}, {}),
        ({}, {"cache_creation_input_tokens": 0, "cache_creation": {"a": 1}}, {}),
        ({}, {"output_tokens_details": {"thinking_tokens": 6}}, {}),
        ({}, {}, {"output_config": {"format": {"schema": {"type": "object"}}}}),
    ],
)
def test_no_message_that_does_not_fit_is_plain(
    changes: JsonObject, counts: JsonObject, body: JsonObject
) -> None:
    """The quick way says yes only where the rules find nothing."""
    usage: JsonObject = {"input_tokens": 3, "output_tokens": 5, **counts}
    message: JsonObject = {**MESSAGE, "usage": usage, **changes}
    asked = Asked(body={**ASKED.body, **body})
    assert find_message_drifts(asked, message) != []
    assert not is_plain(asked.body, message)
    assert is_plain(ASKED.body, MESSAGE)
    assert not is_plain({}, MESSAGE)
