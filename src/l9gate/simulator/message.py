"""An answer as the API writes it: whole, or as the events of a stream."""

from collections.abc import Iterator

import msgspec

from l9gate.simulator.tokens import count_text_tokens
from l9gate.simulator.trimming import Answer
from l9gate.simulator.turns import objects_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import render_event

_PIECE_CHARS = 24  # of text or tool input in one delta
_WHOLE_BYTES = _PIECE_CHARS + 2  # of such a piece as JSON, if all its characters are plain
_WHOLE_TOKENS = count_text_tokens("x" * _PIECE_CHARS)
_SERVER = "server_tool_use"
_REFUSAL: JsonObject = {
    "type": "refusal",
    "category": "general_harms",
    "explanation": "A simulated refusal",
}


class InputUse(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tokens of a prompt went; all four together are the whole prompt."""

    plain: int  # after the last breakpoint, or everything
    read: int = 0  # from the cache
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        """The tokens written to the cache."""
        return self.written_5m + self.written_1h

    @property
    def total(self) -> int:
        """The tokens of the prompt."""
        return self.plain + self.read + self.written

    @property
    def limited(self) -> int:
        """The tokens that the input rate limit counts: all but those read from the cache."""
        return self.plain + self.written


class Piece(msgspec.Struct, frozen=True):
    """One event of a stream as bytes, and how many tokens were generated for it."""

    data: bytes
    tokens: int = 0


def render_message(
    message_id: str,
    model: str,
    answer: Answer,
    use: InputUse,
    body: JsonObject,
    diagnostics: Json = None,
) -> JsonObject:
    """Return the whole message, every key present; `body` is the request that it answers."""
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": answer.content,
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "stop_details": _REFUSAL if answer.stop_reason == "refusal" else None,
        "container": answer.container,
        "diagnostics": diagnostics,
        "usage": _usage(answer, use, body),
    }


def _usage(answer: Answer, use: InputUse, body: JsonObject) -> JsonObject:
    blocks = [block for block in objects_of(answer.content) if block.get("type") == _SERVER]
    names = [block.get("name") for block in blocks]
    visits: JsonObject = {
        f"{name}_requests": names.count(name) for name in ("web_search", "web_fetch")
    }
    return {
        "input_tokens": use.plain,
        "output_tokens": answer.output_tokens,
        "cache_creation_input_tokens": use.written,
        "cache_read_input_tokens": use.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": use.written_5m,
            "ephemeral_1h_input_tokens": use.written_1h,
        },
        "server_tool_use": visits if any(visits.values()) else None,
        "service_tier": "standard",
        "inference_geo": body.get("inference_geo"),
        "speed": body.get("speed") or "standard",
        "output_tokens_details": {"thinking_tokens": answer.thinking_tokens},
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
        "container": None,
        "usage": {**counts, "output_tokens": 1 if message["content"] else 0, **_UNKNOWN_YET},
    }
    yield _event("message_start", {"message": started})
    yield _event("ping", {})
    hidden = _thinking_tokens(counts)
    for index, block in enumerate(objects_of(message["content"])):
        yield from _block_pieces(index, block, hidden)
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
_UNKNOWN_YET: JsonObject = {"output_tokens_details": None, "server_tool_use": None}


def _thinking_tokens(counts: JsonObject) -> int:
    details = counts.get("output_tokens_details")
    tokens = details.get("thinking_tokens") if isinstance(details, dict) else None
    return tokens if isinstance(tokens, int) else 0


def _block_pieces(index: int, block: JsonObject, thinking_tokens: int) -> Iterator[Piece]:
    """Yield one block: empty, its deltas, its end; what is of another kind comes complete."""
    kind = block.get("type")
    empty, deltas = dict(block), list[JsonObject]()
    written: list[Piece] = []
    if kind == "text":
        empty["text"] = ""
        written = _write_pieces(index, "text_delta", "text", str(block["text"]))
        cited = block.get("citations")
        if isinstance(cited, list):
            empty["citations"] = []
            deltas += [{"type": "citations_delta", "citation": citation} for citation in cited]
    elif kind == "thinking":
        empty |= {"thinking": "", "signature": ""}
        written = _write_pieces(index, "thinking_delta", "thinking", str(block["thinking"]))
        deltas = [{"type": "signature_delta", "signature": block["signature"]}]
    elif kind in {"tool_use", _SERVER}:
        empty["input"] = {}
        given = msgspec.json.encode(block["input"]).decode() if block["input"] else ""
        written = _write_pieces(index, "input_json_delta", "partial_json", given, ("",))
    yield _event("content_block_start", {"index": index, "content_block": empty})
    yield from written
    tokens = thinking_tokens if kind == "thinking" and not block["thinking"] else 0
    for delta in deltas:
        yield _event("content_block_delta", {"index": index, "delta": delta}, tokens)
    yield _event("content_block_stop", {"index": index})


def _write_pieces(
    index: int, kind: str, name: str, text: str, before: tuple[str, ...] = ()
) -> list[Piece]:
    """Return a text as deltas; it may be long, so little is done for each."""
    texts = [text[at : at + _PIECE_CHARS] for at in range(0, len(text), _PIECE_CHARS)]
    texts = [*before, *texts]
    delta: JsonObject = {"index": index, "delta": {"type": kind, name: ""}}
    begin, end = _event("content_block_delta", delta).data.split(b'""')
    return [
        Piece(begin + data + end, _tokens_of(text, data))
        for text, data in zip(texts, map(msgspec.json.encode, texts), strict=True)
    ]


def _tokens_of(text: str, encoded: bytes) -> int:
    is_usual = len(encoded) == _WHOLE_BYTES and len(text) == _PIECE_CHARS
    return _WHOLE_TOKENS if is_usual else count_text_tokens(text)


def _event(kind: str, fields: JsonObject, tokens: int = 0) -> Piece:
    return Piece(render_event(kind, msgspec.json.encode({"type": kind, **fields})), tokens)
