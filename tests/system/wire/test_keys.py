"""Keys in every state that they can have: sections 3, 4, 7.2, 7.4, 12.4."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest

from l9gate.net.client import ClientResponse
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.keys import Key, KeyRing
from l9gate.simulator.limits import Tier
from l9gate.simulator.server import SimulatorThread

Ask: TypeAlias = Callable[..., ClientResponse]
Refused: TypeAlias = Callable[[ClientResponse], tuple[int, str, str]]
NOW = datetime.now(UTC)
KEYS = [
    Key(name="good", value="any-form-at-all", workspace="wrkspc_01Good"),
    Key(name="revoked", value="k-revoked", state="revoked"),
    Key(name="expired", value="k-expired", expires_at=NOW - timedelta(seconds=1)),
    Key(name="not yet", value="k-later", expires_at=NOW + timedelta(hours=1)),
    Key(name="forbidden", value="k-forbidden", state="forbidden"),
    Key(name="out of credit", value="k-credit", state="out_of_credit"),
    Key(name="own limit", value="k-own-limit", state="spend_limit"),
    Key(name="workspace limit", value="k-space-limit", state="workspace_spend_limit"),
    Key(name="on hold", value="k-hold", state="on_hold"),
    Key(name="monthly cap", value="k-cap", state="monthly_cap"),
    Key(name="contract", value="k-contract", state="contract_cap"),
    Key(name="one model", value="k-model", models=("claude-haiku-5-5",)),
    Key(name="few", value="k-few", organization="few", limits=Tier(requests_per_min=1)),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with SimulatorThread(SimulatorConfig(load_factor=0, keys=KeyRing(KEYS))) as simulator:
        yield simulator.base_url


STATES: dict[str, tuple[str, int, str, str | None]] = {
    "3 a key that is not listed": ("sk-good-key", 401, "authentication_error", None),
    "7.2 revoked": ("k-revoked", 401, "authentication_error", None),
    "7.2 expired": ("k-expired", 401, "authentication_error", None),
    "7.2 forbidden": ("k-forbidden", 403, "permission_error", None),
    "7.2 out of credit": ("k-credit", 402, "billing_error", None),
    "12.4 a limit of the customer": ("k-own-limit", 400, "invalid_request_error", None),
    "12.4 a limit of the workspace": ("k-space-limit", 400, "invalid_request_error", None),
    "7.4 on hold": ("k-hold", 400, "invalid_request_error", "organization_on_hold"),
    "12.4 monthly cap": ("k-cap", 429, "rate_limit_error", "enforced_spend_limit_reached"),
    "12.4 contract": ("k-contract", 429, "rate_limit_error", "contract_spend_limit_reached"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_key_is_refused_for_its_state(
    ask: Ask,
    refusal_in: Refused,
    url: str,
    state: tuple[str, int, str, str | None],
    stream: bool,
) -> None:
    key, status, kind, code = state
    answer = ask({"stream": stream}, base_url=url, headers={"x-api-key": key})
    assert refusal_in(answer)[:2] == (status, kind)
    details = json.loads(answer.body)["error"].get("details") or {}
    assert details.get("error_code") == code
    assert "retry-after" not in answer.headers
    assert ("anthropic-workspace-id" in answer.headers) == (status != 401)


@pytest.mark.parametrize("key", ["any-form-at-all", "k-later", "k-model"])
@pytest.mark.parametrize("bearer", [False, True], ids=["x-api-key", "bearer"])
def test_a_listed_key_works_whatever_it_looks_like(
    ask: Ask, url: str, key: str, bearer: bool
) -> None:
    headers = (
        {"x-api-key": None, "authorization": f"Bearer {key}"} if bearer else {"x-api-key": key}
    )
    assert ask(base_url=url, headers=headers).status == 200


def test_a_limit_of_the_customer_is_said_in_its_words(
    ask: Ask, refusal_in: Refused, url: str
) -> None:
    """7.2."""
    answers = [
        ask(base_url=url, headers={"x-api-key": key}) for key in ("k-own-limit", "k-space-limit")
    ]
    own, of_workspace = (refusal_in(answer)[2] for answer in answers)
    assert own.startswith("You have reached your specified API usage limits")
    assert "workspace API usage limits" in of_workspace


def test_the_workspace_is_that_of_the_key(ask: Ask, refusal_in: Refused, url: str) -> None:
    """3, 4: and naming another one is refused."""
    mine: dict[str, str | None] = {"x-api-key": "any-form-at-all"}
    assert ask(base_url=url, headers=mine).headers["anthropic-workspace-id"] == "wrkspc_01Good"
    same = {**mine, "anthropic-workspace-id": "wrkspc_01Good"}
    assert ask(base_url=url, headers=same).status == 200
    other = {**mine, "anthropic-workspace-id": "wrkspc_01Other"}
    assert 400 <= refusal_in(ask(base_url=url, headers=other))[0] < 500


def test_a_model_that_a_key_may_not_use_does_not_exist(
    ask: Ask, refusal_in: Refused, url: str
) -> None:
    """6.1: not accessible is answered like unknown."""
    answer = ask({"model": "claude-opus-5"}, base_url=url, headers={"x-api-key": "k-model"})
    assert refusal_in(answer)[:2] == (404, "not_found_error")


def test_a_key_may_have_limits_of_its_own(ask: Ask, url: str) -> None:
    """12.1."""
    few = [ask(base_url=url, headers={"x-api-key": "k-few"}) for _ in range(2)]
    assert [answer.status for answer in few] == [200, 429]
    assert few[0].headers["anthropic-organization-id"] == "few"
    assert ask(base_url=url, headers={"x-api-key": "any-form-at-all"}).status == 200
