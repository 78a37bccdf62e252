"""Containers, in which the API runs code: only their names, as there is nothing in them."""

from datetime import UTC, datetime

from l9gate.simulator.turns import objects_of
from l9gate.wire.json import Json, JsonObject

_LIFE_S = 30 * 24 * 3600  # how long a container lives at the API is not known
_CODE = "code_execution"


def container_of(body: JsonObject, content: list[Json], now_s: float) -> JsonObject | None:
    """Return the container of the code that an answer runs, None if it runs none.

    It is the one that the request names, else one that belongs to the first call: code that is
    still running in the next answer stays where it is.

    Args:
        body: the request.
        content: of the answer.
        now_s: since the epoch.
    """
    runs = [found for found in map(_run_of, objects_of(content)) if found]
    if not runs:
        return None
    given = body.get("container")
    asked = given if isinstance(given, dict) else {"id": given}
    expires = datetime.fromtimestamp(now_s + _LIFE_S, UTC)
    skills: list[Json] = [
        {**skill, "version": skill.get("version", "latest")}
        for skill in objects_of(asked.get("skills"))
    ]
    return {
        "id": asked.get("id") or f"container_{runs[0].partition('_')[2]}",
        "expires_at": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        "skills": skills or None,
    }


def _run_of(block: JsonObject) -> str | None:
    """Return the id of the call of code that a block makes, ends or comes from."""
    caller = block.get("caller")
    if isinstance(caller, dict) and _CODE in str(caller.get("type")):
        return str(caller.get("tool_id"))
    if _CODE in str(block.get("type")):
        return str(block.get("tool_use_id"))
    is_call = block.get("type") == "server_tool_use" and _CODE in str(block.get("name"))
    return str(block.get("id")) if is_call else None
