"""Where an answer ends before its natural end: at a stop sequence, at a limit of tokens."""

import msgspec

from l9gate.simulator.tokens import NEW_BYTES_PER_TOKEN, count_answer_block, cut_text
from l9gate.simulator.turns import objects_of
from l9gate.wire.json import Json, JsonObject


class Answer(msgspec.Struct, kw_only=True):
    """Content of an answer and why it ends there."""

    content: list[Json]
    stop_reason: str
    stop_sequence: str | None = None
    output_tokens: int = 0
    thinking_tokens: int = 0
    hidden_tokens: int = 0  # of thoughts that are not shown; they come first
    container: Json = None  # where code was run
    bytes_per_token: float = NEW_BYTES_PER_TOKEN


def count_answer(answer: Answer) -> None:
    """Write into an answer how many tokens it has; even an empty one has one."""
    sizes = [count_answer_block(block, answer.bytes_per_token) for block in _blocks(answer)]
    thoughts = [size for size, block in zip(sizes, _blocks(answer), strict=True) if _thinks(block)]
    answer.output_tokens = max(1, sum(sizes) + answer.hidden_tokens)
    answer.thinking_tokens = sum(thoughts) + answer.hidden_tokens


def apply_stop_sequences(answer: Answer, sequences: Json) -> None:
    """End an answer before the first stop sequence in its text, and say which it was."""
    stops = [stop for stop in sequences if stop] if isinstance(sequences, list) else []
    for index, block in enumerate(_blocks(answer) if stops else []):
        text = str(block["text"]) if block.get("type") == "text" else ""
        places = [(text.find(str(stop)), str(stop)) for stop in stops]
        hits = [(place, stop) for place, stop in places if place >= 0]
        if hits:
            place, answer.stop_sequence = min(hits)
            answer.stop_reason = "stop_sequence"
            rest: list[Json] = [{**block, "text": text[:place], "citations": None}] if place else []
            answer.content = [*answer.content[:index], *rest]
            return


def cut_answer(answer: Answer, tokens: int, stop_reason: str = "max_tokens") -> None:
    """Shorten an answer to some tokens and say so.

    A tool call keeps the arguments that were complete; a search of the server stays whole or goes.
    """
    kept: list[Json] = []
    left = tokens
    for index, block in enumerate(_blocks(answer)):
        size = count_answer_block(block, answer.bytes_per_token)
        size += answer.hidden_tokens if index == 0 else 0
        if size > left:
            part = _cut_block(block, left, answer.bytes_per_token) if left > 0 else None
            kept += [] if part is None else [part]
            break
        kept.append(block)
        left -= size
    answer.content = kept
    answer.stop_reason, answer.stop_sequence = stop_reason, None
    answer.output_tokens = min(tokens, answer.output_tokens)
    answer.thinking_tokens = min(answer.thinking_tokens, answer.output_tokens)
    answer.hidden_tokens = min(answer.hidden_tokens, answer.output_tokens)


def _cut_block(block: JsonObject, tokens: int, per_token: float) -> JsonObject | None:
    kind = block.get("type")
    if kind == "tool_use":
        return _cut_call(block, tokens, per_token)
    if kind == "thinking":
        return {**block, "thinking": cut_text(str(block["thinking"]), tokens, per_token)}
    text = cut_text(str(block["text"]), tokens, per_token) if kind == "text" else ""
    return {**block, "text": text, "citations": None} if text else None


def _cut_call(block: JsonObject, tokens: int, per_token: float) -> JsonObject:
    """Leave the arguments that fit: the API emits them one complete key and value at a time."""
    given = block["input"]
    whole: JsonObject = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        longer: JsonObject = {**block, "input": {**whole, name: value}}
        if count_answer_block(longer, per_token) > tokens:
            break
        whole[name] = value
    return {**block, "input": whole}


def _blocks(answer: Answer) -> list[JsonObject]:
    return objects_of(answer.content)


def _thinks(block: JsonObject) -> bool:
    return block.get("type") == "thinking"


def fit_window(answer: Answer, input_tokens: int, window_tokens: int | None) -> None:
    """End an answer where the context window is full; None knows no window."""
    if window_tokens is not None and input_tokens + answer.output_tokens > window_tokens:
        left = max(0, window_tokens - input_tokens)
        cut_answer(answer, left, "model_context_window_exceeded")
        answer.output_tokens = max(1, answer.output_tokens)


def pause(answer: Answer) -> None:
    """End an answer as the API does when its own tools went round too often.

    What the server's tools did stays, a call of a client's tool is never left open.
    """
    blocks = _blocks(answer)
    done = [n for n, block in enumerate(blocks) if str(block.get("type")).endswith("_tool_result")]
    kept = blocks[: done[-1] + 1] if done else [b for b in blocks if b.get("type") != "tool_use"]
    answer.content = list(kept)
    answer.stop_reason, answer.stop_sequence = "pause_turn", None
    count_answer(answer)
