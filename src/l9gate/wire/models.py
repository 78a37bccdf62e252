"""The models of the Messages API as of 2026-11-22: ids, lifecycle, limits and what they refuse.

From 4.6 on an id is a pinned snapshot; older ids have a date, and an alias without one. A field is
None where no source states it. `/v1/models` of an endpoint knows better than this table.
"""

from typing import Literal, TypeAlias

import msgspec

AS_OF = "2026-11-22"
Lifecycle: TypeAlias = Literal["active", "deprecated", "retired"]
Line: TypeAlias = Literal["haiku", "sonnet", "opus", "fable", "mythos"]
ThinkingDefault: TypeAlias = Literal["always", "on", "off"]

_M = 1_000_000
_ENABLED = frozenset({"enabled"})
_ENABLED_DISABLED = frozenset({"enabled", "disabled"})
_ADAPTIVE = frozenset({"adaptive"})


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one model."""

    id: str
    name: str
    line: Line | None
    aliases: tuple[str, ...] = ()
    lifecycle: Lifecycle = "active"
    retires_at: str | None = None  # a date; for a retired model the one on which it ended
    max_input_tokens: int | None = _M
    max_output_tokens: int | None = 128_000
    thinking_default: ThinkingDefault = "off"  # what happens when a request does not say
    thinking_refused: frozenset[str] = frozenset()  # `thinking.type` answered with 400
    accepts_forced_tools: bool = True  # `tool_choice` of type `any` or `tool`
    accepts_prefill: bool = False  # a last message with role `assistant`
    accepts_system_role: bool = False  # `role: "system"` inside `messages`; of 5.1 on presumed
    accepts_sampling: bool = False  # other than default temperature, under version 2023-06-01
    default_effort: str | None = None


def _mythos(id_: str, name: str) -> ModelFacts:
    return ModelFacts(
        id=id_,
        name=name,
        line="mythos",
        max_input_tokens=None,
        max_output_tokens=None,
        thinking_default="always",
        thinking_refused=_ENABLED_DISABLED,
        accepts_forced_tools=id_ == "claude-mythos-5",
        accepts_system_role=True,
    )


def _fable(id_: str, name: str, effort: str | None) -> ModelFacts:
    return ModelFacts(
        id=id_,
        name=name,
        line="fable",
        thinking_default="always",
        thinking_refused=_ENABLED_DISABLED,
        accepts_forced_tools=id_ == "claude-fable-5",
        accepts_system_role=True,
        default_effort=effort,
    )


def _dated(id_: str, alias: str, name: str, line: Line) -> ModelFacts:
    """Return a model of the 4.5 generation that is active."""
    return ModelFacts(
        id=id_,
        name=name,
        line=line,
        aliases=(alias,),
        max_input_tokens=200_000,
        max_output_tokens=64_000,
        thinking_refused=_ADAPTIVE,
        accepts_prefill=True,
        accepts_sampling=True,
    )


def _retired(id_: str, name: str, line: Line | None, ended: str, *aliases: str) -> ModelFacts:
    return ModelFacts(
        id=id_,
        name=name,
        line=line,
        aliases=aliases,
        lifecycle="retired",
        retires_at=ended,
        max_input_tokens=None,
        max_output_tokens=None,
    )


# Most recently released first, as the API lists them.
MODELS: tuple[ModelFacts, ...] = (
    _fable("claude-fable-5-2", "Claude Fable 5.2", None),
    _mythos("claude-mythos-5-2", "Claude Mythos 5.2"),
    ModelFacts(
        id="claude-haiku-5-5",
        name="Claude Haiku 5.5",
        line="haiku",
        thinking_default="on",
        accepts_system_role=True,
        default_effort="medium",
    ),
    ModelFacts(
        id="claude-sonnet-5-5",
        name="Claude Sonnet 5.5",
        line="sonnet",
        thinking_default="on",
        thinking_refused=_ENABLED,
        accepts_forced_tools=False,
        accepts_system_role=True,
        default_effort="high",
    ),
    _fable("claude-fable-5-1", "Claude Fable 5.1", "high"),
    ModelFacts(
        id="claude-opus-5-5",
        name="Claude Opus 5.5",
        line="opus",
        thinking_default="always",
        thinking_refused=_ENABLED_DISABLED,
        accepts_forced_tools=False,
        accepts_system_role=True,
        default_effort="medium",
    ),
    _mythos("claude-mythos-5-1", "Claude Mythos 5.1"),
    ModelFacts(
        id="claude-sonnet-5",
        name="Claude Sonnet 5",
        line="sonnet",
        thinking_default="on",
        thinking_refused=_ENABLED,
        default_effort="high",
    ),
    _fable("claude-fable-5", "Claude Fable 5", "high"),
    _mythos("claude-mythos-5", "Claude Mythos 5"),
    ModelFacts(
        id="claude-opus-5",
        name="Claude Opus 5",
        line="opus",
        thinking_default="on",
        thinking_refused=_ENABLED,
        accepts_system_role=True,
        default_effort="high",
    ),
    ModelFacts(
        id="claude-opus-4-8",
        name="Claude Opus 4.8",
        line="opus",
        thinking_refused=_ENABLED,
        accepts_system_role=True,
        default_effort="high",
    ),
    ModelFacts(
        id="claude-opus-4-7", name="Claude Opus 4.7", line="opus", thinking_refused=_ENABLED
    ),
    _retired("claude-mythos-preview", "Claude Mythos Preview", "mythos", "2026-06-30"),
    ModelFacts(id="claude-opus-4-6", name="Claude Opus 4.6", line="opus", accepts_sampling=True),
    ModelFacts(
        id="claude-sonnet-4-6", name="Claude Sonnet 4.6", line="sonnet", accepts_sampling=True
    ),
    _dated("claude-opus-4-5-20251101", "claude-opus-4-5", "Claude Opus 4.5", "opus"),
    _dated("claude-haiku-4-5-20251001", "claude-haiku-4-5", "Claude Haiku 4.5", "haiku"),
    msgspec.structs.replace(
        _dated("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "Claude Sonnet 4.5", "sonnet"),
        lifecycle="deprecated",
        retires_at="2026-11-30",
    ),
    _retired(
        "claude-opus-4-1-20250805", "Claude Opus 4.1", "opus", "2026-08-05", "claude-opus-4-1"
    ),
    _retired("claude-opus-4-20250514", "Claude Opus 4", "opus", "2026-06-15", "claude-opus-4-0"),
    _retired(
        "claude-sonnet-4-20250514", "Claude Sonnet 4", "sonnet", "2026-06-15", "claude-sonnet-4-0"
    ),
    _retired(
        "claude-3-7-sonnet-20250219",
        "Claude Sonnet 3.7",
        "sonnet",
        "2026-02-19",
        "claude-3-7-sonnet-latest",
    ),
    _retired(
        "claude-3-5-haiku-20241022",
        "Claude Haiku 3.5",
        "haiku",
        "2026-02-19",
        "claude-3-5-haiku-latest",
    ),
    _retired("claude-3-opus-20240229", "Claude Opus 3", "opus", "2026-01-05"),
    _retired("claude-3-sonnet-20240229", "Claude Sonnet 3", "sonnet", "2025-07-21"),
    _retired("claude-2.1", "Claude 2.1", None, "2025-07-21"),
    _retired("claude-2.0", "Claude 2.0", None, "2025-07-21"),
    _retired("claude-1.3", "Claude 1.3", None, "2024-11-06"),
    _retired("claude-instant-1.2", "Claude Instant 1.2", None, "2024-11-06"),
)
_BY_NAME = {name: model for model in MODELS for name in (model.id, *model.aliases)}
# The shortest prefix of a prompt that is cached; what no source states has the default.
_CACHEABLE_FROM_TOKENS = {
    "claude-opus-5": 512,
    "claude-fable-5": 512,
    "claude-mythos-5": 512,
    "claude-opus-4-7": 2048,
    "claude-mythos-preview": 2048,
    "claude-opus-4-6": 4096,
    "claude-opus-4-5-20251101": 4096,
    "claude-haiku-4-5-20251001": 4096,
}
_DEFAULT_CACHEABLE_FROM_TOKENS = 1024


def find_model(model_id: str) -> ModelFacts | None:
    """Return the facts of a model by id or alias, None for one that is not in the table."""
    return _BY_NAME.get(model_id)


def cacheable_from_tokens(model_id: str) -> int:
    """Return the tokens of the shortest prefix that the prompt cache takes; presumed if unknown."""
    facts = find_model(model_id)
    name = model_id if facts is None else facts.id
    return _CACHEABLE_FROM_TOKENS.get(name, _DEFAULT_CACHEABLE_FROM_TOKENS)
