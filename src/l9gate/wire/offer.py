"""What a request may cost at most, told from its path and body before a byte is sent.

A token is at least one byte, so the size of the body bounds what a text holds; everything that the
size does not bound (documents, files, server tools) counts as a whole context window.
"""

import re

import msgspec

from l9gate.wire.messages import as_count, as_text
from l9gate.wire.models import ModelFacts, find_model
from l9gate.wire.prices import Price

HIDDEN_TOKENS = 2_000  # prompts that the API adds for tools and formats: generous, not documented
IMAGE_TOKENS = 5_000  # a full-sized image: generous, not documented
CONTEXT_TOKENS = 1_000_000  # of a model that nothing is known of
MAX_OUTPUT_TOKENS = 128_000  # the same
SERVER_ROUNDS = 10  # how often a server tool may send the prompt through the model again

_PAID = re.compile(
    r"(?:^|/)v1/(?:messages|messages/batches|complete|chat/completions)$"
    r"|/models?/(?P<model>[^/:]+(?::\d+)?)"
    r"(?:/invoke(?:-with-response-stream)?|:(?:stream)?[rR]awPredict)$"
)
# Tools that the caller carries out; what is none of them runs at the API, at a price of its own.
_CLIENT_TOOLS = ("custom", "bash_", "text_editor_", "memory_", "browser_", "computer_", "function")
_BATCHES = "/batches"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One message that a request asks for; no content."""

    model: str | None  # None: the API refuses it
    input_tokens: int  # no more than this, if `is_bounded`
    is_bounded: bool = True
    max_tokens: int | None = None
    is_batched: bool = False
    is_fast: bool = False
    is_regional: bool = False
    has_server_tools: bool = False
    caches: bool = False
    caches_for_an_hour: bool = False

    @property
    def lacking(self) -> tuple[str, ...]:
        """The keys of a price without which this message has none."""
        keys = (("fast_factor", self.is_fast), ("server_tools_usd", self.has_server_tools))
        return tuple(key for key, is_needed in keys if is_needed)

    def factor(self, price: Price) -> float:
        """Return by what the price of every token is multiplied."""
        factor = price.batch_factor if self.is_batched else 1.0
        factor *= price.us_factor if self.is_regional else 1.0
        return factor * ((price.fast_factor or 1.0) if self.is_fast else 1.0)

    def extra_usd(self, price: Price) -> float:
        """Return what it costs at most beside its tokens."""
        return (price.server_tools_usd or 0.0) if self.has_server_tools else 0.0

    def bound_usd(self, price: Price) -> float:
        """Return what it costs at most."""
        if self.model is None:
            return 0.0
        facts = find_model(self.model)
        tokens = self._input_bound(facts)
        is_long = price.is_long(tokens)
        most = max(self._input_factor(price), 1.0) * price.input_usd(is_long=is_long) * tokens
        if self.has_server_tools:
            most *= SERVER_ROUNDS
        most += price.output_usd(is_long=is_long) * self._output_bound(facts)
        return most * self.factor(price) + self.extra_usd(price)

    def output_bound(self) -> int:
        """Return how many tokens the answer has at most."""
        return self._output_bound(None if self.model is None else find_model(self.model))

    def _input_factor(self, price: Price) -> float:
        if not self.caches:
            return 1.0
        if self.caches_for_an_hour:
            return max(price.cache_write_factor, price.cache_write_1h_factor)
        return price.cache_write_factor

    def _input_bound(self, facts: ModelFacts | None) -> int:
        context = None if facts is None else facts.max_input_tokens
        if not self.is_bounded or self.has_server_tools:
            return context or CONTEXT_TOKENS
        return self.input_tokens if context is None else min(self.input_tokens, context)

    def _output_bound(self, facts: ModelFacts | None) -> int:
        known = None if facts is None else facts.max_output_tokens
        asked = self.max_tokens
        if asked is None:
            return known or MAX_OUTPUT_TOKENS
        return max(asked if known is None else min(asked, known), 0)


class _Tool(msgspec.Struct, gc=False):
    type: object = None


class _Body(msgspec.Struct, gc=False):
    model: object = None
    max_tokens: object = None
    max_completion_tokens: object = None
    max_tokens_to_sample: object = None
    speed: object = None
    inference_geo: object = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    mcp_servers: msgspec.Raw = msgspec.Raw(b"")


class _Entry(msgspec.Struct, gc=False):
    params: msgspec.Raw = msgspec.Raw(b"")


class _Batch(msgspec.Struct, gc=False):
    requests: list[_Entry] = []


_BODIES = msgspec.json.Decoder(_Body)
_BATCH = msgspec.json.Decoder(_Batch)
_TOOLS = msgspec.json.Decoder(list[_Tool])
_NOTHING = frozenset({b"", b"null", b"[]"})


def is_paid(method: str, path: str) -> bool:
    """Whether a request to this path makes a model work, so that it costs something."""
    return method == "POST" and _PAID.search(path) is not None


def parse_offers(path: str, body: bytes) -> list[Offer]:
    """Return what a request asks for: one message, or those of a batch; never raises.

    What is no JSON object asks for nothing, as the API refuses it.
    """
    if path.endswith(_BATCHES):
        try:
            entries = _BATCH.decode(body).requests
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []
        parsed = [_offer(bytes(entry.params), None, is_batched=True) for entry in entries]
        return [offer for offer in parsed if offer is not None]
    found = _PAID.search(path)
    offer = _offer(body, found["model"] if found else None, is_batched=False)
    return [] if offer is None else [offer]


def _offer(body: bytes, model_of_path: str | None, *, is_batched: bool) -> Offer | None:
    try:
        asked = _BODIES.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    limits = (asked.max_tokens, asked.max_completion_tokens, asked.max_tokens_to_sample)
    limit = next((count for count in map(as_count, limits) if count is not None), None)
    return Offer(
        model=model_of_path or as_text(asked.model),
        input_tokens=len(body) + HIDDEN_TOKENS + IMAGE_TOKENS * body.count(b'"image"'),
        is_bounded=not (b'"document"' in body or b'"file_id"' in body or b'"input_file"' in body),
        max_tokens=limit,
        is_batched=is_batched,
        is_fast=asked.speed not in (None, "standard"),
        is_regional=asked.inference_geo not in (None, "global"),
        has_server_tools=_has_server_tools(asked),
        caches=b'"cache_control"' in body,
        caches_for_an_hour=b'"1h"' in body,
    )


def _has_server_tools(asked: _Body) -> bool:
    if bytes(asked.mcp_servers).strip() not in _NOTHING:
        return True
    raw = bytes(asked.tools).strip()
    if raw in _NOTHING:
        return False
    try:
        kinds = [tool.type for tool in _TOOLS.decode(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False  # no list of tools: the API refuses it
    return any(isinstance(kind, str) and not kind.startswith(_CLIENT_TOOLS) for kind in kinds)
