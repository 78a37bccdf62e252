"""The Models API and token counting: sections 2, 14, 15."""

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest
from anthropic._models import validate_type
from anthropic.types import ModelInfo

from l9gate.net.client import ClientResponse
from l9gate.wire.json import Json, JsonObject

Ask: TypeAlias = Callable[..., ClientResponse]
MODELS = "/v1/models"
COUNT = "/v1/messages/count_tokens"
KEYS = {
    *("type", "id", "display_name", "created_at", "lifecycle", "deprecated_at", "retires_at"),
    *("line", "max_input_tokens", "max_tokens", "capabilities"),
}
CURRENT = (
    *("claude-fable-5-2", "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"),
    *("claude-sonnet-5", "claude-fable-5", "claude-opus-5", "claude-opus-4-8", "claude-opus-4-7"),
    *("claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-5-20251101"),
    "claude-haiku-4-5-20251001",
)
ALIASES = {
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}


def page(ask: Ask, query: str = "") -> tuple[list[JsonObject], JsonObject]:
    """One page of models, and all of its answer."""
    answer = ask(path=f"{MODELS}?{query}" if query else MODELS, method="GET")
    assert answer.status == 200, answer.body
    found: JsonObject = json.loads(answer.body)
    assert found.keys() == {"data", "has_more", "first_id", "last_id"}
    data = found["data"]
    assert isinstance(data, list)
    models = [model for model in data if isinstance(model, dict)]
    assert found["first_id"] == (models[0]["id"] if models else None)
    assert found["last_id"] == (models[-1]["id"] if models else None)
    return models, found


def walk(ask: Ask, limit: int, cursor: str, last: str) -> list[Json]:
    """All ids, page by page, as the SDK goes through them."""
    ids: list[Json] = []
    query = f"limit={limit}"
    for _ in range(100):
        models, found = page(ask, query)
        assert len(models) <= limit
        ids += [model["id"] for model in models]
        if not found["has_more"]:
            return ids
        query = f"limit={limit}&{cursor}={found[last]}"
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", [1, 3, 20, 1000])
def test_pages_are_complete_and_free_of_duplicates(ask: Ask, limit: int) -> None:
    """2, 19.16."""
    every = [model["id"] for model in page(ask, "limit=1000")[0]]
    assert len(set(map(str, every))) == len(every)
    assert walk(ask, limit, "after_id", "last_id") == every


def test_pages_go_backwards_as_well(ask: Ask) -> None:
    """2."""
    every = [model["id"] for model in page(ask, "limit=1000")[0]]
    before, found = page(ask, f"limit=2&before_id={every[4]}")
    assert [model["id"] for model in before] == every[2:4]
    assert found["has_more"] is True
    first, found = page(ask, f"limit=2&before_id={every[2]}")
    assert [model["id"] for model in first] == every[:2]
    assert found["has_more"] is False


def test_after_the_last_comes_an_empty_page(ask: Ask) -> None:
    """2: all four keys, two of them null."""
    every, _ = page(ask, "limit=1000")
    models, found = page(ask, f"after_id={every[-1]['id']}")
    assert (models, found["has_more"]) == ([], False)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "limit="])
def test_a_limit_is_from_1_to_1000(
    ask: Ask, refusal_in: Callable[[ClientResponse], tuple[int, str, str]], query: str
) -> None:
    """2."""
    answer = ask(path=f"{MODELS}?{query}", method="GET")
    assert refusal_in(answer)[:2] == (400, "invalid_request_error")


@pytest.mark.parametrize("cursor", ["after_id", "before_id"])
def test_an_unknown_cursor_is_refused(
    ask: Ask, refusal_in: Callable[[ClientResponse], tuple[int, str, str]], cursor: str
) -> None:
    """2: with 400 or 404, which of them is not known."""
    answer = ask(path=f"{MODELS}?{cursor}=claude-nothing", method="GET")
    assert refusal_in(answer)[0] in {400, 404}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"active", "deprecated"}),
        ("lifecycle[]=active", {"active"}),
        ("lifecycle%5B%5D=deprecated", {"deprecated"}),
        ("lifecycle[]=retired", {"retired"}),
        ("lifecycle[]=active&lifecycle[]=retired", {"active", "retired"}),
    ],
)
def test_the_lifecycle_filters(ask: Ask, query: str, expected: set[str]) -> None:
    """2, 14.2: retired models only on request."""
    models, _ = page(ask, f"limit=1000&{query}")
    assert {model["lifecycle"] for model in models} == expected


def test_every_model_has_every_key(ask: Ask) -> None:
    """14.2, 19.17."""
    models, _ = page(
        ask, "limit=1000&lifecycle[]=active&lifecycle[]=deprecated&lifecycle[]=retired"
    )
    for model in models:
        assert model.keys() == KEYS
        assert model["type"] == "model"
        assert (model["deprecated_at"] is None) == (model["lifecycle"] == "active")
        validate_type(type_=ModelInfo, value=model)


@pytest.mark.parametrize("model", CURRENT)
def test_every_listed_model_can_be_called(ask: Ask, model: str) -> None:
    """14.1, 19.16."""
    listed = {found["id"]: found for found in page(ask, "limit=1000")[0]}
    assert listed[model]["lifecycle"] == "active"
    answer = ask({"model": model})
    assert (answer.status, json.loads(answer.body)["model"]) == (200, model)
    assert ask(path=f"{MODELS}/{model}", method="GET").status == 200


@pytest.mark.parametrize(("alias", "model"), ALIASES.items())
def test_an_alias_is_answered_with_the_resolved_id(ask: Ask, alias: str, model: str) -> None:
    """8, 14.1, 19.16."""
    assert json.loads(ask({"model": alias}).body)["model"] == model
    assert json.loads(ask(path=f"{MODELS}/{alias}", method="GET").body)["id"] == model
    streamed = ask({"model": alias, "stream": True}).body
    assert f'"model":"{model}"'.encode() in streamed


def test_more_recent_models_come_first(ask: Ask) -> None:
    """14.2."""
    ids = [str(model["id"]) for model in page(ask, "limit=1000")[0]]
    known = [model for model in ids if model in CURRENT]
    assert known == [model for model in CURRENT if model in known]


def test_an_unknown_model_is_a_404(
    ask: Ask, refusal_in: Callable[[ClientResponse], tuple[int, str, str]]
) -> None:
    """14.2."""
    answer = ask(path=f"{MODELS}/claude-nothing", method="GET")
    assert refusal_in(answer)[:2] == (404, "not_found_error")


@pytest.mark.parametrize("model", CURRENT)
def test_a_model_thinks_as_it_says(ask: Ask, model: str) -> None:
    """6.4, 14.2: what `capabilities` denies is refused, what it grants is not."""
    facts = json.loads(ask(path=f"{MODELS}/{model}", method="GET").body)
    types = facts["capabilities"]["thinking"]["types"]
    assert types.keys() == {"adaptive", "between_tools", "disabled", "enabled"}
    for kind in ("adaptive", "disabled", "enabled"):
        budget = {"budget_tokens": 1024} if kind == "enabled" else {}
        changes = {"model": model, "max_tokens": 3000, "thinking": {"type": kind, **budget}}
        assert ask(changes).status == (200 if types[kind]["supported"] else 400)


def counted(ask: Ask, changes: JsonObject) -> int:
    answer = ask(changes, path=COUNT, drop=("max_tokens",))
    assert answer.status == 200, answer.body
    body = json.loads(answer.body)
    assert body.keys() == {"input_tokens"}
    tokens = body["input_tokens"]
    assert isinstance(tokens, int)
    return tokens


ASKED: dict[str, JsonObject] = {
    "text": {},
    "system": {"system": "Be brief, and be exact in what you say."},
    "tools": {"tools": [{"name": "look", "input_schema": {"type": "object"}}]},
    "long": {"messages": [{"role": "user", "content": "word " * 5000}]},
    "conversation": {
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ]
    },
    "other scripts": {"messages": [{"role": "user", "content": "語" * 300}]},
}


@pytest.mark.parametrize("changes", ASKED.values(), ids=ASKED)
def test_what_is_counted_is_what_is_billed(ask: Ask, changes: JsonObject) -> None:
    """15, 19.14; K20, K22."""
    usage = json.loads(ask(changes).body)["usage"]
    billed = sum(
        usage[name]
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    )
    assert abs(counted(ask, changes) - billed) <= 0.05 * billed


def test_more_text_counts_more(ask: Ask) -> None:
    """15."""
    sizes = [
        counted(ask, {"messages": [{"role": "user", "content": "word " * n}]})
        for n in (1, 10, 100, 1000)
    ]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize(
    "field",
    [
        {"max_tokens": 5},
        {"stream": True},
        {"metadata": {}},
        {"stop_sequences": ["x"]},
        {"service_tier": "auto"},
        {"container": "c"},
    ],
    ids=lambda field: next(iter(field)),
)
def test_counting_takes_no_field_of_the_answer(
    ask: Ask, refusal_in: Callable[[ClientResponse], tuple[int, str, str]], field: JsonObject
) -> None:
    """15."""
    drop = () if "max_tokens" in field else ("max_tokens",)
    status, _, message = refusal_in(ask(field, path=COUNT, drop=drop))
    assert (status, message) == (400, f"{next(iter(field))}: Extra inputs are not permitted")
