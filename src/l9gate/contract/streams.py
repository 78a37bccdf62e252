"""The grammar of a message stream, followed event by event.

    start --message_start--> idle --content_block_start--> open --content_block_stop--> idle
    idle --message_delta--> ending --message_delta--> ending --message_stop--> done

After a difference it goes on as if the event had been right, so that one cause is told once.
"""

from enum import Enum

from l9gate.contract.drift import Firsts, name_of, sketch, sketch_bytes, tell
from l9gate.contract.envelope import find_type_drifts, is_foreign
from l9gate.contract.semantics import total_input
from l9gate.wire.draft import DELTAS
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.messages import as_text
from l9gate.wire.sse import DEFAULT_EVENT


class State(Enum):
    """How far a stream has come."""

    START = "before `message_start`"
    IDLE = "between blocks"
    OPEN = "inside a block"
    ENDING = "after `message_delta`"
    DONE = "after `message_stop`"
    FAILED = "after `error`"


_S = State
_BEFORE: dict[str, tuple[State, ...]] = {
    "message_start": (_S.START,),
    "content_block_start": (_S.IDLE,),
    "content_block_delta": (_S.OPEN,),
    "content_block_stop": (_S.OPEN,),
    "message_delta": (_S.IDLE, _S.ENDING),
    "message_stop": (_S.ENDING,),
    "ping": (_S.IDLE, _S.OPEN, _S.ENDING),
    "error": (_S.START, _S.IDLE, _S.OPEN, _S.ENDING),
}
_AFTER = {
    "message_start": _S.IDLE,
    "content_block_start": _S.OPEN,
    "content_block_stop": _S.IDLE,
    "message_delta": _S.ENDING,
    "message_stop": _S.DONE,
    "error": _S.FAILED,
}
KNOWN_EVENTS = frozenset(_BEFORE)
_ENDED = frozenset({_S.DONE, _S.FAILED})
_FILLED_BY_DELTAS = {"text": "text", "thinking": "thinking", "tool_use": "input"}


class StreamGrammar:
    """Follows one stream; `message` is what it adds up to, as far as rules need it.

    Args:
        keeps_text: whether the texts of the answer are needed to judge it.
    """

    def __init__(self, *, keeps_text: bool = False) -> None:
        self.drifts = Firsts()
        self.state = State.START
        self.message: JsonObject = {}
        self._keeps_text = keeps_text
        self._content: list[Json] = []
        self._block: JsonObject = {}
        self._pieces: list[str] = []
        self._unread: list[int] = []  # events that closed an input which is no JSON object
        self._usage: JsonObject = {}
        self._next_index = 0
        self._number = -1

    @property
    def place(self) -> str:
        """Where the last event stands, for a path."""
        return f"event {self._number}"

    def feed(self, name: str, data: bytes, body: JsonObject | None) -> None:
        """Take in the next event.

        Args:
            name: of the event.
            data: as it came.
            body: the same, decoded; None if it is no JSON object.
        """
        self._number += 1
        allowed = _BEFORE.get(name)
        if allowed is None:
            self._feed_unknown(name)
            return
        if self.state not in allowed:
            self._note("stream.order", " or ".join(f"{one.value}" for one in allowed), name)
            if self.state in _ENDED:
                return
        if body is None:
            self._tell("stream.malformed", "", "a JSON object", sketch_bytes(data))
        elif name == "content_block_delta":
            self._take_delta(body)
        else:
            self._take(name, body)
        if name == "content_block_delta" and self.state is State.IDLE:
            self.state = State.OPEN  # its start was lost
        self.state = _AFTER.get(name, self.state)

    def finish(self, *, was_cut: bool = False) -> None:
        """Note what is missing at the end of the body."""
        if self.state not in _ENDED:
            found = "an event cut off" if was_cut else f"the end {self.state.value}"
            self._number += 1
            self._tell("stream.unended", "", "`message_stop`", found)
        self.message = {**self.message, "content": self._content}

    def _feed_unknown(self, name: str) -> None:
        code = "stream.unnamed" if name == DEFAULT_EVENT else "stream.unknown_event"
        self._tell(code, "", "an event of the grammar", name_of(name))

    def _take(self, name: str, body: JsonObject) -> None:
        if body.get("type") != name and "type" in body:
            self._tell("stream.name", "/type", f"`{name}`", name_of(body.get("type")))
        match name:
            case "message_start":
                self._start(body.get("message"))
            case "content_block_start":
                self._check_index(body)
                self._open(body.get("content_block"))
            case "content_block_stop":
                self._check_index(body)
                self._close()
            case "message_delta":
                self._end(body)
            case "message_stop":
                if not self.message.get("stop_reason"):
                    self._tell("stream.stop_reason", "", "a stop reason before it", "none")
            case "error":
                self._fail(body)

    def _start(self, message: Json) -> None:
        if not isinstance(message, dict):
            return
        self.message = dict(message)
        if message.get("content"):
            self._tell("stream.start", "/message/content", "no block", sketch(message["content"]))
        usage = message.get("usage")
        self._usage = dict(usage) if isinstance(usage, dict) else {}
        if total_input(self._usage) == 0:
            self._tell("usage.input", "/message/usage/input_tokens", "1 or more", "0")

    def _open(self, block: Json) -> None:
        self._block = dict(block) if isinstance(block, dict) else {}
        self._pieces = []
        filled = _FILLED_BY_DELTAS.get(str(self._block.get("type")))
        if filled is not None and self._block.get(filled):
            path = f"/content_block/{filled}"
            self._tell("stream.start", path, "nothing yet", "content")

    def _take_delta(self, body: JsonObject) -> None:
        if body.get("type") != "content_block_delta" and "type" in body:
            self._tell("stream.name", "/type", "`content_block_delta`", name_of(body.get("type")))
        self._check_index(body)
        delta = body.get("delta")
        kind = delta.get("type") if isinstance(delta, dict) else None
        known = DELTAS.get(kind) if isinstance(kind, str) else None
        if known is None or not isinstance(delta, dict):
            return  # an unknown kind may come; a broken one is told by its shape
        block = self._block.get("type")
        if self.state is State.OPEN and isinstance(block, str) and block not in known[0]:
            found = f"{name_of(kind)} in a {name_of(block)} block"
            self._tell("stream.delta", "/delta/type", f"a delta of a {name_of(block)} block", found)
        if kind == "input_json_delta" or (self._keeps_text and kind == "text_delta"):
            piece = delta.get(known[1])
            if isinstance(piece, str):
                self._pieces.append(piece)

    def _close(self) -> None:
        if self.state is not State.OPEN:
            return
        kind = as_text(self._block.get("type"))
        if kind in {"tool_use", "server_tool_use"}:
            text = "".join(self._pieces)
            self._block["input"] = parse_object(text.encode() or b"{}")
            if self._block["input"] is None:
                self._unread.append(self._number)
        elif self._keeps_text and kind == "text":
            self._block["text"] = "".join(self._pieces)
        self._content.append(self._block)
        self._block = {}
        self._next_index += 1

    def _end(self, body: JsonObject) -> None:
        delta, usage = body.get("delta"), body.get("usage")
        if isinstance(delta, dict):
            reason = delta.get("stop_reason") or self.message.get("stop_reason")
            self.message.update({**delta, "stop_reason": reason})
        if isinstance(usage, dict):
            self._check_totals(usage)
            counts = {name: count for name, count in usage.items() if count is not None}
            self._usage |= counts
        self.message["usage"] = self._usage
        if self.message.get("stop_reason") != "max_tokens":  # which may cut an input off
            for at in self._unread:
                found = "pieces that make none"
                self.drifts.add(tell("stream.tool_input", f"event {at}", "a JSON object", found))
        self._unread = []

    def _check_totals(self, usage: JsonObject) -> None:
        is_refused = self.message.get("stop_reason") == "refusal"
        for name, count in usage.items():
            before = self._usage.get(name)
            falls = type(count) is int and type(before) is int and count < before
            if falls and not (is_refused and name == "output_tokens"):
                path = f"/usage/{name}" if name.isidentifier() else "/usage/…"
                self._tell("stream.usage", path, f"{before} or more", str(count))

    def _fail(self, body: JsonObject) -> None:
        if is_foreign(body):
            self._tell("envelope.foreign", "", "the API's error envelope", sketch(body))
        else:
            self.drifts.extend(find_type_drifts(body, None, f"{self.place} "))

    def _check_index(self, body: JsonObject) -> None:
        index = body.get("index")
        if type(index) is int and index != self._next_index:
            self._tell("stream.index", "/index", str(self._next_index), str(index))

    def _note(self, code: str, expected: str, name: str) -> None:
        self._tell(code, "", f"`{name}` {expected}", f"`{name}` {self.state.value}")

    def _tell(self, code: str, pointer: str, expected: str, found: str) -> None:
        path = f"{self.place} {pointer}" if pointer else self.place
        self.drifts.add(tell(code, path, expected, found))
