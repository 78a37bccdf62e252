"""The order in which the events of a message stream must come.

    start --message_start--> idle --content_block_start--> open --content_block_stop--> idle
    idle --message_delta--> ending --message_delta--> ending --message_stop--> done

`ping` may come anywhere after the start, `error` anywhere before the end; nothing follows either
end. Block indexes count up from 0 and blocks never overlap.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import ClassVar

from l9gate.errors import StreamGrammarError
from l9gate.wire.draft import DELTAS, MessageDraft
from l9gate.wire.faults import ApiFault, parse_fault
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.messages import Usage, as_text, usage_of
from l9gate.wire.sse import DEFAULT_EVENT, SseEvent


class StreamEventKind(Enum):
    """What one event is for somebody who watches a stream."""

    START = "start"
    BLOCK_START = "block_start"
    CONTENT_DELTA = "content_delta"  # text, thinking or tool input: something was generated
    OTHER_DELTA = "other_delta"  # a signature, a citation, or of unknown type
    BLOCK_STOP = "block_stop"
    MESSAGE_DELTA = "message_delta"
    STOP = "stop"
    PING = "ping"
    ERROR = "error"
    UNKNOWN = "unknown"


class _State(Enum):
    START = "before `message_start`"
    IDLE = "between blocks"
    OPEN = "inside a block"
    ENDING = "after `message_delta`"
    DONE = "after `message_stop`"
    FAILED = "after `error`"


_GENERATED = frozenset({"text_delta", "thinking_delta", "input_json_delta"})
_RUNNING = frozenset({_State.IDLE, _State.OPEN, _State.ENDING})
_OPEN = frozenset({_State.OPEN})
_ENDED = frozenset({_State.DONE, _State.FAILED})
# A quote inside a JSON string is escaped, so these never match what was generated.
_DELTA_TYPE = re.compile(
    rb'"type"\s*:\s*"((?:text|citations|input_json|thinking|signature)_delta)"'
)
_INDEX = re.compile(rb'"index"\s*:\s*(\d{1,9})\b')
_MAX_VIOLATIONS = 32  # a stream that is wrong in every event says so once for each kind of wrong


class StreamFolder:
    """Follows one stream, event by event, as tolerantly or strictly as it is told.

    Strict, it raises at the first event out of order and keeps the message (`to_message`).
    Tolerant, for an observer of other people's streams, it notes the names of violations, keeps no
    content and does not parse deltas.
    """

    def __init__(self, *, strict: bool = True) -> None:
        self._strict = strict
        self._state = _State.START
        self._block_type: str | None = None
        self._next_index = 0
        self._draft: MessageDraft | None = None
        self.violations: list[str] = []
        self.fault: ApiFault | None = None
        self.usage: Usage | None = None
        self.stop_reason: str | None = None
        self.model: str | None = None
        self.message_id: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the stream reached `message_stop`, its only good end."""
        return self._state is _State.DONE

    def feed(self, event: SseEvent) -> StreamEventKind:
        """Take in the next event and say what it is.

        Raises:
            StreamGrammarError: strict, and the event may not come here or lacks what it must have.
        """
        name = event.event
        if self._state in _ENDED:
            self._note(f"`{name[:40]}` {self._state.value}")
            return StreamEventKind.UNKNOWN  # what follows an end belongs to nothing
        take = self._TAKERS.get(name)
        if take is not None:
            return take(self, event)
        if name == DEFAULT_EVENT:  # the API names every event and sends no `[DONE]`
            self._note("an event without a name")
        return StreamEventKind.UNKNOWN  # the API may add events within one version

    def to_message(self) -> JsonObject:
        """Return the whole message; only a strict folder keeps it.

        Raises:
            StreamGrammarError: the stream has not ended, or its content was not kept.
        """
        if self._draft is None or not self.has_ended:
            raise StreamGrammarError("stream: there is no whole message")
        return self._draft.to_message()

    def _take_ping(self, event: SseEvent) -> StreamEventKind:
        self._expect(event.event, _RUNNING)
        return StreamEventKind.PING

    def _take_stop(self, event: SseEvent) -> StreamEventKind:
        self._expect(event.event, frozenset({_State.ENDING}))
        if self.stop_reason is None:
            self._note("`message_stop` without a stop reason before it")
        self._state = _State.DONE
        return StreamEventKind.STOP

    def _take_start(self, event: SseEvent) -> StreamEventKind:
        self._expect("message_start", frozenset({_State.START}))
        message = self._object(self._parse(event), "message", "message_start")
        self.message_id = as_text(message.get("id"))
        self.model = as_text(message.get("model"))
        self.usage = usage_of(message.get("usage"))
        if self.usage is None:
            self._note("`message_start` without usage")
        if self._strict:
            self._draft = MessageDraft(message)
        if self._state is _State.START:
            self._state = _State.IDLE
        return StreamEventKind.START

    def _take_block_start(self, event: SseEvent) -> StreamEventKind:
        self._expect("content_block_start", frozenset({_State.IDLE}))
        body = self._parse(event)
        self._check_index(event, body.get("index"))
        block = self._object(body, "content_block", "content_block_start")
        self._block_type = as_text(block.get("type"))
        if self._draft is not None:
            self._draft.open_block(block)
        self._state = _State.OPEN
        return StreamEventKind.BLOCK_START

    def _take_delta(self, event: SseEvent) -> StreamEventKind:
        self._expect("content_block_delta", _OPEN)
        self._check_index(event, _find_index(event.data))
        found = _DELTA_TYPE.search(event.data)
        kind = "" if found is None else found[1].decode()
        if kind in DELTAS:
            if self._block_type not in DELTAS[kind][0]:
                self._note(f"`{kind}` in a block of another type")
            if self._draft is not None:
                self._draft.add(self._object(self._parse(event), "delta", "content_block_delta"))
        return StreamEventKind.CONTENT_DELTA if kind in _GENERATED else StreamEventKind.OTHER_DELTA

    def _take_block_stop(self, event: SseEvent) -> StreamEventKind:
        self._expect("content_block_stop", _OPEN)
        self._check_index(event, _find_index(event.data))
        if self._draft is not None:
            self._draft.close_block()
        if self._state is _State.OPEN:
            self._state = _State.IDLE
            self._next_index += 1
        return StreamEventKind.BLOCK_STOP

    def _take_message_delta(self, event: SseEvent) -> StreamEventKind:
        self._expect("message_delta", frozenset({_State.IDLE, _State.ENDING}))
        body = self._parse(event)
        delta = self._object(body, "delta", "message_delta")
        usage = self._object(body, "usage", "message_delta")
        self.usage = usage_of(usage, self.usage)
        self.stop_reason = as_text(delta.get("stop_reason")) or self.stop_reason
        if self._draft is not None:
            self._draft.end(delta, usage)
        self._state = _State.ENDING
        return StreamEventKind.MESSAGE_DELTA

    def _take_error(self, event: SseEvent) -> StreamEventKind:
        self.fault = parse_fault(event.data)
        if self.fault is None:
            self._note("`error` without the error envelope")
            self.fault = ApiFault("unknown")
        self._state = _State.FAILED
        return StreamEventKind.ERROR

    def _expect(self, name: str, allowed: frozenset[_State]) -> None:
        if self._state not in allowed:
            self._note(f"`{name}` {self._state.value}")

    def _check_index(self, event: SseEvent, index: Json) -> None:
        if index != self._next_index:
            self._note(f"`{event.event}` with an index that is not the open or next block's")

    def _parse(self, event: SseEvent) -> JsonObject:
        body = parse_object(event.data)
        if body is None:
            self._note(f"`{event.event}` whose data is no JSON object")
            return {}
        if body.get("type") != event.event:
            self._note(f"`{event.event}` whose data has another type")
        return body

    def _object(self, body: JsonObject, key: str, name: str) -> JsonObject:
        value = body.get(key)
        if isinstance(value, dict):
            return value
        self._note(f"`{name}` without `{key}`")
        return {}

    def _note(self, violation: str) -> None:
        if self._strict:
            raise StreamGrammarError(
                f"stream: {violation}",
                hint="the grammar is `message_start`, blocks, "
                "`message_delta`, `message_stop`; see l9gate.wire.stream",
            )
        if violation not in self.violations and len(self.violations) < _MAX_VIOLATIONS:
            self.violations.append(violation)

    _TAKERS: ClassVar[dict[str, Callable[["StreamFolder", SseEvent], StreamEventKind]]] = {
        "message_start": _take_start,
        "content_block_start": _take_block_start,
        "content_block_delta": _take_delta,
        "content_block_stop": _take_block_stop,
        "message_delta": _take_message_delta,
        "message_stop": _take_stop,
        "ping": _take_ping,
        "error": _take_error,
    }


def _find_index(data: bytes) -> int | None:
    found = _INDEX.search(data)
    return None if found is None else int(found[1])
