"""Whether an answer begins with thoughts, and what they look like."""

import base64
import hashlib

import msgspec

from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import ModelFacts

_SENTENCES = (
    "A simulator does not think. ",
    "It only takes as long, and counts as many tokens. ",
    "These words stand where a summary of thoughts would stand. ",
)
_LENGTHS = {"low": 1, "medium": 2, "high": 3, "xhigh": 6, "max": 9}  # in sentences
_OURS = b"simulated"  # signatures of the API, in recorded conversations, begin otherwise
_MODEL_BYTES, _DIGEST_BYTES = 8, 32  # the former of the latter
_THOROUGH = frozenset({"high", "xhigh", "max"})


class Thought(msgspec.Struct, frozen=True):
    """A block of thoughts, and the text whose tokens are billed even where it is not shown."""

    block: JsonObject
    text: str


def think(body: JsonObject, facts: ModelFacts) -> Thought | None:
    """Return the thought that an answer begins with, None if it begins without one.

    A request that does not mention thinking gets a thought from models that always think, and from
    those that think by default at an effort of `high` and more.
    """
    given = body.get("thinking")
    thinking = given if isinstance(given, dict) else {}
    effort = _effort_of(body, facts)
    if not _does_think(thinking.get("type"), effort, body, facts):
        return None
    count = _LENGTHS.get(effort, 2)
    text = "".join(_SENTENCES[number % len(_SENTENCES)] for number in range(count)).rstrip()
    default = "summarized" if facts.thinking_default == "off" else "omitted"
    is_shown = (thinking.get("display") or default) == "summarized"
    signature = sign(facts.id, text, len(objects_of(body["messages"])))
    shown = text if is_shown else ""
    return Thought({"type": "thinking", "thinking": shown, "signature": signature}, text)


def sign(model: str, text: str, position: int) -> str:
    """Return a signature; every model, text and place in a conversation has its own.

    It carries the text, so that a block that comes back can be compared with what was sent.
    """
    place = f"{model}\n{position}\n{text}".encode()
    size = _DIGEST_BYTES - _MODEL_BYTES
    digest = _mark_of(model) + hashlib.blake2b(place, digest_size=size).digest()
    return base64.b64encode(_OURS + digest + text.encode()).decode()


def signed_text(signature: str) -> str | None:
    """Return the text that a signature carries, None if no simulator made it."""
    carried = _carried_by(signature)
    return None if carried is None else carried[_DIGEST_BYTES:].decode("utf-8", "replace")


def is_signed_by(signature: str, model: str) -> bool:
    """Whether a model, by its resolved id, made a signature; of those not ours nobody knows."""
    carried = _carried_by(signature)
    return carried is None or carried.startswith(_mark_of(model))


def _carried_by(signature: str) -> bytes | None:
    """Return what a signature holds besides that a simulator made it, None if none did."""
    try:
        carried = base64.b64decode(signature, validate=True)
    except ValueError:
        return None
    return carried[len(_OURS) :] if carried.startswith(_OURS) else None


def _mark_of(model: str) -> bytes:
    return hashlib.blake2b(model.encode(), digest_size=_MODEL_BYTES).digest()


def _effort_of(body: JsonObject, facts: ModelFacts) -> str:
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    return str(effort or facts.default_effort or "medium")


def _does_think(kind: Json, effort: str, body: JsonObject, facts: ModelFacts) -> bool:
    if kind in {"adaptive", "enabled"}:
        return True
    if kind == "between_tools":
        last = objects_of(body["messages"])[-1:]
        blocks = [block for message in last for block in blocks_of(message)]
        return any(block["type"] == "tool_result" for block in blocks)
    if kind is not None:
        return False
    default = facts.thinking_default
    return default == "always" or (default == "on" and effort in _THOROUGH)
