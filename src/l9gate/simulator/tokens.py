"""How many tokens a request or an answer has: an estimate that is the same every time.

Some bytes of JSON make a token. Counting and billing use the same function, so they agree. Models
from 4.7 on count 30 % more tokens for the same text than those before.
"""

import msgspec

from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject

NEW_BYTES_PER_TOKEN = 4.0
OLD_BYTES_PER_TOKEN = 1.3 * NEW_BYTES_PER_TOKEN
_OLD_MODELS = frozenset(
    {
        "claude-opus-4-6",
        "claude-sonnet-4-6",
        "claude-opus-4-5-20251101",
        "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5-20251001",
    }
)
_TOKENS_OF_FILE = 1600  # an image or a document, whatever its size in bytes
_INPUT_PARTS = ("system", "tools", "messages", "output_config", "tool_choice")
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_RESULT = "_tool_result"  # what a server tool found is input of the next step, not output


def bytes_per_token(model: str) -> float:
    """Return how many bytes of JSON a model, by its resolved id, takes for a token."""
    return OLD_BYTES_PER_TOKEN if model in _OLD_MODELS else NEW_BYTES_PER_TOKEN


def count_input_tokens(body: JsonObject, per_token: float = NEW_BYTES_PER_TOKEN) -> int:
    """Return the tokens of everything in a request that the model reads.

    Where a breakpoint of the prompt cache stands makes no difference, nor do the thoughts of
    earlier turns.
    """
    encoded = msgspec.json.encode([body[name] for name in _INPUT_PARTS if name in body])
    if b'"cache_control"' in encoded or b"thinking" in encoded:
        read = without_unread(body)
        encoded = msgspec.json.encode([read[name] for name in _INPUT_PARTS if name in read])
    size_bytes, files = len(encoded), 0
    if b'"base64"' in encoded:
        sizes = files_of(body.get("messages"))
        size_bytes, files = size_bytes - sum(sizes), len(sizes)
    return int(size_bytes / per_token) + 1 + _TOKENS_OF_FILE * files


def count_block_tokens(block: Json, per_token: float) -> float:
    """Return the tokens that one block, tool or text adds to a prompt, not rounded."""
    encoded = msgspec.json.encode(block)
    files = files_of(block) if b'"base64"' in encoded else []
    return (len(encoded) + 1 - sum(files)) / per_token + _TOKENS_OF_FILE * len(files)


def without_unread(body: JsonObject) -> JsonObject:
    """Return a request without what adds no tokens: breakpoints, and thoughts of earlier turns."""
    messages = objects_of(body.get("messages"))
    turn = start_of_turn(messages)
    read: list[Json] = []
    for index, message in enumerate(messages):
        blocks = objects_of(message.get("content"))
        if index < turn:
            blocks = [block for block in blocks if block.get("type") not in _THOUGHTS]
        plain: list[Json] = [without_breakpoints(block) for block in blocks]
        is_text = isinstance(message.get("content"), str)
        read.append(message if is_text else {**message, "content": plain})
    found: JsonObject = {**body, "messages": read}
    for name in ("system", "tools"):
        if isinstance(found.get(name), list):
            found[name] = [without_breakpoints(item) for item in objects_of(found[name])]
    return found


def without_breakpoints(block: JsonObject) -> JsonObject:
    """Return a block without `cache_control`, its own and that of blocks within it."""
    plain = {name: value for name, value in block.items() if name != "cache_control"}
    if isinstance(plain.get("content"), list):
        plain["content"] = [without_breakpoints(item) for item in objects_of(plain["content"])]
    return plain


def start_of_turn(messages: list[JsonObject]) -> int:
    """Return the index of the last user message that says something new."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        is_user = message.get("role") == "user"
        if is_user and any(block["type"] != "tool_result" for block in blocks_of(message)):
            return index
    return 0


def count_answer_block(block: JsonObject, per_token: float = NEW_BYTES_PER_TOKEN) -> int:
    """Return the tokens of one block of an answer."""
    kind = block.get("type")
    if kind in {"tool_use", "server_tool_use"}:
        return int(len(msgspec.json.encode([block["name"], block["input"]])) / per_token) + 1
    if str(kind).endswith(_RESULT):
        return 0
    shown = block.get("text", block.get("thinking"))
    return count_text_tokens(shown, per_token) if isinstance(shown, str) else 1


def count_text_tokens(text: str, per_token: float = NEW_BYTES_PER_TOKEN) -> int:
    """Return the tokens of a text."""
    return -int(-len(text.encode("utf-8", "replace")) // per_token)


def cut_text(text: str, tokens: int, per_token: float = NEW_BYTES_PER_TOKEN) -> str:
    """Return as much of a text as some tokens hold."""
    return text.encode("utf-8", "replace")[: int(tokens * per_token)].decode("utf-8", "ignore")


def files_of(value: Json) -> list[int]:
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
