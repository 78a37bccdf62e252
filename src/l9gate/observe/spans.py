"""Facts of OpenTelemetry spans: what the application signals, and the calls that it tells of.

Attributes are named as in the GenAI conventions where these have a name, old names are read too.
They have none for a cache or a fallback of the application: these are `l9gate.` and the field of a
log record, such as `l9gate.cache`.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from l9gate.evidence.records import Origin, ReportedCall, Signal, SignalSource
from l9gate.observe.attribution import Owner
from l9gate.observe.origins import Target
from l9gate.observe.signals import SignalFields
from l9gate.observe.tracing import key_of

PREFIX = "l9gate."
Attribute: TypeAlias = str | bool | int | float | tuple[str, ...]

_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider")
_OPERATION = ("gen_ai.operation.name",)
_CALLS = frozenset({"chat"})
_SDK_SPAN = "anthropic.messages."  # the SDK's own name, which says no provider
_REQUEST_ID = ("anthropic.request.id", "http.response.header.request-id")
_STATUS = ("http.response.status_code", "http.status_code")
_MODEL = ("gen_ai.request.model",)
_SERVED = ("gen_ai.response.model",)
_INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
_OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
_ADDRESS = ("server.address", "net.peer.name")
_PORT = ("server.port", "net.peer.port")


class SpanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One span that has ended."""

    name: str
    trace_id: str  # 32 hex digits
    span_id: str  # 16 hex digits
    started_s: float
    ended_s: float
    attributes: Mapping[str, Attribute]

    @property
    def key(self) -> str:
        """What tells it from every other span."""
        return key_of(self.trace_id, self.span_id)


def signal_of(span: SpanFacts, owner: Owner | None, now_s: float) -> Signal | None:
    """Return the signal that a span carries, None if it carries none.

    Raises:
        msgspec.ValidationError: an attribute of ours has an unknown name or a wrong type.
    """
    cut = len(PREFIX)
    given = {name[cut:]: value for name, value in span.attributes.items() if name[:cut] == PREFIX}
    if not given:
        return None
    defaults = {"operation": span.name, "duration_s": span.ended_s - span.started_s}
    fields = msgspec.convert({**defaults, **given}, SignalFields)
    told = fields.signal(owner, now_s)
    return msgspec.structs.replace(told, source=SignalSource.SPAN, span_id=span.key)


def call_of(span: SpanFacts, target: Target, now_s: float) -> ReportedCall | None:
    """Return the call of the Messages API that a span tells of, None if it tells of none."""
    if not _is_call(span):
        return None
    host = _host(span)
    is_declared = host is not None and host in {target.host, target.proxy}
    return ReportedCall(
        at_s=now_s,
        trace_id=span.trace_id,
        request_id=_text(span, _REQUEST_ID),
        origin=target.kind if is_declared else Origin.OTHER,
        host=host,
        status=_count(span, _STATUS),
        model=_text(span, _MODEL),
        served_model=_text(span, _SERVED),
        error_type=_text(span, ("error.type",)),
        started_s=span.started_s,
        ended_s=span.ended_s,
        input_tokens=_count(span, _INPUT),
        output_tokens=_count(span, _OUTPUT),
    )


def _is_call(span: SpanFacts) -> bool:
    if span.name.startswith(_SDK_SPAN):
        return True
    provider = (_text(span, _PROVIDER) or "").lower()
    return provider == "anthropic" and _text(span, _OPERATION) in _CALLS


def _host(span: SpanFacts) -> str | None:
    address, port = _text(span, _ADDRESS), _count(span, _PORT)
    if address is None or port in (None, 80, 443):
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _text(span: SpanFacts, names: tuple[str, ...]) -> str | None:
    for name in names:
        value = span.attributes.get(name)
        if isinstance(value, tuple) and value:  # of a header, which may be repeated
            return value[0]
        if isinstance(value, str) and value:
            return value
    return None


def _count(span: SpanFacts, names: tuple[str, ...]) -> int | None:
    found = (span.attributes.get(name) for name in names)
    return next((one for one in found if isinstance(one, int) and not isinstance(one, bool)), None)
