"""Toolsets: families of tools that the client runs, each declared by one entry without a name.

Members and their inputs are those of SDK 2.12.0. Which members of the browser are off unless a
request turns them on is not documented; here all are on.
"""

from l9gate.simulator.turns import blocks_of
from l9gate.wire.json import JsonObject

_POINT: JsonObject = {"type": "coordinate", "x": 40, "y": 30}
_ELEMENT: JsonObject = {"type": "ref", "ref": "ref_1"}
_AT: JsonObject = {"coordinate": [40, 30]}
_REGION: JsonObject = {"region": [0, 0, 400, 300]}
_KEY: JsonObject = {"text": "Return"}
_HELD: JsonObject = {"text": "shift", "duration": 1}
# In the order in which they are taken: the first that is offered is called.
BROWSER: dict[str, JsonObject] = {
    "navigate": {"url": "https://example.com/simulated"},
    "screenshot": {},
    "read_page": {},
    "get_page_text": {},
    "list_tabs": {},
    "new_tab": {},
    "switch_tab": {"tab_id": "tab_1"},
    "close_tab": {"tab_id": "tab_1"},
    "read_console": {},
    "read_network": {},
    "find": {"query": "simulated"},
    "form_input": {"target": _ELEMENT, "value": "simulated"},
    "file_upload": {"target": _ELEMENT, "paths": ["simulated.txt"]},
    "scroll_to": {"target": _ELEMENT},
    "zoom": _REGION,
    "left_click": {"target": _POINT},
    "right_click": {"target": _POINT},
    "middle_click": {"target": _POINT},
    "double_click": {"target": _POINT},
    "triple_click": {"target": _POINT},
    "hover": {"target": _POINT},
    "left_click_drag": {"from": _POINT, "target": {**_POINT, "x": 80}},
    "left_mouse_down": {"target": _POINT},
    "left_mouse_up": {"target": _POINT},
    "mouse_move": {"target": _POINT},
    "scroll": {"target": _POINT, "scroll_direction": "down"},
    "type": {"text": "simulated"},
    "key": _KEY,
    "hold_key": _HELD,
    "wait": {"duration": 1},
    "javascript_exec": {"text": "1"},
}
COMPUTER: dict[str, JsonObject] = {
    "screenshot": {},
    "cursor_position": {},
    "zoom": _REGION,
    "mouse_move": _AT,
    "left_click": _AT,
    "right_click": _AT,
    "middle_click": _AT,
    "double_click": _AT,
    "triple_click": _AT,
    "left_click_drag": {"start_coordinate": [40, 30], "coordinate": [80, 30]},
    "left_mouse_down": {},
    "left_mouse_up": {},
    "scroll": {**_AT, "scroll_direction": "down", "scroll_amount": 3},
    "type": {"text": "simulated"},
    "key": _KEY,
    "hold_key": _HELD,
    "wait": {"duration": 1},
}
_FAMILIES = {"browser_toolset_20260801": BROWSER, "computer_toolset_20260801": COMPUTER}


def family_of(tool: JsonObject) -> str | None:
    """Return the family of a toolset, `browser` or `computer`; None for any other tool."""
    kind = str(tool.get("type"))
    return kind.partition("_")[0] if kind in _FAMILIES else None


def call_of_member(tool: JsonObject) -> JsonObject | None:
    """Return name and input of the call of a member that a toolset offers, None if it offers none.

    A member is offered unless it is disabled, or deferred.
    """
    for name, made in _FAMILIES[str(tool["type"])].items():
        config = _config_of(tool, name)
        if config.get("enabled") is not False and config.get("defer_loading") is not True:
            return {"name": name, "input": made, "toolset_name": family_of(tool)}
    return None


def has_mixed_loading(tool: JsonObject) -> bool:
    """Whether some enabled members are deferred and some are not, which no toolset may say.

    All members of the computer are enabled by default; of the browser's only those that are
    configured tell.
    """
    members = _FAMILIES[str(tool["type"])]
    configs = [_config_of(tool, name) for name in members]
    if members is BROWSER:
        configs = [config for config in configs if config]
    enabled = [config for config in configs if config.get("enabled") is not False]
    return len({bool(config.get("defer_loading")) for config in enabled}) > 1


def families_called(messages: list[JsonObject]) -> set[str]:
    """Return the families of which a member was called so far."""
    blocks = [block for message in messages for block in blocks_of(message)]
    calls = [block for block in blocks if block["type"] == "tool_use"]
    return {str(call["toolset_name"]) for call in calls if call.get("toolset_name")}


def _config_of(tool: JsonObject, name: str) -> JsonObject:
    configs = tool.get("configs")
    config = configs.get(name) if isinstance(configs, dict) else None
    return config if isinstance(config, dict) else {}
