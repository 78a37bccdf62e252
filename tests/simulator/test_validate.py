"""Which requests are refused; each breaks one rule."""

from typing import cast

import pytest

from l9gate.simulator.validate import find_refusal
from l9gate.wire.json import Json, JsonObject

NOW = "2026-10-21"
BEFORE = "2023-06-01"
MISSING = "<missing>"  # as a change: the field is left out
USER: JsonObject = {"role": "user", "content": "hi"}
SCHEMA: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT: JsonObject = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
TOOL: JsonObject = {"name": "f", "input_schema": {"type": "object"}}


def _text(text: str, **more: Json) -> JsonObject:
    return {"type": "text", "text": text, **more}


def _says(role: str, *blocks: JsonObject) -> JsonObject:
    return {"role": role, "content": cast("list[Json]", list(blocks))}


def _call(tool_id: str) -> JsonObject:
    return {"type": "tool_use", "id": tool_id, "name": "f", "input": {}}


def _result(tool_id: str, **more: Json) -> JsonObject:
    return {"type": "tool_result", "tool_use_id": tool_id, "content": "4", **more}


URL: JsonObject = {"type": "url", "url": "https://example.com/x"}
ENABLED: JsonObject = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}


CACHED: JsonObject = {"cache_control": {"type": "ephemeral"}}
ACCEPTED: dict[str, JsonObject] = {
    "nothing special": {},
    "a system prompt of blocks": {"system": [_text("be kind", **CACHED)]},
    "a tool of another type": {"tools": [{"type": "web_search_20260318", "name": "web_search"}]},
    "an image in a result": {
        "messages": [
            USER,
            _says("assistant", _call("t1")),
            _says(
                "user",
                _result("t1", content=[_text("x"), {"type": "image", "source": URL}]),
            ),
        ]
    },
    "a schema": FORMAT,
    "warming the cache": {"max_tokens": 0},
    "effort": {"output_config": {"effort": "low"}},
}
# Changes to the valid body → words that the message must hold (path or documented wording).
REFUSED: dict[str, tuple[JsonObject, str]] = {
    "V8 model": ({"model": MISSING}, "model: Field required"),
    "V8 max_tokens": ({"max_tokens": MISSING}, "max_tokens: Field required"),
    "V8 content": ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    "V8 schema": ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
    "V9 top": ({"response_format": {}}, "response_format: Extra inputs are not permitted"),
    "V9 block": (
        {"messages": [USER, _says("assistant", {**_call("t"), "text": "x"})]},
        "messages.1.content.0.tool_use.text: Extra inputs are not permitted",
    ),
    "V9 cache control": (
        {"system": [_text("a", cache_control={"type": "ephemeral", "scope": "x"})]},
        "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
    ),
    "V10 string": ({"model": 3}, "model: Input should be a valid string"),
    "V10 short": ({"model": ""}, "model: String should have at least 1"),
    "V10 long": ({"metadata": {"user_id": "x" * 513}}, "metadata.user_id: String should have at"),
    "V10 pattern": (
        {"tools": [{**TOOL, "name": "a b"}]},
        "tools.0.custom.name: String should match pattern",
    ),
    "V10 integer": ({"max_tokens": "5"}, "max_tokens: Input should be a valid integer"),
    "V10 true": ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    "V10 negative": ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    "V10 boolean": ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    "V10 list": ({"messages": {}}, "messages: Input should be a valid list"),
    "V10 object": ({"messages": ["hi"]}, "messages.0: Input should be a valid dictionary"),
    "V10 tagged": ({"thinking": "on"}, "thinking: Input should be a valid dictionary"),
    "V10 role": ({"messages": [{"role": "bot", "content": "x"}]}, "messages.0.role: Input should"),
    "V10 tag": ({"thinking": {"type": "deep"}}, "thinking: Input tag 'deep' found"),
    "V10 no tag": ({"thinking": {}}, "thinking.type: Field required"),
    "V10 odd tag": ({"thinking": {"type": 1}}, "thinking: Input tag '1'"),
    "V11 unknown": ({"model": "claude-99"}, "model: claude-99"),
    "V11 retired": ({"model": "claude-opus-4-0"}, "model: claude-opus-4-0"),
    "V12": (
        {"model": "claude-opus-4-5", "max_tokens": 128_001},
        "max_tokens: 128001 > 64000, which is the maximum allowed number of output tokens for "
        "claude-opus-4-5-20251101",
    ),
    "V19": ({"temperature": 1.0}, "temperature: Extra inputs are not permitted"),
    "warming with a stream": ({"max_tokens": 0, "stream": True}, "stream: cannot be used"),
    "warming with a format": ({"max_tokens": 0, **FORMAT}, "output_config.format: cannot"),
    "warming with thoughts": ({**ENABLED, "max_tokens": 0}, "thinking.type: cannot be used"),
    "warming with a forced tool": (
        {"max_tokens": 0, "tools": [TOOL], "tool_choice": {"type": "any"}},
        "tool_choice.type: cannot be used",
    ),
    "too many messages": ({"messages": [USER] * 100_001}, "messages: List should have at most"),
}


def _changed(body: JsonObject, changes: JsonObject) -> JsonObject:
    return {name: item for name, item in {**body, **changes}.items() if item != MISSING}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_valid_body_is_accepted(body: JsonObject, name: str) -> None:
    assert [find_refusal(_changed(body, ACCEPTED[name]), version) for version in (NOW, BEFORE)] == [
        None
    ] * 2


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_that_breaks_one_rule_is_refused(body: JsonObject, name: str) -> None:
    """L4-04."""
    changes, words = REFUSED[name]
    refusal = find_refusal(_changed(body, changes), NOW)
    assert refusal is not None
    assert words in refusal.message
    expected = (
        (404, "not_found_error") if name.startswith("V11") else (400, "invalid_request_error")
    )
    assert (refusal.status, refusal.error_type) == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": 1.0}, None),
        ({"temperature": 0.5}, "temperature is deprecated for this model."),
        ({"top_k": 5}, "top_k is deprecated for this model."),
        ({"top_p": 0.99}, None),
        ({"top_p": 0.9}, "top_p is deprecated for this model."),
        ({"temperature": 2}, "temperature: Input should be less than or equal to 1"),
        ({"top_p": -1}, "top_p: Input should be greater than or equal to 0"),
        ({"top_p": "x"}, "top_p: Input should be a valid number"),
        ({"model": "claude-opus-4-5", "temperature": 0.5}, None),
        ({"model": "claude-haiku-4-5", "temperature": 0.5, "top_p": 0.5}, "cannot both"),
    ],
)
def test_sampling_under_the_version_before(
    body: JsonObject, changes: JsonObject, words: str | None
) -> None:
    refusal = find_refusal(_changed(body, changes), BEFORE)
    assert (refusal is None) == (words is None)
    assert refusal is None or (words or "") in refusal.message


def test_counting_refuses_what_only_generating_needs(body: JsonObject) -> None:
    refusal = find_refusal(body, NOW, counts_only=True)
    assert refusal is not None
    assert refusal.message == "max_tokens: Extra inputs are not permitted"


def test_counting_refuses_what_generating_refuses() -> None:
    count: JsonObject = {"model": "claude-haiku-5-5", "messages": [_says("user", _text(""))]}
    refusal = find_refusal(count, NOW, counts_only=True)
    assert refusal is not None
    assert "non-empty" in refusal.message


@pytest.mark.parametrize(
    "changes",
    [
        {"context_management": {"edits": []}},
        {"mcp_servers": []},
        {"output_config": {"task_budget": {"type": "tokens", "total": 1}}},
        {"tools": [{"type": "advisor_20260301", "name": "advisor"}]},
        {"thinking": {"type": "adaptive", "display": "updates", "block_binding": {}}},
        {"messages": [{"role": "user", "content": "x", "clear_at": "never"}]},
        {"messages": [{"role": "user", "content": [{"type": "compaction", "content": "x"}]}]},
    ],
)
def test_fields_of_betas_need_a_beta(body: JsonObject, changes: JsonObject) -> None:
    refusal = find_refusal({**body, **changes}, NOW)
    assert refusal is not None
    assert refusal.status == 400
    assert find_refusal({**body, **changes}, NOW, has_betas=True) is None


# What breaks a rule of value: the lenient profile lets it pass.
LENIENT = (
    "V10 short", "V10 long", "V10 pattern", "V10 negative", "V11 unknown", "V11 retired", "V12",
)  # fmt: skip


def test_leniently_only_the_form_counts(body: JsonObject) -> None:
    for name in LENIENT:
        changed = _changed(body, REFUSED[name][0])
        assert find_refusal(changed, NOW, strictness="lenient") is None, name


@pytest.mark.parametrize("name", ["V8 model", "V9 top", "V9 block", "V10 string", "V10 tag", "V19"])
def test_leniently_the_form_still_counts(body: JsonObject, name: str) -> None:
    changed = _changed(body, REFUSED[name][0])
    assert find_refusal(changed, NOW) == find_refusal(changed, NOW, strictness="lenient")
    assert find_refusal(changed, NOW) is not None


def test_a_beta_allows_no_field_that_nobody_knows(body: JsonObject) -> None:
    refusal = find_refusal({**body, "output_config": {"zzz": 1}}, NOW, has_betas=True)
    assert refusal is not None
    assert refusal.message == "output_config.zzz: Extra inputs are not permitted"
