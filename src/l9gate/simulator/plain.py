"""The plain request, which most are: text only, nothing but the usual fields, no special wish.

A typed decoder proves in one pass that such a body breaks no rule. Whatever it does not accept is
not refused for that: it goes the usual way, through `validate.py`, which has the last word.

The answer to a plain request has few parts that vary: its id and the tokens of the prompt. They are
learned from answers that were made the usual way, and used once they foretold such an answer byte
for byte.
"""

from collections import Counter
from typing import Annotated, Literal, TypeAlias

import msgspec

from l9gate.net.http import HttpResponse, render_head
from l9gate.simulator.grammar import MAX_MESSAGES
from l9gate.simulator.limits import LEFT
from l9gate.simulator.trimming import Answer
from l9gate.wire.headers import REQUEST_ID
from l9gate.wire.json import JsonObject
from l9gate.wire.models import MODELS

_MAX_BYTES = 100_000  # far from the end of any context window
_MAX_LESSONS = 8  # for a model whose answers are never plain, as of one that always thinks
_CHANGING = (REQUEST_ID, *LEFT)
_MARK = "\0"  # which no header has
_END = "\r\n\r\n"
_ID = "msg_of_a_plain_request"
_TOKENS = 8_765_432_101_234_567

_Words: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class _Text(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text"]  # no tag of msgspec, which a body may leave out
    text: _Words


_Content: TypeAlias = _Words | Annotated[list[_Text], msgspec.Meta(min_length=1)]


class _Turn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]
    content: _Content


def _is_blank(turn: _Turn) -> bool:
    """Whether a text of a turn holds nothing but white space."""
    content = turn.content
    if isinstance(content, str):
        return content.isspace()
    return any(block.text.isspace() for block in content)


class PlainRequest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A valid request for a message, or nearly so: see `parse_plain`."""

    model: str
    max_tokens: Annotated[int, msgspec.Meta(ge=1)]
    messages: Annotated[list[_Turn], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    system: _Content | msgspec.UnsetType = msgspec.UNSET
    stream: bool = False


class PlainTemplate(msgspec.Struct):  # untracked, it lets msgspec crash when Python ends
    """The bytes of a plain answer of one model, all but two values."""

    model: str  # its resolved id
    pattern: bytes
    answer: Answer  # shared, so nobody may change it
    is_proved: bool = False

    def render(self, message_id: str, input_tokens: int) -> bytes:
        """Return the answer."""
        return self.pattern % (message_id.encode(), input_tokens)


class PlainHead:
    """The head of plain answers, all but its id, what is left of the limits, and the length.

    Args:
        headers: of such an answer; the values that change are written anew each time.
    """

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers
        marked = headers | dict.fromkeys(_CHANGING, _MARK)
        head = render_head(HttpResponse(status=200, headers=marked, body=b""), keep_alive=True)
        text = head.decode("latin-1").removesuffix(f"0{_END}")
        self._parts = [part for piece in text.split(_MARK) for part in (piece, "")]

    def render(self, values: list[str], body: bytes) -> HttpResponse:
        """Return the answer with the id of the request and the values of the limits."""
        headers = self._headers.copy()
        for name, value in zip(_CHANGING, values):  # noqa: B905 - the slice below checks
            headers[name] = value
        parts = self._parts.copy()
        parts[1:-1:2] = values
        parts[-1] = f"{len(body)}{_END}"
        head = "".join(parts).encode("latin-1")
        return HttpResponse(status=200, headers=headers, body=body, head=head)


_ENCODER = msgspec.json.Encoder()
_PLAIN = msgspec.json.Decoder(PlainRequest)
_MAX_TOKENS = {
    name: model.max_output_tokens
    for model in MODELS
    if model.lifecycle != "retired"
    for name in (model.id, *model.aliases)
}


def parse_plain(data: bytes) -> PlainRequest | None:
    """Return a request that no version of the API refuses, None if it is not plain."""
    try:
        body = _PLAIN.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    limit = _MAX_TOKENS.get(body.model, 0)
    if (limit is not None and body.max_tokens > limit) or body.messages[-1].role != "user":
        return None
    for turn in body.messages:
        if _is_blank(turn):
            return None
    return body


def count_plain_tokens(request: PlainRequest, per_token: float) -> int:
    """Return what `count_input_tokens` would, which has more to look at."""
    system, messages = request.system, request.messages
    read = [messages] if system is msgspec.UNSET else [system, messages]
    return int(len(_ENCODER.encode(read)) / per_token) + 1


class PlainAnswers:
    """Learns what models answer to plain requests without wishes."""

    def __init__(self) -> None:
        self._templates: dict[str, PlainTemplate] = {}
        self._lessons: Counter[str] = Counter()

    def find(self, request: PlainRequest, data: bytes) -> PlainTemplate | None:
        """Return the template for a request, None if its answer is not known beforehand.

        Args:
            request: what the bytes hold.
            data: the bytes.
        """
        found = self._templates.get(request.model)
        if found is None or not found.is_proved or found.answer.output_tokens > request.max_tokens:
            return None
        return None if request.stream or _has_wishes(data) else found

    def learn(
        self, model: str, answer: Answer, message: JsonObject, input_tokens: int, data: bytes
    ) -> None:
        """Take in an answer that was made the usual way.

        Args:
            model: as the request names it.
            answer: to a plain request.
            message: the answer as it is sent.
            input_tokens: of the request.
            data: the request.
        """
        if self._lessons[model] >= _MAX_LESSONS or _has_wishes(data):
            return
        self._lessons[model] += 1
        known = self._templates.get(model)
        if known is None:
            learned = _template_of(answer, message, input_tokens)
            if learned is not None:
                self._templates[model] = learned
        elif not known.is_proved:
            foretold = known.render(str(message["id"]), input_tokens)
            known.is_proved = foretold == msgspec.json.encode(message)


def _has_wishes(data: bytes) -> bool:
    """Whether the words of a plain request may decide what the answer says.

    These are the words that `script.py` looks for, and escapes, which may hide them.
    """
    if len(data) > _MAX_BYTES:
        return True
    words = data.lower().decode("latin-1")  # any bytes are; a look into text is the faster one
    return "exactly" in words or "\\u" in words or "anthropic_magic_string" in words


def _template_of(answer: Answer, message: JsonObject, input_tokens: int) -> PlainTemplate | None:
    """Return what is the same in every plain answer, None if this is no such answer."""
    usage = message["usage"]
    is_usual = len(answer.content) == 1 and answer.stop_reason == "end_turn"
    if not is_usual or not isinstance(usage, dict) or usage["input_tokens"] != input_tokens:
        return None
    marked = {**message, "id": _ID, "usage": {**usage, "input_tokens": _TOKENS}}
    pattern = msgspec.json.encode(marked).replace(b"%", b"%%")
    pattern = pattern.replace(_ID.encode(), b"%b", 1).replace(str(_TOKENS).encode(), b"%d", 1)
    return PlainTemplate(str(message["model"]), pattern, answer)
