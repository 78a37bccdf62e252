"""Request, response, content block and usage of the Messages API.

The parsers decode only the fields that are asked for, skip the rest and never raise: what an
observer sees on the wire may be anything.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from l9gate.wire.breakpoints import longest_lifetime_s


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one exchange, as the API counts them: cumulative at its end.

    The total input is the sum of `input_tokens` and the two cache counts.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0  # those of the line above that are kept for an hour


def total_input_tokens(usage: Usage) -> int:
    """Return all tokens that were read, from the prompt cache or not."""
    return usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens


class RequestFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an observer keeps of a request body: no content."""

    model: str | None
    stream: bool
    tools: bool  # whether the list of tools holds anything
    max_tokens: int | None
    cache_ttl_s: int | None = None  # of its longest-lived cache breakpoint


class ResponseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an observer keeps of a response body: no content."""

    id: str | None
    model: str | None
    stop_reason: str | None
    usage: Usage | None


class _Request(msgspec.Struct, gc=False):
    model: object = None
    stream: object = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    max_tokens: object = None


class _Response(msgspec.Struct, gc=False):
    id: object = None
    model: object = None
    stop_reason: object = None
    usage: object = None


_REQUESTS = msgspec.json.Decoder(_Request)
_RESPONSES = msgspec.json.Decoder(_Response)
_NO_USAGE = Usage()
_COUNTS = Usage.__struct_fields__
_NO_TOOLS = frozenset({b"", b"null", b"[]"})
_T = TypeVar("_T")


def parse_request_facts(body: bytes) -> RequestFacts | None:
    """Return what a request asks for, or None if the body is no JSON object."""
    request = _decode(_REQUESTS, body)
    if request is None:
        return None
    return RequestFacts(
        model=as_text(request.model),
        stream=request.stream is True,
        tools=bytes(request.tools)[:64].translate(None, b" \t\r\n") not in _NO_TOOLS,
        max_tokens=as_count(request.max_tokens),
        cache_ttl_s=longest_lifetime_s(body),
    )


def parse_response_facts(body: bytes) -> ResponseFacts | None:
    """Return what a response says about itself, or None if the body is no JSON object."""
    response = _decode(_RESPONSES, body)
    if response is None:
        return None
    return ResponseFacts(
        id=as_text(response.id),
        model=as_text(response.model),
        stop_reason=as_text(response.stop_reason),
        usage=usage_of(response.usage),
    )


def usage_of(value: object, before: Usage | None = None) -> Usage | None:
    """Return decoded JSON as usage; counts that are absent or null keep those of `before`, else 0.

    None (or `before`) is returned if the value is no object.
    """
    if not isinstance(value, dict):
        return before
    known = before if before is not None else _NO_USAGE
    counts: dict[str, int] = {}
    for name in _COUNTS:
        count = value.get(name)
        counts[name] = count if type(count) is int else getattr(known, name)
    details = value.get("cache_creation")
    hour = as_count(details.get("ephemeral_1h_input_tokens")) if isinstance(details, dict) else None
    if hour is not None:
        counts["cache_creation_1h_input_tokens"] = hour
    return Usage(**counts)


def sum_usage(usages: Iterable[Usage | None]) -> Usage | None:
    """Return what answers used together, None if none of them says."""
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    names = Usage.__struct_fields__
    return Usage(**{name: sum(getattr(usage, name) for usage in known) for name in names})


def as_text(value: object) -> str | None:
    """Return the value if it is a string."""
    return value if isinstance(value, str) else None


def as_count(value: object) -> int | None:
    """Return the value if it is an integer, which true and false are not."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _decode(decoder: "msgspec.json.Decoder[_T]", body: bytes) -> _T | None:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
