"""L4-06: the configured model is listed, active, and takes what it says it takes."""

import json
from collections.abc import Callable

import anthropic
import pytest
from anthropic.types import Message

from l9gate.wire.json import Json, JsonObject
from neural_tools.settings import Settings

pytestmark = pytest.mark.contract

PAGE = 5


def test_configured_model_is_listed_and_active(
    client: anthropic.Anthropic, settings: Settings
) -> None:
    wanted = client.models.retrieve(settings.model)
    listed = {model.id: model.lifecycle for model in client.models.list(limit=100)}
    assert listed[wanted.id] == "active"


def test_configured_model_keeps_the_schema(
    client: anthropic.Anthropic,
    settings: Settings,
    violations: Callable[[str, Json], list[str]],
) -> None:
    response = client.models.with_raw_response.retrieve(settings.model)
    assert violations("model", json.loads(response.read())) == []
    assert response.parse().lifecycle == "active"


def test_answering_model_is_the_configured_one(
    ask: Callable[..., anthropic.APIResponse[Message]],
    client: anthropic.Anthropic,
    settings: Settings,
) -> None:
    """Invariant 16: an alias answers with the id that it stands for."""
    expected = client.models.retrieve(settings.model).id
    assert ask("Reply with exactly: ready").parse().model == expected


def test_pages_are_complete_and_free_of_duplicates(
    client: anthropic.Anthropic, violations: Callable[[str, Json], list[str]]
) -> None:
    at_once = [model.id for model in client.models.list(limit=1000)]
    paged: list[str] = []
    after: str | anthropic.Omit = anthropic.omit
    for _ in at_once:
        response = client.models.with_raw_response.list(limit=PAGE, after_id=after)
        body = json.loads(response.read())
        assert violations("models_page", body) == []
        paged += [model["id"] for model in body["data"]]
        if not body["has_more"]:
            break
        after = body["last_id"]
    assert paged == at_once
    assert len(set(paged)) == len(paged) > PAGE


@pytest.mark.expects_error("not_found_error")
def test_unknown_model_is_not_found(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as refused:
        client.models.retrieve("claude-no-such-model")
    assert refused.value.type == "not_found_error"


def test_every_kind_of_thinking_on_offer_is_taken(
    ask: Callable[..., anthropic.APIResponse[Message]],
    client: anthropic.Anthropic,
    settings: Settings,
    violations: Callable[[str, Json], list[str]],
) -> None:
    offered = client.models.retrieve(settings.model).capabilities
    assert offered is not None
    requests: dict[str, JsonObject] = {
        "disabled": {"type": "disabled"},
        "adaptive": {"type": "adaptive"},
        "enabled": {"type": "enabled", "budget_tokens": 1024},
    }
    kinds = [kind for kind in requests if getattr(offered.thinking.types, kind).supported]
    assert kinds
    for kind in kinds:
        response = ask("Reply with exactly: ready", thinking=requests[kind], max_tokens=2048)
        assert violations("message", json.loads(response.read())) == []
        assert response.parse().stop_reason == "end_turn"
