"""An answer as the API writes it: whole, or as the events of a stream."""

from collections.abc import Iterator

import msgspec

from l9gate.simulator.script import Answer
from l9gate.simulator.tokens import count_text_tokens
from l9gate.simulator.turns import objects_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import render_event

_PIECE_CHARS = 24  # of text or tool input in one delta


class Piece(msgspec.Struct, frozen=True):
    """One event of a stream as bytes, and how many tokens were generated for it."""

    data: bytes
    tokens: int = 0


def render_message(message_id: str, model: str, answer: Answer, input_tokens: int) -> JsonObject:
    """Return the whole message, every key present."""
    details: Json = None
    if answer.stop_reason == "refusal":
        details = {"type": "refusal", "category": None, "explanation": None}
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": answer.content,
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "stop_details": details,
        "container": None,
        "diagnostics": None,
        "usage": _usage(input_tokens, answer.output_tokens, answer.thinking_tokens),
    }


def _usage(input_tokens: int, output_tokens: int, thinking_tokens: int) -> JsonObject:
    return {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": None,
        "speed": "standard",
        "output_tokens_details": {"thinking_tokens": thinking_tokens},
    }


def stream_pieces(message: JsonObject) -> Iterator[Piece]:
    """Yield the events that add up to the message."""
    usage = message["usage"]
    counts = usage if isinstance(usage, dict) else {}
    started: JsonObject = {
        **message,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**counts, "output_tokens": 1 if message["content"] else 0, **_NO_DETAILS},
    }
    yield _event("message_start", {"message": started})
    yield _event("ping", {})
    for index, block in enumerate(objects_of(message["content"])):
        yield from _block_pieces(index, block)
    totals = {name: counts[name] for name in _TOTALS if name in counts}
    ends = ("stop_reason", "stop_sequence", "stop_details", "container")
    yield _event(
        "message_delta", {"delta": {name: message[name] for name in ends}, "usage": totals}
    )
    yield _event("message_stop", {})


# What a `message_delta` repeats; the rest of the usage stands as `message_start` gave it.
_TOTALS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "server_tool_use",
    "output_tokens_details",
)
_NO_DETAILS: JsonObject = {"output_tokens_details": None}


def _block_pieces(index: int, block: JsonObject) -> Iterator[Piece]:
    kind = block["type"]
    empty, deltas = dict(block), list[JsonObject]()
    if kind == "text":
        empty["text"] = ""
        deltas = [{"type": "text_delta", "text": piece} for piece in _split(str(block["text"]))]
    elif kind == "thinking":
        empty |= {"thinking": "", "signature": ""}
        thought = _split(str(block["thinking"]))
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in thought]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif kind == "tool_use":
        empty["input"] = {}
        written = _split(msgspec.json.encode(block["input"]).decode()) if block["input"] else []
        deltas = [{"type": "input_json_delta", "partial_json": p} for p in ["", *written]]
    yield _event("content_block_start", {"index": index, "content_block": empty})
    for delta in deltas:
        generated = delta.get("text") or delta.get("thinking") or delta.get("partial_json") or ""
        tokens = count_text_tokens(str(generated))
        yield _event("content_block_delta", {"index": index, "delta": delta}, tokens)
    yield _event("content_block_stop", {"index": index})


def _split(text: str) -> list[str]:
    return [text[at : at + _PIECE_CHARS] for at in range(0, len(text), _PIECE_CHARS)]


def _event(kind: str, fields: JsonObject, tokens: int = 0) -> Piece:
    return Piece(render_event(kind, msgspec.json.encode({"type": kind, **fields})), tokens)
