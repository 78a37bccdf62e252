"""The Models API: pages of models, newest first, with lifecycle and capabilities."""

from l9gate.simulator.pages import parse_page_query, render_page
from l9gate.simulator.profiles import Strictness, resolve_model
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.wire.json import JsonObject
from l9gate.wire.models import MODELS, ModelFacts, find_model

_EPOCH = "1970-01-01T00:00:00Z"  # the API's word for an unknown date
_LIFECYCLES = frozenset({"active", "deprecated", "retired"})


def list_models(query: str, strictness: Strictness = "strict") -> JsonObject | Refusal:
    """Return one page; retired models only if `lifecycle[]` asks for them."""
    is_strict = strictness == "strict"
    asked = parse_page_query(query, frozenset({"lifecycle[]"}), is_strict=is_strict)
    if isinstance(asked, Refusal):
        return asked
    wanted = set(asked.more.get("lifecycle[]", ["active", "deprecated"]))
    if not wanted <= _LIFECYCLES:
        return invalid("lifecycle: Input should be 'active', 'deprecated' or 'retired'")
    found = {model.id: model for model in MODELS if model.lifecycle in wanted}
    ids = list(found)
    return render_page(asked, ids, lambda id_: _render(found[id_]), "model", is_strict=is_strict)


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
        "server_tools": {"supported": True, "code_execution": yes, "web_search": yes},
        "thinking": {"supported": True, "types": {**thinks, "between_tools": between}},
    }
