"""A message that is still being streamed."""

from l9gate.errors import StreamGrammarError
from l9gate.wire.json import Json, JsonObject, parse_object

# Delta type → the block types it may come in, the field it carries, and the field it fills.
DELTAS: dict[str, tuple[frozenset[str], str, str]] = {
    "text_delta": (frozenset({"text"}), "text", "text"),
    "citations_delta": (frozenset({"text"}), "citation", "citations"),
    "input_json_delta": (frozenset({"tool_use", "server_tool_use"}), "partial_json", "input"),
    "thinking_delta": (frozenset({"thinking"}), "thinking", "thinking"),
    "signature_delta": (frozenset({"thinking"}), "signature", "signature"),
}


class MessageDraft:
    """Collects what the events of one stream say; the caller has checked their order."""

    def __init__(self, message: JsonObject) -> None:
        self._message = message
        self._content: list[Json] = []
        self._block: JsonObject = {}
        self._pieces: dict[str, list[str]] = {}

    def open_block(self, block: JsonObject) -> None:
        """Begin the next content block."""
        self._block = dict(block)
        self._pieces = {}

    def add(self, delta: JsonObject) -> None:
        """Take in one delta of a known type.

        Raises:
            StreamGrammarError: the delta lacks what its type promises.
        """
        kind = str(delta.get("type"))
        _, source, target = DELTAS[kind]
        value = delta.get(source)
        if kind == "citations_delta":
            citations = self._block.get("citations")
            self._block["citations"] = [*(citations if isinstance(citations, list) else []), value]
        elif not isinstance(value, str):
            raise StreamGrammarError(f"stream: a `{kind}` has no text in `{source}`")
        elif kind == "signature_delta":  # replaces, does not append
            self._block[target] = value
        else:
            self._pieces.setdefault(target, []).append(value)

    def close_block(self) -> None:
        """End the open block.

        Raises:
            StreamGrammarError: the pieces of a tool input are no JSON object.
        """
        for target, pieces in self._pieces.items():
            text = "".join(pieces)
            before = self._block.get(target)
            if target == "input":
                self._block[target] = _parse_input(text)
            else:
                self._block[target] = (before if isinstance(before, str) else "") + text
        self._content.append(self._block)

    def end(self, delta: JsonObject, usage: JsonObject) -> None:
        """Take in a `message_delta`: counts replace, absent or null ones leave what was known."""
        self._message.update(delta)
        known = self._message.get("usage")
        counts = {name: count for name, count in usage.items() if count is not None}
        self._message["usage"] = {**(known if isinstance(known, dict) else {}), **counts}

    def to_message(self) -> JsonObject:
        """Return the message as it would have been answered without streaming."""
        return {**self._message, "content": list(self._content)}


def _parse_input(text: str) -> JsonObject:
    value = parse_object(text.encode() or b"{}")
    if value is None:
        raise StreamGrammarError("stream: the input of a tool call is no JSON object")
    return value
