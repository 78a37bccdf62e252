"""Why a prompt could not be read from the cache: compared with a request that came before."""

import hashlib

import msgspec

from l9gate.simulator.tokens import without_breakpoints
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject

_MAX_REQUESTS = 2_000
_MAX_MESSAGES = 2_000  # of one request that are compared


class _Seen(msgspec.Struct, frozen=True):
    model: bytes
    tools: bytes
    system: bytes
    rest: bytes
    messages: tuple[bytes, ...]
    input_tokens: int


class Diagnosis:
    """Remembers requests that asked for a diagnosis, as hashes, by the id of their message."""

    def __init__(self, max_requests: int = _MAX_REQUESTS) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._max_requests = max_requests

    def diagnose(
        self, body: JsonObject, model: str, input_tokens: int, scope: str, message_id: str
    ) -> Json:
        """Return the `diagnostics` of a message, None if nothing differs or nobody asked."""
        asked = body.get("diagnostics")
        if not isinstance(asked, dict):
            return None
        now = _look_at(body, model, input_tokens)
        previous_id = asked.get("previous_message_id")
        before = self._seen.get((scope, str(previous_id)))
        self._seen[scope, message_id] = now
        if len(self._seen) > self._max_requests:
            del self._seen[next(iter(self._seen))]
        if previous_id is None:
            return None
        reason = _compare(before, now)
        return None if reason is None else {"cache_miss_reason": reason}


def _compare(before: _Seen | None, now: _Seen) -> JsonObject | None:
    if before is None:
        return {"type": "previous_message_not_found"}
    changed = {
        "model_changed": before.model != now.model,
        "tools_changed": before.tools != now.tools,
        "system_changed": before.system != now.system,
        "messages_changed": before.messages != now.messages[: len(before.messages)],
    }
    for name, has_changed in changed.items():
        if has_changed:
            return {"type": name, "cache_missed_input_tokens": before.input_tokens}
    return {"type": "unavailable"} if before.rest != now.rest else None


def _look_at(body: JsonObject, model: str, input_tokens: int) -> _Seen:
    messages = objects_of(body["messages"])[:_MAX_MESSAGES]
    system = body.get("system")
    return _Seen(
        model=_hash([model, body.get("speed") or "standard"]),
        tools=_hash([without_breakpoints(tool) for tool in objects_of(body.get("tools"))]),
        system=_hash([without_breakpoints(text) for text in objects_of(system)] or system),
        rest=_hash([body.get("thinking"), body.get("tool_choice"), body.get("output_config")]),
        messages=tuple(
            _hash([message["role"], *(without_breakpoints(b) for b in blocks_of(message))])
            for message in messages
        ),
        input_tokens=input_tokens,
    )


def _hash(value: Json) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=12).digest()
