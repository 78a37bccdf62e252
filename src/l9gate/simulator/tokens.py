"""How many tokens a request or an answer has: an estimate that is the same every time.

Four bytes of JSON make a token. Counting and billing use the same function, so they agree.
"""

import msgspec

from l9gate.wire.json import Json, JsonObject

_BYTES_PER_TOKEN = 4
_TOKENS_OF_FILE = 1600  # an image or a document, whatever its size in bytes
_INPUT_PARTS = ("system", "tools", "messages", "output_config", "tool_choice")


def count_input_tokens(body: JsonObject) -> int:
    """Return the tokens of everything in a request that the model reads."""
    encoded = msgspec.json.encode([body[name] for name in _INPUT_PARTS if name in body])
    if b'"data"' not in encoded:
        return len(encoded) // _BYTES_PER_TOKEN + 1
    files = _base64_of(body.get("messages"))
    rest_bytes = len(encoded) - sum(files)
    return rest_bytes // _BYTES_PER_TOKEN + 1 + _TOKENS_OF_FILE * len(files)


def count_output_tokens(content: list[Json]) -> int:
    """Return the tokens of an answer; even an empty one has one."""
    return max(1, sum(_count_block(block) for block in content if isinstance(block, dict)))


def count_text_tokens(text: str) -> int:
    """Return the tokens of a text."""
    return (len(text.encode("utf-8", "replace")) + _BYTES_PER_TOKEN - 1) // _BYTES_PER_TOKEN


def cut_text(text: str, tokens: int) -> str:
    """Return as much of a text as some tokens hold."""
    return text.encode()[: tokens * _BYTES_PER_TOKEN].decode("utf-8", "ignore")


def _count_block(block: JsonObject) -> int:
    if block.get("type") == "tool_use":
        return len(msgspec.json.encode([block["name"], block["input"]])) // _BYTES_PER_TOKEN + 1
    shown = block.get("text", block.get("thinking"))
    return count_text_tokens(shown) if isinstance(shown, str) else 1


def _base64_of(value: Json) -> list[int]:
    """Return the sizes of the files within a value."""
    pending, sizes = [value], list[int]()
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            data = current.get("data")
            if isinstance(data, str) and current.get("type") == "base64":
                sizes.append(len(data))
            pending += current.values()
        elif isinstance(current, list):
            pending += current
    return sizes
