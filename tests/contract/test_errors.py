"""L4-04: every refusal has the same envelope, the documented status and type, and its id."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import anthropic
import pytest

from l9gate.wire.json import Json, JsonObject

pytestmark = pytest.mark.contract

WRONG_KEY = "sk-ant-invalid-0000000000"
SAID: Json = [{"role": "user", "content": "ready?"}]
ORPHAN: Json = [
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "?"}]}
]
OPEN_CALL: Json = [
    {"role": "user", "content": "ready?"},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}],
    },
    {"role": "user", "content": "and now?"},
]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A request that breaks exactly one rule, and how it is refused."""

    status: int
    error_type: str
    changes: JsonObject
    path: str = "/v1/messages"
    key: str | None = None
    names: str = ""  # the message must at least name what is wrong


_CASES = {
    "wrong key": Refused(status=401, error_type="authentication_error", changes={}, key=WRONG_KEY),
    "unknown model": Refused(
        status=404, error_type="not_found_error", changes={"model": "claude-no-such-model"}
    ),
    "unknown path": Refused(
        status=404, error_type="not_found_error", changes={}, path="/v1/no_such_path"
    ),
    "missing field": Refused(
        status=400,
        error_type="invalid_request_error",
        changes={"max_tokens": None},
        names="max_tokens",
    ),
    "unknown field": Refused(
        status=400,
        error_type="invalid_request_error",
        changes={"response_format": {"type": "json_object"}},
        names="response_format",
    ),
    "wrong type": Refused(
        status=400,
        error_type="invalid_request_error",
        changes={"max_tokens": "many"},
        names="max_tokens",
    ),
    "empty text": Refused(
        status=400,
        error_type="invalid_request_error",
        changes={"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
        names="non-empty",
    ),
    "tool result without a call": Refused(
        status=400,
        error_type="invalid_request_error",
        changes={"messages": ORPHAN},
        names="tool_use_id",
    ),
    "call without a result": Refused(
        status=400,
        error_type="invalid_request_error",
        changes={"messages": OPEN_CALL},
        names="toolu_1",
    ),
    "output schema beyond the subset": Refused(
        status=400,
        error_type="invalid_request_error",
        changes={
            "output_config": {
                "format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}
            }
        },
        names="additionalProperties",
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=pytest.mark.expects_error(case.error_type))
        for name, case in _CASES.items()
    ],
)
def test_refusal_keeps_the_envelope(
    client: anthropic.Anthropic,
    basis: JsonObject,
    violations: Callable[[str, Json], list[str]],
    case: Refused,
) -> None:
    error = _refusal(client, basis, case)
    assert (error.status_code, error.type) == (case.status, case.error_type)
    assert error.response.headers["content-type"].startswith("application/json")
    body = json.loads(error.response.content)
    assert violations("error", body) == []
    assert body["error"]["type"] == case.error_type
    assert case.names in body["error"]["message"]
    assert body["request_id"] == error.response.headers["request-id"] == error.request_id


@pytest.mark.expects_error("authentication_error")
def test_refused_key_is_not_repeated_by_the_answer(
    client: anthropic.Anthropic, basis: JsonObject
) -> None:
    error = _refusal(client, basis, _CASES["wrong key"])
    assert WRONG_KEY not in error.response.text
    assert "anthropic-workspace-id" not in error.response.headers


@pytest.mark.expects_error("not_found_error")
def test_ids_of_refusals_never_repeat(client: anthropic.Anthropic, basis: JsonObject) -> None:
    errors = [_refusal(client, basis, _CASES["unknown model"]) for _ in range(3)]
    assert {error.type for error in errors} == {"not_found_error"}
    assert len({error.request_id for error in errors}) == 3


@pytest.mark.expects_error("invalid_request_error")
def test_counting_refuses_what_creating_refuses(
    client: anthropic.Anthropic, basis: JsonObject, violations: Callable[[str, Json], list[str]]
) -> None:
    """Invariant 14."""
    counts = {"max_tokens": None, "thinking": None, "output_config": None, "messages": OPEN_CALL}
    case = Refused(
        status=400,
        error_type="invalid_request_error",
        changes=counts,
        path="/v1/messages/count_tokens",
    )
    error = _refusal(client, basis, case)
    assert (error.status_code, error.type) == (400, "invalid_request_error")
    assert violations("error", json.loads(error.response.content)) == []


def _refusal(
    client: anthropic.Anthropic, basis: JsonObject, case: Refused
) -> anthropic.APIStatusError:
    """Send a request, without the fields whose change is None, and return how it was refused."""
    body = {**basis, "messages": SAID, **case.changes}
    sent = {key: value for key, value in body.items() if value is not None}
    asking = client if case.key is None else client.with_options(api_key=case.key)
    with pytest.raises(anthropic.APIStatusError) as refused:
        asking.post(case.path, body=sent, cast_to=object)
    return refused.value
