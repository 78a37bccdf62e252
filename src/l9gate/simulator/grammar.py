"""The shape of a request body, by endpoint, version and betas."""

from functools import cache

from l9gate.simulator.block_shapes import (
    CACHE_CONTROL,
    DOCUMENT,
    IMAGE,
    INPUT,
    MAYBE_TEXT,
    SEARCH_RESULT,
    TEXT,
    TEXT_BLOCK,
    TEXTS,
    TOOL_RESULT,
    TOOL_USE,
    TYPE,
)
from l9gate.simulator.server_shapes import CONTAINER_UPLOAD, RESULTS, SERVER_TOOL_USE
from l9gate.simulator.shapes import (
    Anything,
    Boolean,
    Fields,
    Integer,
    ListOf,
    Nullable,
    Number,
    OneOf,
    Record,
    Shape,
    Tagged,
    Text,
    TextOr,
    loosened,
)
from l9gate.simulator.tool_shapes import TOOL_SHAPES

MAX_MESSAGES = 100_000
BLOCKS: dict[str, Shape] = {
    "text": TEXT_BLOCK,
    "image": IMAGE,
    "document": DOCUMENT,
    "search_result": SEARCH_RESULT,
    "thinking": Record({**TYPE, "thinking": TEXT, "signature": TEXT}, ("thinking", "signature")),
    "redacted_thinking": Record({**TYPE, "data": TEXT}, ("data",)),
    "tool_use": TOOL_USE,
    "tool_result": TOOL_RESULT,
    "server_tool_use": SERVER_TOOL_USE,
    **RESULTS,
    "container_upload": CONTAINER_UPLOAD,
}
_ROLE = OneOf(("user", "assistant", "system"))
_ONE_CALL: dict[str, Shape] = {**TYPE, "disable_parallel_tool_use": Boolean()}
_TOOL_CHOICE = Tagged(
    {
        "auto": Record(_ONE_CALL),
        "any": Record(_ONE_CALL),
        "tool": Record({**_ONE_CALL, "name": Text(1)}, ("name",)),
        "none": Record(TYPE),
    }
)
_EFFORT = Nullable(OneOf(("low", "medium", "high", "xhigh", "max")))
_FORMAT = Nullable(
    Tagged({"json_schema": Record({**TYPE, "schema": INPUT}, ("schema",))}, is_shown=False)
)
_SKILL = Record(
    {"skill_id": Text(1), "type": OneOf(("anthropic", "custom")), "version": TEXT},
    ("skill_id", "type"),
)
_CREATE_ONLY: dict[str, Shape] = {
    "max_tokens": Integer(0),
    "stream": Boolean(),
    "stop_sequences": ListOf(TEXT),
    "metadata": Record({"user_id": Nullable(Text(0, 512))}),
    "service_tier": OneOf(("auto", "standard_only")),
    "inference_geo": MAYBE_TEXT,
    "container": Nullable(TextOr(Record({"id": MAYBE_TEXT, "skills": Nullable(ListOf(_SKILL))}))),
    "diagnostics": Nullable(Record({"previous_message_id": MAYBE_TEXT})),
}
# Until 2026-10-21 these were fields; since then they are extra inputs.
_SAMPLING: dict[str, Shape] = {
    "temperature": Number(0, 1),
    "top_p": Number(0, 1),
    "top_k": Integer(0),
}
# What `client.beta.messages` may send; which beta allows which field is not documented.
_OF_BETAS: dict[str, Shape] = dict.fromkeys(
    (
        "billing_policy",
        "compaction",
        "context_management",
        "fallback_credit_token",
        "fallbacks",
        "mcp_servers",
        "thread",
    ),
    Anything(),
)


@cache
def body_shape(*, is_current: bool, counts_only: bool, has_betas: bool, is_strict: bool) -> Shape:
    """Return the shape of a body.

    Args:
        is_current: the version is 2026-10-21, not the one before.
        counts_only: the body goes to `count_tokens`.
        has_betas: the request names a beta, so that fields, blocks and tools of betas may be there.
        is_strict: rules of value hold, not only those of form.
    """
    fields: dict[str, Shape] = {**_shared_fields(has_betas=has_betas)}
    required = ("model", "messages") if counts_only else ("model", "messages", "max_tokens")
    if not counts_only:
        fields |= _CREATE_ONLY
    if not (is_current or counts_only):
        fields |= _SAMPLING
    if has_betas:
        fields |= _OF_BETAS
    shape = Record(fields, required)
    return shape if is_strict else loosened(shape)


def _shared_fields(*, has_betas: bool) -> Fields:
    def of_betas(*names: str) -> Fields:
        return dict.fromkeys(names if has_betas else (), Anything())

    content = TextOr(ListOf(Tagged(BLOCKS, is_open=has_betas)))
    said: Fields = {"role": _ROLE, "content": content, **of_betas("clear_at", "output_config")}
    display = OneOf(("summarized", "omitted", *(("updates",) if has_betas else ())))
    bound = {**TYPE, **of_betas("block_binding")}
    shown = {**bound, "display": Nullable(display)}
    thinking = {
        "adaptive": Record(shown),
        "enabled": Record({**shown, "budget_tokens": Integer(1024)}, ("budget_tokens",)),
        "disabled": Record(TYPE),
        "between_tools": Record(bound),
    }
    output: Fields = {"effort": _EFFORT, "format": _FORMAT, **of_betas("task_budget")}
    return {
        "model": Text(1, 256),
        "messages": ListOf(Record(said, ("role", "content")), MAX_MESSAGES),
        "system": TextOr(TEXTS),
        "tools": ListOf(Tagged(TOOL_SHAPES, default="custom", is_open=has_betas)),
        "tool_choice": _TOOL_CHOICE,
        "thinking": Tagged(thinking),
        "cache_control": CACHE_CONTROL,
        "output_config": Record(output),
        "speed": Nullable(OneOf(("standard", "fast"))),
    }
