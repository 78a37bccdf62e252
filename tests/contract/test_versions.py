"""L4-07, C-19: the version that the SDK pins is accepted and means something; others are not."""

from collections.abc import Callable, Mapping

import anthropic
import pytest
from anthropic.types import Message

from l9gate.wire.headers import API_VERSION, CURRENT_API_VERSION, PREVIOUS_API_VERSION

pytestmark = pytest.mark.contract

Ask = Callable[..., anthropic.APIResponse[Message]]


def test_pinned_version_is_sent_and_accepted(ask: Ask) -> None:
    response = ask("Reply with exactly: ready")
    assert response.http_request.headers[API_VERSION] == CURRENT_API_VERSION
    assert response.parse().stop_reason == "end_turn"


def test_previous_version_is_still_accepted(ask: Ask) -> None:
    response = ask("Reply with exactly: ready", extra_headers={API_VERSION: PREVIOUS_API_VERSION})
    assert response.http_request.headers[API_VERSION] == PREVIOUS_API_VERSION
    assert response.parse().stop_reason == "end_turn"


@pytest.mark.expects_error("invalid_request_error")
@pytest.mark.parametrize(
    "headers",
    [{API_VERSION: "1999-01-01"}, {API_VERSION: "latest"}, {API_VERSION: anthropic.omit}],
    ids=["a date without a version", "no date", "none"],
)
def test_other_version_is_refused(ask: Ask, headers: Mapping[str, str | anthropic.Omit]) -> None:
    with pytest.raises(anthropic.BadRequestError) as refused:
        ask("Reply with exactly: ready", extra_headers=headers)
    assert refused.value.type == "invalid_request_error"


@pytest.mark.expects_error("invalid_request_error")
@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_pinned_version_refuses_sampling_parameters(ask: Ask, name: str) -> None:
    """The first change that 2026-10-21 made; whoever still sends them fails on every call."""
    with pytest.raises(anthropic.BadRequestError) as refused:
        ask("Reply with exactly: ready", extra_body={name: 1})
    assert refused.value.type == "invalid_request_error"
    assert name in str(refused.value)


@pytest.mark.expects_error("invalid_request_error")
def test_unknown_beta_is_refused(ask: Ask) -> None:
    with pytest.raises(anthropic.BadRequestError) as refused:
        ask("Reply with exactly: ready", extra_headers={"anthropic-beta": "no-such-2026-01-01"})
    assert "no-such-2026-01-01" in str(refused.value)
