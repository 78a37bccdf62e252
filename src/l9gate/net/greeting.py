"""Free questions to an endpoint that tell how things stand: the clock, the model, what is left."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import msgspec

from l9gate.net.preflight import TIMEOUT_S
from l9gate.wire import headers as names


class ModelEntry(msgspec.Struct, frozen=True):
    """What `GET /v1/models/{id}` says of a model, as far as a release depends on it."""

    id: str
    lifecycle: str | None = None
    retires_at: str | None = None  # RFC 3339


class Greeting(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint answered to free questions."""

    skew_s: float | None  # how far our clock is ahead of the endpoint's; None if it tells no time
    model_status: int  # of the question about the model
    model: ModelEntry | None
    rate_limit: dict[str, str]  # anthropic-ratelimit-* without the prefix; empty if it sends none


def greet(base_url: str, key: str, model: str) -> Greeting:
    """Ask for one model, and count the tokens of one word; both cost nothing.

    Args:
        base_url: scheme, host and optional path of the environment.
        key: sent as `Authorization: Bearer`; it appears in no message.
        model: the id that the application calls.

    Raises:
        OSError: the endpoint cannot be reached.
    """
    base = base_url.rstrip("/")
    before_s = time.time()
    status, headers, body = _ask(f"{base}/v1/models/{quote(model, safe='')}", key, None)
    middle_s = (before_s + time.time()) / 2
    question = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    _, counted, _ = _ask(f"{base}/v1/messages/count_tokens", key, json.dumps(question).encode())
    return Greeting(
        skew_s=_skew_s(headers.get("date"), middle_s),
        model_status=status,
        model=_entry(body) if status == 200 else None,
        rate_limit=names.parse_rate_limit(counted) or names.parse_rate_limit(headers),
    )


def _ask(url: str, key: str, body: bytes | None) -> tuple[int, Mapping[str, str], bytes]:
    request = urllib.request.Request(  # noqa: S310  # the scheme is checked with the settings
        url,
        body,
        {
            "authorization": f"Bearer {key}",
            names.API_VERSION: names.CURRENT_API_VERSION,
            "content-type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return answer.status, _lowered(answer.headers.items()), answer.read(1 << 20)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _lowered(error.headers.items()), b""


def _lowered(pairs: list[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in pairs}


def _skew_s(date: str | None, now_s: float) -> float | None:
    """Return by how much we are ahead, counted from the middle of the second in the header."""
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return now_s - (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - 0.5


def _entry(body: bytes) -> ModelEntry | None:
    try:
        return msgspec.json.decode(body, type=ModelEntry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
