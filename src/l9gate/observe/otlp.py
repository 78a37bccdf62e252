"""Bodies of OTLP, the protocol that OpenTelemetry exports spans by, to facts of spans.

Source: opentelemetry-proto, `collector/trace/v1` and `trace/v1`, of which only what is named below
is read: the rest may change.
"""

from collections.abc import Iterator

import msgspec

from l9gate.errors import MalformedBodyError
from l9gate.observe.spans import Attribute, SpanFacts
from l9gate.wire.protobuf import Value, as_double, as_signed, read_fields

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
_NANO = 1e-9


def parse_spans(body: bytes, content_type: str) -> list[SpanFacts]:
    """Return the spans of one export.

    Raises:
        MalformedBodyError: the body is no export of spans in that format.
    """
    if content_type.partition(";")[0].strip().lower() == JSON:
        return _from_json(body)
    return list(_from_protobuf(body))


def _from_protobuf(body: bytes) -> Iterator[SpanFacts]:
    for resource in _messages(body, 1):
        for scope in _messages(resource, 2):
            for span in _messages(scope, 2):
                yield _span(span)


def _messages(data: bytes, wanted: int) -> Iterator[bytes]:
    for number, value in read_fields(data):
        if number == wanted and isinstance(value, bytes):
            yield value


def _span(data: bytes) -> SpanFacts:
    found: dict[int, Value] = {}
    attributes: dict[str, Attribute] = {}
    for number, value in read_fields(data):
        if number == 9 and isinstance(value, bytes):
            attributes |= _attribute(value)
        else:
            found[number] = value
    return SpanFacts(
        trace_id=_bytes(found.get(1)).hex(),
        span_id=_bytes(found.get(2)).hex(),
        name=_text(found.get(5)),
        started_s=_number(found.get(7)) * _NANO,
        ended_s=_number(found.get(8)) * _NANO,
        attributes=attributes,
    )


def _attribute(data: bytes) -> dict[str, Attribute]:
    fields = dict(read_fields(data))
    value = _any_value(_bytes(fields.get(2)))
    return {} if value is None else {_text(fields.get(1)): value}


def _any_value(data: bytes) -> Attribute | None:
    for number, value in read_fields(data):
        if number == 1:
            return _text(value)
        if number == 2:
            return bool(_number(value))
        if number == 3:
            return as_signed(_number(value))
        if number == 4:
            return as_double(_number(value))
        if number == 5:
            found = (_any_value(one) for one in _messages(_bytes(value), 1))
            return tuple(one for one in found if isinstance(one, str))
    return None


def _bytes(value: Value | None) -> bytes:
    return value if isinstance(value, bytes) else b""


def _number(value: Value | None) -> int:
    return value if isinstance(value, int) else 0


def _text(value: Value | None) -> str:
    return _bytes(value).decode("utf-8", "replace")


class _AnyValue(msgspec.Struct, frozen=True, rename="camel", gc=False):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: str | int | None = None  # 64 bits are written as text
    double_value: float | None = None
    array_value: "_Array | None" = None


class _Array(msgspec.Struct, frozen=True, gc=False):
    values: tuple[_AnyValue, ...] = ()


class _Pair(msgspec.Struct, frozen=True, gc=False):
    key: str
    value: _AnyValue = _AnyValue()


class _Span(msgspec.Struct, frozen=True, rename="camel", gc=False):
    trace_id: str
    span_id: str
    name: str = ""
    start_time_unix_nano: str | int = 0
    end_time_unix_nano: str | int = 0
    attributes: tuple[_Pair, ...] = ()


class _Scope(msgspec.Struct, frozen=True, gc=False):
    spans: tuple[_Span, ...] = ()


class _Resource(msgspec.Struct, frozen=True, rename="camel", gc=False):
    scope_spans: tuple[_Scope, ...] = ()


class _Export(msgspec.Struct, frozen=True, rename="camel", gc=False):
    resource_spans: tuple[_Resource, ...] = ()


_EXPORTS = msgspec.json.Decoder(_Export)


def _from_json(body: bytes) -> list[SpanFacts]:
    try:
        export = _EXPORTS.decode(body)
        return [
            _span_of(span)
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
    except (msgspec.DecodeError, ValueError) as error:
        raise MalformedBodyError(f"no export of spans: {error}") from error


def _span_of(span: _Span) -> SpanFacts:
    values = {pair.key: _value_of(pair.value) for pair in span.attributes}
    return SpanFacts(
        trace_id=span.trace_id.lower(),
        span_id=span.span_id.lower(),
        name=span.name,
        started_s=int(span.start_time_unix_nano) * _NANO,
        ended_s=int(span.end_time_unix_nano) * _NANO,
        attributes={name: value for name, value in values.items() if value is not None},
    )


def _value_of(value: _AnyValue) -> Attribute | None:
    if value.int_value is not None:
        return int(value.int_value)
    if value.array_value is not None:
        texts = (one.string_value for one in value.array_value.values)
        return tuple(text for text in texts if text is not None)
    for found in (value.string_value, value.bool_value, value.double_value):
        if found is not None:
            return found
    return None
