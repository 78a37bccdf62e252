"""Response headers."""

import re
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter

from l9gate.contract.drift import Drift, tell
from l9gate.contract.observed import EVENT_STREAM
from l9gate.wire.headers import (
    ORGANIZATION_ID,
    RATE_LIMIT_PREFIX,
    REQUEST_ID,
    RETRY_AFTER,
    RETRY_AFTER_MS,
    SHOULD_RETRY,
    WORKSPACE_ID,
    parse_retry_after,
)
from l9gate.wire.json import JsonObject

FAMILIES = ("requests", "tokens", "input-tokens", "output-tokens")
_PARTS = ("limit", "remaining", "reset")
_FRAMING = frozenset(
    {"date", "content-length", "transfer-encoding", "connection", "keep-alive", "content-encoding"}
)
_DOCUMENTED = frozenset(
    {REQUEST_ID, "content-type", ORGANIZATION_ID, WORKSPACE_ID, RETRY_AFTER, SHOULD_RETRY}
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_JSON = re.compile(r"application/json(?:\s*;.*)?", re.IGNORECASE)
_LINES = re.compile(r"application/(?:x-jsonl|binary|json)(?:\s*;.*)?", re.IGNORECASE)
_IS_REQUEST_ID = re.compile(r"req_\w+").fullmatch
_NAMES = tuple(
    (*(f"{RATE_LIMIT_PREFIX}{family}-{part}" for part in _PARTS),) for family in FAMILIES
)

_USUAL_VALUES = itemgetter(REQUEST_ID, *(name for names in _NAMES for name in names))
# Written for speed: nothing in it is ever tried twice.
_USUAL = re.compile(
    r"req_[0-9A-Za-z_]++"
    + r"\n([0-9]++)\n([0-9]++)\n[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]"
    r"(?:\.[0-9]++)?+Z" * len(FAMILIES)
).fullmatch


def are_usual(headers: Mapping[str, str], *, is_stream: bool) -> bool:
    """Whether the headers of a message are as most are: every family whole, all of them readable.

    If not, nothing may be wrong; `find_header_drifts` tells.
    """
    try:
        read = _USUAL("\n".join(_USUAL_VALUES(headers)))
        kind = headers["content-type"]
    except KeyError:
        return False
    if read is None or RETRY_AFTER in headers or not _is_type(kind, is_stream=is_stream):
        return False
    groups = read.groups()  # four times a limit and what is left of it
    for most, left in zip(groups[::2], groups[1::2], strict=True):
        if len(left) > len(most) or (len(left) == len(most) and left > most):
            return False
    return True


def are_plain(headers: Mapping[str, str]) -> bool:
    """Whether headers of JSON say what they must, and nothing of limits but whole seconds."""
    if not _IS_REQUEST_ID(headers.get(REQUEST_ID, "")):
        return False
    if not headers.get(RETRY_AFTER, "0").isdecimal():
        return False
    if not _is_type(headers.get("content-type", ""), is_stream=False):
        return False
    return not any(name.startswith(RATE_LIMIT_PREFIX) for name in headers)


def _is_type(kind: str, *, is_stream: bool) -> bool:
    if is_stream:
        return kind.startswith(EVENT_STREAM)
    return kind == "application/json" or _JSON.fullmatch(kind) is not None


def find_header_drifts(
    headers: Mapping[str, str],
    *,
    status: int,
    is_stream: bool,
    is_message: bool,
    body: JsonObject | None,
) -> Iterator[Drift]:
    """Yield what is wrong with the headers of any answer.

    Args:
        headers: names in lower case.
        status: of the answer.
        is_stream: a stream was asked for.
        is_message: the route is that of messages, whose successes tell what is left of limits.
        body: of an error, which repeats the request id.
    """
    yield from _find_content_type(headers, wants_stream=is_stream and status < 400)
    request_id = headers.get(REQUEST_ID)
    if request_id is None:
        yield tell("header.missing", f"header {REQUEST_ID}", "an id", "nothing")
    elif not _IS_REQUEST_ID(request_id):
        yield tell("header.form", f"header {REQUEST_ID}", "`req_…`", "another form")
    told = None if body is None or status < 400 else body.get("request_id")
    if told is not None and request_id is not None and told != request_id:
        yield tell("header.request_id", f"header {REQUEST_ID}", "that of the body", "another id")
    yield from _find_rate_limits(headers, is_required=is_message and status < 300)
    yield from _find_retry_after(headers, status, body)


def find_changed_headers(
    headers: Mapping[str, str], usual: Mapping[str, bool], read: tuple[str, ...]
) -> Iterator[Drift]:
    """Yield which headers came or went.

    Args:
        headers: names in lower case.
        usual: those that repeats of a probe had, and whether every one had it; empty: no probe.
        read: those that the application reads from this answer.
    """
    for name in sorted({*read, *(name for name, always in usual.items() if always)}):
        if name in headers or name in _FRAMING or name.startswith("x-l9gate-"):
            continue
        is_missed = name in read or name in _DOCUMENTED or name.startswith(RATE_LIMIT_PREFIX)
        code = "header.missing" if is_missed else "header.gone"
        yield tell(code, f"header {name}", "a value", "nothing")
    for name in sorted(set(headers) - set(usual) - _FRAMING - _DOCUMENTED) if usual else ():
        if not name.startswith((RATE_LIMIT_PREFIX, "x-l9gate-")):
            yield tell("header.added", f"header {name}", "nothing", "a value")


def _find_content_type(headers: Mapping[str, str], *, wants_stream: bool) -> Iterator[Drift]:
    found = headers.get("content-type")
    where = "header content-type"
    if found is None:
        yield tell("header.missing", where, "a type", "nothing")
    elif wants_stream and not found.lower().startswith(EVENT_STREAM):
        yield tell("header.content_type", where, f"`{EVENT_STREAM}`", _media_type(found))
    elif not (wants_stream or _JSON.fullmatch(found) or _LINES.fullmatch(found)):
        yield tell("header.content_type", where, "`application/json`", _media_type(found))


def _media_type(value: str) -> str:
    kind = value.partition(";")[0].strip()
    return f"`{kind}`" if re.fullmatch(r"[\w.+-]{1,40}/[\w.+-]{1,60}", kind) else "no media type"


def _find_rate_limits(headers: Mapping[str, str], *, is_required: bool) -> Iterator[Drift]:
    whole = 0
    for family, names in zip(FAMILIES, _NAMES, strict=True):
        there = [name for name in names if name in headers]
        where = f"header {RATE_LIMIT_PREFIX}{family}-*"
        if there and len(there) < len(names):
            gone = ", ".join(sorted(set(names) - set(there)))
            yield tell("header.rate_limit", where, "limit, remaining and reset", f"no {gone}")
        yield from _find_forms(headers, there)
        whole += len(there) == len(names)
        yield from _find_sense(headers, names)
    if is_required and not whole and not any(n.startswith(RATE_LIMIT_PREFIX) for n in headers):
        yield tell("header.rate_limit", f"header {RATE_LIMIT_PREFIX}*", "a family", "none")


def _find_forms(headers: Mapping[str, str], names: list[str]) -> Iterator[Drift]:
    for name in names:
        is_time = name.endswith(_PARTS[2])
        reads: Callable[[str], object] = _TIME.fullmatch if is_time else str.isdecimal
        if not reads(headers[name]):
            expected = "a time in UTC" if is_time else "a whole number"
            yield tell("header.form", f"header {name}", expected, "another form")


def _find_sense(headers: Mapping[str, str], names: tuple[str, ...]) -> Iterator[Drift]:
    limit, left = headers.get(names[0], ""), headers.get(names[1], "")
    if limit.isdecimal() and left.isdecimal() and int(left) > int(limit):
        yield tell("header.rate_limit_sense", f"header {names[1]}", f"at most {limit}", left)


def _find_retry_after(
    headers: Mapping[str, str], status: int, body: JsonObject | None
) -> Iterator[Drift]:
    where = f"header {RETRY_AFTER}"
    if RETRY_AFTER in headers:
        if parse_retry_after({RETRY_AFTER: headers[RETRY_AFTER]}, now_s=0.0) is None:
            yield tell("header.form", where, "seconds or a date", "another form")
        return
    tells = RETRY_AFTER_MS in headers or SHOULD_RETRY in headers
    if status == 429 and not tells and not _has_code(body):
        yield tell("header.retry_after", where, "seconds", "nothing")


def _has_code(body: JsonObject | None) -> bool:
    error = None if body is None else body.get("error")
    details = error.get("details") if isinstance(error, dict) else None
    return isinstance(details, dict) and isinstance(details.get("error_code"), str)
