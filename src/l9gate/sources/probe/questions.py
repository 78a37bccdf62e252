"""The questions, as data: each breaks at most one rule, so that its answer says one thing."""

from typing import Literal, TypeAlias

import msgspec

from l9gate.wire.headers import CURRENT_API_VERSION, PREVIOUS_API_VERSION
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import find_model

Credential: TypeAlias = Literal["own", "wrong", "none"]

MESSAGES, COUNT, MODELS = "/v1/messages", "/v1/messages/count_tokens", "/v1/models"
CHEAPEST_MODEL = "claude-haiku-5-5"  # asked where a project does not say which one it calls
WRONG_KEY = "sk-ant-invalid-0000000000"
_UNKNOWN_MODEL = "claude-no-such-model"
_MAX_TOKENS = 300
_EITHER = (200, 400)
# What has to be asked so that answers can be compared with each other.
COMPARED = (
    "message", "version.older", "sampling", "sampling.older", "count_tokens", "models.list",
)  # fmt: skip
_BUDGET_TOKENS = 1_024  # the least that `thinking.type: enabled` takes


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and with which status the API is documented to answer it."""

    name: str  # stable: baselines and waivers are written against it
    method: str = "POST"
    path: str = MESSAGES
    body: JsonObject = {}
    raw: bytes | None = None  # instead of the body
    api_version: str | None = CURRENT_API_VERSION
    headers: dict[str, str] = {}
    credential: Credential = "own"
    statuses: tuple[int, ...] = (200,)  # several: it depends on the model

    @property
    def is_refused(self) -> bool:
        """Whether a refusal is what it asks for."""
        return min(self.statuses) >= 400

    @property
    def depends_on_model(self) -> bool:
        """Whether some models refuse what it asks for."""
        return len(self.statuses) > 1

    def payload(self) -> bytes:
        """Return the bytes to send."""
        if self.raw is not None:
            return self.raw
        return msgspec.json.encode(self.body) if self.method == "POST" else b""


def _said(text: str) -> JsonObject:
    return {"messages": [{"role": "user", "content": text}]}


def _format(schema: JsonObject) -> JsonObject:
    return {"format": {"type": "json_schema", "schema": schema}}


_HELLO = _said("Reply with exactly: ready")
_TOOL: JsonObject = {
    "name": "find_function",
    "description": "Find a function by its exact name.",
    "input_schema": {
        "type": "object",
        "properties": {"name": {"type": "string", "description": "The function's name."}},
        "required": ["name"],
        "additionalProperties": False,
    },
}
_TOOLS: JsonObject = {
    **_said("Find the function `f7`. Use the tool; do not answer yourself."),
    "tools": [_TOOL],
}
_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"language": {"type": "string"}, "lines": {"type": "integer"}},
    "required": ["language", "lines"],
    "additionalProperties": False,
}
_LOOSE: JsonObject = {"type": "object", "properties": {}}  # allows further properties
_STRUCTURED: JsonObject = {
    **_said("Describe this code: x = 1"),
    "output_config": _format(_SCHEMA),
}
_CALLED: list[Json] = [
    {"role": "user", "content": "In which file is the function f7?"},
    {
        "role": "assistant",
        "content": [
            {"type": "tool_use", "id": "toolu_01", "name": "find_function", "input": {"name": "f7"}}
        ],
    },
]
_TURNS: Json = [
    *_CALLED,
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_01", "content": "seven.py"}],
    },
]
_OPEN: Json = [*_CALLED, {"role": "user", "content": "And f8?"}]
_ORPHAN: Json = [
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_9", "content": "?"}]}
]
_EMPTY: Json = [{"role": "user", "content": [{"type": "text", "text": ""}]}]


def questions_for(model: str) -> tuple[Question, ...]:
    """Return every question to an endpoint, about one model."""
    basis: JsonObject = {"model": model, "max_tokens": _MAX_TOKENS}
    hello: JsonObject = {**basis, **_HELLO}
    counted: JsonObject = {"model": model, **_HELLO}
    return (
        *_answered(basis, hello, model),
        *_refused(basis, hello),
        Question(name="count_tokens", path=COUNT, body=counted),
        Question(name="count_tokens.no_messages", path=COUNT, body={"model": model},
                 statuses=(400,)),
        Question(name="models.list", method="GET", path=f"{MODELS}?limit=1000"),
        Question(name="models.page", method="GET", path=f"{MODELS}?limit=1"),
        Question(name="models.retrieve", method="GET", path=f"{MODELS}/{model}"),
        Question(name="models.unknown", method="GET", path=f"{MODELS}/{_UNKNOWN_MODEL}",
                 statuses=(404,)),
    )  # fmt: skip


def _answered(basis: JsonObject, hello: JsonObject, model: str) -> tuple[Question, ...]:
    stream: JsonObject = {"stream": True}
    tools: JsonObject = {**basis, **_TOOLS, "tool_choice": _tool_choice(model)}
    structured: JsonObject = {**basis, **_STRUCTURED}
    thinking: JsonObject = {**hello, **_thinking(model)}
    return (
        Question(name="message", body=hello),
        Question(name="message.stream", body=hello | stream),
        Question(name="tools", body=tools),
        Question(name="tools.stream", body=tools | stream),
        Question(name="tools.result", body={**basis, "messages": _TURNS, "tools": [_TOOL]}),
        Question(name="structured", body=structured, statuses=_EITHER),
        Question(name="structured.stream", body=structured | stream, statuses=_EITHER),
        Question(name="thinking", body=thinking, statuses=_EITHER),
        Question(name="thinking.stream", body=thinking | stream, statuses=_EITHER),
        Question(name="stop.max_tokens", body={**hello, "max_tokens": 1}),
        Question(name="stop.sequence", body={**hello, "stop_sequences": ["ready"]}),
        Question(name="version.older", body=hello, api_version=PREVIOUS_API_VERSION),
        Question(name="sampling.older", body={**hello, "temperature": 1.0},
                 api_version=PREVIOUS_API_VERSION, statuses=_EITHER),
    )  # fmt: skip


def _refused(basis: JsonObject, hello: JsonObject) -> tuple[Question, ...]:
    no_limit: JsonObject = {key: value for key, value in hello.items() if key != "max_tokens"}
    bad, unauthorized, unknown = (400,), (401,), (404,)
    return (
        Question(name="sampling", body={**hello, "temperature": 1.0}, statuses=bad),
        Question(name="error.no_field", body=no_limit, statuses=bad),
        Question(name="error.unknown_field", body={**hello, "no_such_field": 1}, statuses=bad),
        Question(name="error.wrong_type", body={**hello, "max_tokens": "many"}, statuses=bad),
        Question(name="error.no_json", raw=b'{"model": ', statuses=bad),
        Question(name="error.empty_text", body={**basis, "messages": _EMPTY}, statuses=bad),
        Question(name="error.orphan_result", body={**basis, "messages": _ORPHAN}, statuses=bad),
        Question(name="error.open_call", body={**basis, "messages": _OPEN, "tools": [_TOOL]},
                 statuses=bad),
        Question(name="error.schema", body={**hello, "output_config": _format(_LOOSE)},
                 statuses=bad),
        Question(name="error.stream", body={**hello, "messages": _EMPTY, "stream": True},
                 statuses=bad),
        Question(name="error.no_version", body=hello, api_version=None, statuses=bad),
        Question(name="error.unknown_version", body=hello, api_version="1999-01-01",
                 statuses=bad),
        Question(name="error.unknown_beta", body=hello,
                 headers={"anthropic-beta": "no-such-beta-2000-01-01"}, statuses=bad),
        Question(name="error.wrong_key", body=hello, credential="wrong", statuses=unauthorized),
        Question(name="error.no_key", body=hello, credential="none", statuses=unauthorized),
        Question(name="error.unknown_model", body={**hello, "model": _UNKNOWN_MODEL},
                 statuses=unknown),
        Question(name="error.unknown_path", method="GET", path="/v1/no_such_path",
                 statuses=unknown),
    )  # fmt: skip


def _tool_choice(model: str) -> JsonObject:
    """Return what makes a tool's call as certain as this model allows."""
    facts = find_model(model)
    if facts is None or not facts.accepts_forced_tools or facts.thinking_default != "off":
        return {"type": "auto"}
    return {"type": "tool", "name": "find_function"}


def _thinking(model: str) -> JsonObject:
    """Return how this model is asked to think; an unknown one is asked as the newest are."""
    facts = find_model(model)
    if facts is not None and "adaptive" in facts.thinking_refused:
        asked: JsonObject = {"type": "enabled", "budget_tokens": _BUDGET_TOKENS}
        return {"thinking": asked, "max_tokens": _BUDGET_TOKENS + _MAX_TOKENS}
    return {"thinking": {"type": "adaptive"}}
