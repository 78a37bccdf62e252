"""Who may ask, where, in which version; and what every answer carries: sections 2 to 5, 7, 12.2."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from l9gate.net.client import ClientResponse
from l9gate.wire.json import JsonObject

GOOD, BAD = "sk-good-key", "sk-invalid-key"
BETAS_OF_THE_SDK = (
    "computer-use-2025-11-24",
    "output-300k-2026-03-24",
    "interleaved-thinking-2025-05-14",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "fast-mode-2026-02-01",
    "user-profiles-2026-09-04",
    "server-side-fallback-2026-07-01",
    "compact-2026-09-04",
    "thinking-binding-controls-2026-08-01",
    "message-batches-2024-09-24",
    "prompt-caching-2024-07-31",
    "token-counting-2024-11-01",
    "files-api-2025-04-14",
)

CREDENTIALS: dict[str, tuple[dict[str, str | None], int, str]] = {
    "3 key": ({"x-api-key": GOOD}, 200, ""),
    "3 bearer": ({"x-api-key": None, "authorization": f"Bearer {GOOD}"}, 200, ""),
    "3 both, good": ({"x-api-key": GOOD, "authorization": f"Bearer {GOOD}"}, 200, ""),
    "3 the key wins, good": ({"x-api-key": GOOD, "authorization": f"Bearer {BAD}"}, 200, ""),
    "3 the key wins, bad": (
        {"x-api-key": BAD, "authorization": f"Bearer {GOOD}"},
        401,
        "invalid x-api-key",
    ),
    "6.8 V1": ({"x-api-key": None}, 401, ""),
    "6.8 V2": ({"x-api-key": BAD}, 401, "invalid x-api-key"),
    "6.8 V2 empty": ({"x-api-key": ""}, 401, "invalid x-api-key"),
    "6.8 V3": (
        {"x-api-key": None, "authorization": f"Bearer {BAD}"},
        401,
        "Invalid bearer token",
    ),
    "6.8 V3 scheme": ({"x-api-key": None, "authorization": f"Basic {GOOD}"}, 401, ""),
}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/v1/models"])
@pytest.mark.parametrize(("headers", "status", "says"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_credentials_decide_alike_everywhere(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    path: str,
    headers: dict[str, str | None],
    status: int,
    says: str,
) -> None:
    """19.4."""
    method = "GET" if path == "/v1/models" else "POST"
    drop = ("max_tokens",) if path.endswith("count_tokens") else ()
    answer = ask(path=path, method=method, headers=headers, drop=drop)
    assert answer.status == status
    if status == 401:
        _, kind, message = refusal_in(answer)
        assert kind == "authentication_error"
        assert says in message


def test_credentials_come_before_the_body(ask: Callable[..., ClientResponse]) -> None:
    """6.8."""
    assert ask(headers={"x-api-key": None}, raw=b"{").status == 401


def test_a_failed_authentication_names_no_workspace(ask: Callable[..., ClientResponse]) -> None:
    """4."""
    assert ask().headers["anthropic-workspace-id"].startswith("wrkspc_")
    assert "anthropic-workspace-id" not in ask(headers={"x-api-key": BAD}).headers


@pytest.mark.parametrize("version", ["2026-10-21", "2023-06-01"])
def test_both_versions_are_accepted(ask: Callable[..., ClientResponse], version: str) -> None:
    """5."""
    assert ask(headers={"anthropic-version": version}).status == 200


@pytest.mark.parametrize("version", [None, "", "2026-10-22", "latest"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models"])
def test_another_version_is_a_400(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    version: str | None,
    path: str,
) -> None:
    """3, V4."""
    method = "GET" if path == "/v1/models" else "POST"
    answer = ask(path=path, method=method, headers={"anthropic-version": version})
    status, kind, message = refusal_in(answer)
    assert (status, kind) == (400, "invalid_request_error")
    assert "anthropic-version" in message


SAMPLING: dict[str, JsonObject] = {
    "temperature": {"temperature": 0.2},
    "temperature of 1": {"temperature": 1},
    "temperature of 0": {"temperature": 0},
    "temperature of null": {"temperature": None},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 10},
    "top_k of 0": {"top_k": 0},
    "all three": {"temperature": 0.2, "top_p": 0.5, "top_k": 10},
}
CITED: JsonObject = {
    "type": "text",
    "text": "cited",
    "citations": [
        {
            "type": "char_location",
            "cited_text": "Grass",
            "document_index": 0,
            "document_title": None,
            "start_char_index": 0,
            "end_char_index": 5,
        }
    ],
}
DOCUMENT: JsonObject = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "Grass is green."},
}
PLACED: dict[str, JsonObject] = {
    "document in assistant": {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [DOCUMENT, {"type": "text", "text": "it"}]},
            {"role": "user", "content": "go on"},
        ]
    },
    "citations in user text": {"messages": [{"role": "user", "content": [CITED]}]},
    "citations in a search result": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "search_result", "source": "s", "title": "t", "content": [CITED]}
                ],
            }
        ]
    },
}
REFUSED_SINCE = {**SAMPLING, **PLACED}


@pytest.mark.parametrize("changes", REFUSED_SINCE.values(), ids=REFUSED_SINCE)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_the_new_version_refuses_what_it_removed(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    changes: JsonObject,
    path: str,
) -> None:
    """1.2, 19.5, V19, V23, K31: also while counting tokens."""
    drop = ("max_tokens",) if path.endswith("count_tokens") else ()
    body = {"model": "claude-sonnet-4-6", **changes}
    assert refusal_in(ask(body, path=path, drop=drop))[:2] == (400, "invalid_request_error")


OLD_SHAPES = {
    name: changes
    for name, changes in REFUSED_SINCE.items()
    if name != "temperature of null"  # whether null was a number is not documented
}


@pytest.mark.parametrize("changes", OLD_SHAPES.values(), ids=OLD_SHAPES)
def test_the_old_version_accepts_them(
    ask: Callable[..., ClientResponse], changes: JsonObject
) -> None:
    """1.2, 19.5, on a model that takes them."""
    answer = ask(
        {"model": "claude-sonnet-4-6", **changes}, headers={"anthropic-version": "2023-06-01"}
    )
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": "claude-opus-4-8", "temperature": 0.2}, "temperature is deprecated"),
        ({"model": "claude-opus-4-7", "top_p": 0.2}, "deprecated for this model"),
        ({"model": "claude-haiku-4-5", "temperature": 0.2, "top_p": 0.5}, "top_p"),
        ({"model": "claude-sonnet-4-6", "temperature": 1.1}, "temperature"),
        ({"model": "claude-sonnet-4-6", "top_p": -0.1}, "top_p"),
        ({"model": "claude-sonnet-4-6", "top_k": -1}, "top_k"),
    ],
)
def test_the_old_version_has_its_own_limits(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    changes: JsonObject,
    says: str,
) -> None:
    """6.1."""
    status, kind, message = refusal_in(ask(changes, headers={"anthropic-version": "2023-06-01"}))
    assert (status, kind) == (400, "invalid_request_error")
    assert says in message


@pytest.mark.parametrize("beta", [*BETAS_OF_THE_SDK, ", ".join(BETAS_OF_THE_SDK[:3])])
def test_known_betas_are_accepted(ask: Callable[..., ClientResponse], beta: str) -> None:
    """5."""
    assert ask(headers={"anthropic-beta": beta}).status == 200


@pytest.mark.parametrize("beta", ["no-such-beta-2026-01-01", "pdfs-2024-09-25,no-such-beta"])
def test_an_unknown_beta_is_refused_by_name(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    beta: str,
) -> None:
    """5, V5."""
    name = beta.rpartition(",")[2]
    assert refusal_in(ask(headers={"anthropic-beta": beta})) == (
        400,
        "invalid_request_error",
        f"Unexpected value(s) `{name}` for the `anthropic-beta` header. Please consult our "
        "documentation at platform.claude.com/docs or try again without the header.",
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/message", 404),
        ("POST", "/v1", 404),
        ("GET", "/", 404),
        ("POST", "/v1/chat/completions", 404),
        ("POST", "/v1/messages/", 404),
        ("GET", "/v1/messages", 405),
        ("DELETE", "/v1/messages", 405),
        ("GET", "/v1/messages/count_tokens", 405),
        ("POST", "/v1/models", 405),
    ],
)
def test_a_wrong_place_is_refused_in_the_envelope(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    method: str,
    path: str,
    status: int,
) -> None:
    """V21, V22, 19.2."""
    found, kind, _ = refusal_in(ask(method=method, path=path))
    assert (found, kind) == (
        status,
        "not_found_error" if status == 404 else "invalid_request_error",
    )


def test_the_query_of_old_sdks_is_ignored(ask: Callable[..., ClientResponse]) -> None:
    """1.6."""
    assert ask(path="/v1/messages?beta=true").status == 200


@pytest.mark.parametrize("encoding", ["snappy", "x-unknown"])
def test_an_unknown_encoding_of_the_body_has_its_code(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    encoding: str,
) -> None:
    """2."""
    answer = ask(headers={"content-encoding": encoding})
    assert refusal_in(answer)[:2] == (400, "invalid_request_error")
    error = json.loads(answer.body)["error"]
    assert error["details"]["error_code"] == "request_body_encoding_unsupported"


CALLS: dict[str, dict[str, object]] = {
    "message": {},
    "stream": {"changes": {"stream": True}},
    "count": {"path": "/v1/messages/count_tokens", "drop": ("max_tokens",)},
    "models": {"path": "/v1/models", "method": "GET"},
    "model": {"path": "/v1/models/claude-haiku-4-5", "method": "GET"},
    "400": {"raw": b"{"},
    "401": {"headers": {"x-api-key": None}},
    "404": {"path": "/v1/nothing"},
    "429": {"headers": {"x-l9gate-fault": "status=429"}},
    "500": {"headers": {"x-l9gate-fault": "status=500"}},
    "529": {"headers": {"x-l9gate-fault": "status=529"}},
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_answer_says_who_answered_whom(
    ask: Callable[..., ClientResponse], call: dict[str, object]
) -> None:
    """4, 19.1."""
    first, second = ask(**call), ask(**call)
    for answer in (first, second):
        assert re.fullmatch(r"req_\w{20,}", answer.headers["request-id"])
        assert answer.headers["anthropic-organization-id"]
        assert answer.headers["x-l9gate-origin"] == "simulated"
        assert answer.headers["content-type"].split(";")[0] in {
            "application/json",
            "text/event-stream",
        }
    assert first.headers["request-id"] != second.headers["request-id"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ["requests", "tokens", "input-tokens", "output-tokens"])
def test_every_family_of_limits_is_there(
    ask: Callable[..., ClientResponse], name: str, stream: bool
) -> None:
    """12.2: integers, tokens in thousands, the reset as RFC 3339 in UTC without fractions."""
    headers = ask({"stream": stream}).headers
    limit, remaining, reset = (
        headers[f"anthropic-ratelimit-{name}-{what}"] for what in ("limit", "remaining", "reset")
    )
    assert 0 <= int(remaining) <= int(limit)
    assert name == "requests" or int(remaining) % 1000 == 0
    at = datetime.strptime(reset, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=2)


def test_the_limit_of_all_tokens_is_the_sum(ask: Callable[..., ClientResponse]) -> None:
    """12.2, as recorded."""
    headers = ask().headers
    for what in ("limit", "remaining"):
        names = [f"anthropic-ratelimit-{name}-{what}" for name in ("input-tokens", "output-tokens")]
        assert int(headers[f"anthropic-ratelimit-tokens-{what}"]) == sum(
            int(headers[name]) for name in names
        )
