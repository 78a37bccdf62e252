"""The shape of a request body: fields, blocks, tools."""

from l9gate.simulator.shapes import (
    Check,
    anything,
    boolean,
    integer,
    list_of,
    nullable,
    number,
    one_of,
    record,
    tagged,
    text,
    text_or,
)

_TYPE = {"type": anything}  # the tag was checked before
_ID = text(1, pattern="[a-zA-Z0-9_-]+")
_TOOL_NAME = text(1, 128, pattern="[a-zA-Z0-9_-]{1,128}")
CACHE_CONTROL = nullable(
    tagged({"ephemeral": record({**_TYPE, "ttl": nullable(one_of("5m", "1h"))})})
)
_CACHED = {"cache_control": CACHE_CONTROL}
_CITATIONS = nullable(record({"enabled": boolean}))

_TEXT = record(
    {**_TYPE, **_CACHED, "text": text(), "citations": nullable(list_of(anything))}, ["text"]
)
_SOURCE = record({"type": text(1)}, ["type"], is_open=True)
_IMAGE = record({**_TYPE, **_CACHED, "source": _SOURCE, "transformations": anything}, ["source"])
_DOCUMENT = record(
    {
        **_TYPE,
        **_CACHED,
        "source": _SOURCE,
        "title": nullable(text(1, 500)),
        "context": nullable(text(1)),
        "citations": _CITATIONS,
    },
    ["source"],
)
_SEARCH_RESULT = record(
    {
        **_TYPE,
        **_CACHED,
        "content": list_of(tagged({"text": _TEXT})),
        "source": text(),
        "title": text(),
        "citations": _CITATIONS,
    },
    ["content", "source", "title"],
)
_RESULT_BLOCKS: dict[str, Check] = {
    "text": _TEXT,
    "image": _IMAGE,
    "search_result": _SEARCH_RESULT,
    "document": _DOCUMENT,
    "tool_reference": record({}, is_open=True),
    "browser_state": record({}, is_open=True),
}
_TOOL_RESULT = record(
    {
        **_TYPE,
        **_CACHED,
        "tool_use_id": _ID,
        "content": nullable(text_or(list_of(tagged(_RESULT_BLOCKS)))),
        "is_error": nullable(boolean),
        "toolset_name": anything,
    },
    ["tool_use_id"],
)
_TOOL_USE = record(
    {
        **_TYPE,
        **_CACHED,
        "id": _ID,
        "name": text(1, 200),
        "input": record({}, is_open=True),
        "caller": anything,
        "toolset_name": anything,
    },
    ["id", "name", "input"],
)
_SERVER_BLOCKS = (
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "container_upload",
)
_BLOCK = tagged(
    {
        "text": _TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "thinking": record(
            {**_TYPE, "thinking": text(), "signature": text()}, ["thinking", "signature"]
        ),
        "redacted_thinking": record({**_TYPE, "data": text()}, ["data"]),
        "tool_use": _TOOL_USE,
        "tool_result": _TOOL_RESULT,
        **{name: record({}, is_open=True) for name in _SERVER_BLOCKS},
    }
)
_MESSAGE = record(
    {"role": one_of("user", "assistant", "system"), "content": text_or(list_of(_BLOCK))},
    ["role", "content"],
)
_SCHEMA = record({"type": one_of("object")}, ["type"], is_open=True)
_CUSTOM_TOOL = record(
    {
        **_TYPE,
        **_CACHED,
        "name": _TOOL_NAME,
        "description": text(),
        "input_schema": _SCHEMA,
        "strict": nullable(boolean),
        "eager_input_streaming": nullable(boolean),
        "defer_loading": nullable(boolean),
        "allowed_callers": nullable(list_of(text(1))),
        "input_examples": nullable(list_of(record({}, is_open=True))),
    },
    ["name", "input_schema"],
)
_SERVER_TOOLS = (
    "bash_20250124",
    "text_editor_20250124",
    "text_editor_20250429",
    "text_editor_20250728",
    "memory_20250818",
    "browser_toolset_20260801",
    "computer_toolset_20260801",
    "code_execution_20250522",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
    "web_search_20250305",
    "web_search_20260209",
    "web_search_20260318",
    "web_fetch_20250910",
    "web_fetch_20260209",
    "web_fetch_20260309",
    "web_fetch_20260318",
    "tool_search_tool_bm25_20251119",
    "tool_search_tool_regex_20251119",
)
_TOOL = tagged(
    {"custom": _CUSTOM_TOOL, **{name: record({}, is_open=True) for name in _SERVER_TOOLS}},
    default="custom",
)
_ONE_CALL = {"disable_parallel_tool_use": boolean}
_TOOL_CHOICE = tagged(
    {
        "auto": record({**_TYPE, **_ONE_CALL}),
        "any": record({**_TYPE, **_ONE_CALL}),
        "tool": record({**_TYPE, **_ONE_CALL, "name": text(1)}, ["name"]),
        "none": record(_TYPE),
    }
)
_DISPLAY = {"display": nullable(one_of("summarized", "omitted"))}
_THINKING = tagged(
    {
        "adaptive": record({**_TYPE, **_DISPLAY}),
        "enabled": record({**_TYPE, **_DISPLAY, "budget_tokens": integer(1024)}, ["budget_tokens"]),
        "disabled": record(_TYPE),
        "between_tools": record({**_TYPE, **_DISPLAY}),
    }
)
_OUTPUT_CONFIG = record(
    {
        "effort": nullable(one_of("low", "medium", "high", "xhigh", "max")),
        "format": nullable(
            tagged(
                {"json_schema": record({**_TYPE, "schema": record({}, is_open=True)}, ["schema"])}
            )
        ),
        "task_budget": anything,
    }
)
_SHARED_FIELDS: dict[str, Check] = {
    "model": text(1, 256),
    "messages": list_of(_MESSAGE),
    "system": text_or(list_of(tagged({"text": _TEXT}))),
    "tools": list_of(_TOOL),
    "tool_choice": _TOOL_CHOICE,
    "thinking": _THINKING,
    "cache_control": CACHE_CONTROL,
    "output_config": _OUTPUT_CONFIG,
    "speed": nullable(one_of("standard", "fast")),
}
_CREATE_FIELDS: dict[str, Check] = {
    **_SHARED_FIELDS,
    "max_tokens": integer(0),
    "stream": boolean,
    "stop_sequences": list_of(text()),
    "metadata": record({"user_id": nullable(text(0, 512))}),
    "service_tier": one_of("auto", "standard_only"),
    "inference_geo": nullable(text()),
    "container": anything,
    "diagnostics": nullable(record({"previous_message_id": nullable(text())})),
}
# Until 2026-10-21 these were fields; since then they are extra inputs.
_SAMPLING: dict[str, Check] = {
    "temperature": number(0, 1),
    "top_p": number(0, 1),
    "top_k": integer(0),
}
CREATE_BODY = record(_CREATE_FIELDS, ["model", "messages", "max_tokens"])
CREATE_BODY_2023 = record({**_CREATE_FIELDS, **_SAMPLING}, ["model", "messages", "max_tokens"])
COUNT_BODY = record(_SHARED_FIELDS, ["model", "messages"])
