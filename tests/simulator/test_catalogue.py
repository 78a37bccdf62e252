"""The Models API."""

import pytest

from l9gate.simulator.catalogue import list_models, show_model
from l9gate.simulator.refusal import Refusal
from l9gate.wire.json import JsonObject
from l9gate.wire.models import MODELS


def _page(query: str) -> JsonObject:
    page = list_models(query)
    assert isinstance(page, dict)
    return page


def _ids(page: JsonObject) -> list[str]:
    data = page["data"]
    assert isinstance(data, list)
    return [str(model["id"]) for model in data if isinstance(model, dict)]


def test_pages_are_complete_and_free_of_duplicates() -> None:
    found: list[str] = []
    query = "limit=4"
    while True:
        page = _page(query)
        found += _ids(page)
        if not page["has_more"]:
            break
        query = f"limit=4&after_id={page['last_id']}"
    assert found == [model.id for model in MODELS if model.lifecycle != "retired"]


def test_pages_backwards_end_before_the_cursor() -> None:
    ids = _ids(_page(""))
    page = _page(f"limit=3&before_id={ids[5]}")
    assert (_ids(page), page["has_more"]) == (ids[2:5], True)
    first = _page(f"limit=9&before_id={ids[5]}")
    assert (_ids(first), first["has_more"]) == (ids[:5], False)


def test_both_cursors_give_what_lies_between() -> None:
    ids = _ids(_page(""))
    assert _ids(_page(f"after_id={ids[1]}&before_id={ids[4]}")) == ids[2:4]


def test_a_page_names_its_first_and_last() -> None:
    page = _page("limit=2")
    assert [page["first_id"], page["last_id"]] == _ids(page)


def test_an_empty_page_names_neither() -> None:
    ids = _ids(_page(""))
    page = _page(f"after_id={ids[-1]}")
    assert (page["data"], page["first_id"], page["has_more"]) == ([], None, False)


def test_retired_models_are_shown_on_request() -> None:
    """L4-06."""
    ids = _ids(_page("lifecycle[]=retired&lifecycle[]=deprecated&limit=1000"))
    assert "claude-opus-4-20250514" in ids
    assert "claude-sonnet-4-5-20250929" in ids
    assert "claude-haiku-5-5" not in ids


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 400),
        ("limit=1001", 400),
        ("limit=x", 400),
        ("lifecycle[]=young", 400),
        ("page=2", 400),
        ("after_id=nothing", 404),
        ("before_id=nothing", 404),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(query: str, status: int) -> None:
    refusal = list_models(query)
    assert isinstance(refusal, Refusal)
    assert refusal.status == status


def test_an_alias_shows_its_model() -> None:
    model = show_model("claude-sonnet-4-5")
    assert isinstance(model, dict)
    assert (model["id"], model["lifecycle"]) == ("claude-sonnet-4-5-20250929", "deprecated")
    assert model["retires_at"] == "2026-11-30T00:00:00Z"


def test_an_unknown_model_is_not_found() -> None:
    refusal = show_model("claude-99")
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.message) == (404, "model: claude-99")


def test_capabilities_say_which_thinking_is_refused() -> None:
    model = show_model("claude-opus-5-5")
    assert isinstance(model, dict)
    assert isinstance(model["capabilities"], dict)
    thinking = model["capabilities"]["thinking"]
    assert isinstance(thinking, dict)
    assert thinking["types"] == {
        "adaptive": {"supported": True},
        "disabled": {"supported": False},
        "enabled": {"supported": False},
        "between_tools": {"supported": False},
    }


def test_every_model_runs_the_tools_that_the_simulator_plays() -> None:
    """14.2."""
    shown = show_model("claude-haiku-5-5")
    assert isinstance(shown, dict)
    capabilities = shown["capabilities"]
    assert isinstance(capabilities, dict)
    yes = {"supported": True}
    assert capabilities["server_tools"] == {**yes, "code_execution": yes, "web_search": yes}
