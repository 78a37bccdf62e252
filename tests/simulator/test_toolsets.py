"""Toolsets: which member is called, how it is configured, and what the SDK says of them."""

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest
from anthropic._models import validate_type
from anthropic.types import (
    browser_member_name,
    computer_member_name,
    toolset_tool_use_block,
)

from l9gate.net.http import HttpResponse
from l9gate.simulator.toolsets import BROWSER, COMPUTER
from l9gate.simulator.turns import objects_of
from l9gate.wire.json import Json, JsonObject

Ask = Callable[..., HttpResponse]
SETS: list[Json] = [
    {"type": "browser_toolset_20260801"},
    {"type": "computer_toolset_20260801", "configs": {"screenshot": {"enabled": False}}},
]


def _content(response: HttpResponse) -> list[JsonObject]:
    assert isinstance(response.body, bytes)
    assert response.status == 200, response.body
    return objects_of(msgspec.json.decode(response.body)["content"])


@pytest.mark.parametrize(("members", "family"), [(BROWSER, "browser"), (COMPUTER, "computer")])
def test_every_member_has_an_input_that_the_sdk_takes(
    members: dict[str, JsonObject], family: str
) -> None:
    union = toolset_tool_use_block.ToolsetToolUseBlock
    for name, given in members.items():
        block = {
            "type": "tool_use",
            "id": "toolu_1",
            "name": name,
            "input": given,
            "caller": {"type": "direct"},
            "toolset_name": family,
        }
        assert validate_type(type_=union, value=block)  # type: ignore[arg-type] # a union


def test_the_members_are_those_of_the_sdk() -> None:
    names = (browser_member_name.BrowserMemberName, computer_member_name.ComputerMemberName)
    for members, known in zip((BROWSER, COMPUTER), names, strict=True):
        assert set(members) == set(get_args(known))


def test_one_member_of_each_toolset_is_called_once(ask: Ask, body: JsonObject) -> None:
    content = _content(ask({**body, "tools": SETS}))
    assert [(call["toolset_name"], call["name"]) for call in content] == [
        ("browser", "navigate"),
        ("computer", "cursor_position"),
    ]
    results: list[Json] = [
        {
            "type": "tool_result",
            "tool_use_id": call["id"],
            "toolset_name": call["toolset_name"],
            "content": "done",
        }
        for call in content
    ]
    history: list[Json] = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [*content]},
        {"role": "user", "content": results},
    ]
    rest = _content(ask({**body, "tools": SETS, "messages": history}))
    assert [block["type"] for block in rest] == ["text"]


def test_a_tool_named_like_a_member_is_another_tool(ask: Ask, body: JsonObject) -> None:
    own: JsonObject = {"name": "navigate", "input_schema": {"type": "object"}}
    content = _content(ask({**body, "tools": [own, SETS[0]]}))
    assert [(call["toolset_name"], call["name"]) for call in content] == [
        (None, "navigate"),
        ("browser", "navigate"),
    ]


def test_a_toolset_of_which_nothing_is_offered_is_not_called(ask: Ask, body: JsonObject) -> None:
    off: JsonObject = {name: {"enabled": False} for name in COMPUTER}
    tools: list[Json] = [{"type": "computer_toolset_20260801", "configs": off}]
    assert [block["type"] for block in _content(ask({**body, "tools": tools}))] == ["text"]


@pytest.mark.parametrize(
    ("kind", "configs", "says"),
    [
        ("computer", {"fly": {}}, b"configs.fly: Extra inputs are not permitted"),
        ("browser", {"zoom": {"on": True}}, b"configs.zoom.on: Extra inputs are not permitted"),
        ("computer", {"zoom": {"enabled": 1}}, b"configs.zoom.enabled: Input should be a valid"),
        ("computer", {"zoom": {"defer_loading": True}}, b"`defer_loading` must be the same"),
    ],
)
def test_a_wrong_configuration_is_refused(
    ask: Ask, body: JsonObject, kind: str, configs: Json, says: bytes
) -> None:
    toolset: JsonObject = {"type": f"{kind}_toolset_20260801", "configs": configs}
    response = ask({**body, "tools": [toolset]})
    assert response.status == 400
    assert isinstance(response.body, bytes)
    assert says in response.body


@pytest.mark.parametrize("kind", ["browser", "computer"])
def test_all_members_may_be_deferred(ask: Ask, body: JsonObject, kind: str) -> None:
    members = BROWSER if kind == "browser" else COMPUTER
    configs: JsonObject = {name: {"defer_loading": True} for name in members}
    tools: list[Json] = [
        {"type": f"{kind}_toolset_20260801", "configs": configs},
        {"name": "f", "input_schema": {"type": "object"}},
    ]
    assert [call["name"] for call in _content(ask({**body, "tools": tools}))] == ["f"]
