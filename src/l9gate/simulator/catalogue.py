"""The Models API: pages of models, newest first, with lifecycle and capabilities."""

from urllib.parse import parse_qs

from l9gate.simulator.profiles import Strictness, resolve_model
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import MODELS, ModelFacts, find_model

_EPOCH = "1970-01-01T00:00:00Z"  # the API's word for an unknown date
_LIFECYCLES = frozenset({"active", "deprecated", "retired"})
_PARAMETERS = frozenset({"limit", "after_id", "before_id", "lifecycle[]", "beta"})


def list_models(query: str) -> JsonObject | Refusal:
    """Return one page; retired models only if `lifecycle[]` asks for them."""
    given = parse_qs(query, keep_blank_values=True)
    for name in given:
        if name not in _PARAMETERS:
            return invalid(f"{name}: Extra inputs are not permitted")
    limit = given.get("limit", ["20"])[-1]
    if not limit.isdecimal() or not 1 <= int(limit[:9]) <= 1000:
        return invalid("limit: Input should be a number from 1 to 1000")
    wanted = set(given.get("lifecycle[]", ["active", "deprecated"]))
    if not wanted <= _LIFECYCLES:
        return invalid("lifecycle: Input should be 'active', 'deprecated' or 'retired'")
    found = [model for model in MODELS if model.lifecycle in wanted]
    return _page(found, int(limit), given.get("after_id"), given.get("before_id"))


def _page(
    found: list[ModelFacts], limit: int, after: list[str] | None, before: list[str] | None
) -> JsonObject | Refusal:
    ids = [model.id for model in found]
    for cursor in (after, before):
        if cursor is not None and cursor[-1] not in ids:
            return refuse("not_found_error", f"model: {cursor[-1]}")
    first = 0 if after is None else ids.index(after[-1]) + 1
    last = len(ids) if before is None else ids.index(before[-1])
    if before is not None and after is None:
        page, has_more = found[max(0, last - limit) : last], last > limit
    else:
        page, has_more = found[first : min(last, first + limit)], first + limit < last
    data: list[Json] = [_render(model) for model in page]
    return {
        "data": data,
        "has_more": has_more,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def show_model(model_id: str, strictness: Strictness = "strict") -> JsonObject | Refusal:
    """Return one model by id or alias, a retired one too."""
    model = find_model(model_id) or resolve_model(model_id, strictness)
    return refuse("not_found_error", f"model: {model_id}") if model is None else _render(model)


def _render(model: ModelFacts) -> JsonObject:
    is_active = model.lifecycle == "active"
    ends = None if model.retires_at is None else f"{model.retires_at}T00:00:00Z"
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": _EPOCH,
        "lifecycle": model.lifecycle,
        "deprecated_at": None if is_active else _EPOCH,
        "retires_at": ends,
        "line": model.line,
        "max_input_tokens": model.max_input_tokens,
        "max_tokens": model.max_output_tokens,
        "capabilities": _capabilities(model),
    }


def _capabilities(model: ModelFacts) -> JsonObject:
    yes: JsonObject = {"supported": True}
    no: JsonObject = {"supported": False}
    thinks = {
        name: no if name in model.thinking_refused else yes
        for name in ("adaptive", "disabled", "enabled")
    }
    between = yes if model.id == "claude-sonnet-5-5" else no
    has_effort = yes if model.default_effort else no
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": yes,
        "image_input": yes,
        "pdf_input": yes,
        "structured_outputs": yes,
        "context_management": {
            "supported": False,
            "clear_thinking_20251015": None,
            "clear_tool_uses_20250919": None,
            "compact_20260112": None,
        },
        "effort": {
            **has_effort,
            **dict.fromkeys(("low", "medium", "high", "max", "xhigh"), has_effort),
        },
        "server_tools": {"supported": False, "code_execution": no, "web_search": no},
        "thinking": {"supported": True, "types": {**thinks, "between_tools": between}},
    }
