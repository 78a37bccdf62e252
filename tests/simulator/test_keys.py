"""Keys as data: what each may do, whose it is, and mistakes in the list."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from l9gate.errors import PlanError
from l9gate.simulator.keys import ANY_KEY, Key, KeyRing
from l9gate.simulator.limits import Tier

VALUE = "sk-very-secret-1"
FILE = f"""\
[[key]]
name = "ci"
value = "{VALUE}"
organization = "org-1"
workspace = "wrkspc_01Ci"
models = ["claude-haiku-5-5"]
expires_at = 2026-12-01T00:00:00Z
limits = {{ requests_per_min = 50 }}

[[key]]
value = "sk-very-secret-2"
state = "revoked"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def test_a_file_describes_keys(file: Path) -> None:
    file.write_text(FILE)
    key = KeyRing.read(file).find(VALUE, 0.0)
    assert key == Key(
        name="ci",
        value=VALUE,
        organization="org-1",
        workspace="wrkspc_01Ci",
        models=("claude-haiku-5-5",),
        expires_at=datetime(2026, 12, 1, tzinfo=UTC),
        limits=Tier(requests_per_min=50),
    )


def test_a_key_without_a_name_is_called_by_its_number(file: Path) -> None:
    file.write_text(FILE)
    assert repr(KeyRing.read(file)) == "KeyRing(ci, key 2)"


def test_a_key_ends_when_it_expires() -> None:
    at = datetime(2026, 12, 1, tzinfo=UTC)
    ring = KeyRing([Key(name="a", value=VALUE, expires_at=at)])
    assert ring.find(VALUE, at.timestamp() - 1) is not None
    assert ring.find(VALUE, at.timestamp()) is None


def test_a_revoked_or_unknown_key_is_found_by_nobody() -> None:
    ring = KeyRing([Key(name="a", value=VALUE, state="revoked")])
    assert ring.find(VALUE, 0.0) is None
    assert ring.find("sk-something-else", 0.0) is None


def test_an_open_ring_takes_every_well_formed_key() -> None:
    """L2-07."""
    ring = KeyRing.of(None)
    assert ring.is_open
    assert ring.find("sk-12345", 0.0) is ANY_KEY
    assert [ring.find(value, 0.0) for value in ("sk-1", "12345678", "sk-invalid-1")] == [None] * 3
    assert repr(ring) == "KeyRing(any)"


def test_a_ring_of_values_takes_these() -> None:
    ring = KeyRing.of(frozenset({VALUE}))
    assert not ring.is_open
    assert ring.find(VALUE, 0.0) is not None
    assert KeyRing.of(ring) is ring


@pytest.mark.parametrize(
    ("state", "status", "error_type", "code"),
    [
        ("forbidden", 403, "permission_error", None),
        ("out_of_credit", 402, "billing_error", None),
        (
            "linked_billing_unavailable",
            402,
            "billing_error",
            "linked_organization_billing_unavailable",
        ),
        ("linked_spend_limit", 402, "billing_error", "linked_organization_spend_limit_reached"),
        ("spend_limit", 400, "invalid_request_error", None),
        ("workspace_spend_limit", 400, "invalid_request_error", None),
        ("on_hold", 400, "invalid_request_error", "organization_on_hold"),
        ("monthly_cap", 429, "rate_limit_error", "enforced_spend_limit_reached"),
        ("contract_cap", 429, "rate_limit_error", "contract_spend_limit_reached"),
    ],
)
def test_a_state_refuses_in_its_own_way(
    state: str, status: int, error_type: str, code: str | None
) -> None:
    ring = KeyRing.from_tables({"key": [{"value": VALUE, "state": state}]})
    key = ring.find(VALUE, 0.0)
    assert key is not None
    refusal = key.refusal(costs=True)
    assert refusal is not None
    assert (refusal.status, refusal.error_type, refusal.code) == (status, error_type, code)
    assert (key.refusal(costs=False) is None) == (state != "forbidden")


def test_a_valid_key_is_refused_nothing() -> None:
    assert ANY_KEY.refusal(costs=True) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "keys.toml: no keys"),
        ("[[key]\n", "no TOML"),
        ("[[keys]]\n", "keys.toml line 1: `keys`: no such table"),
        ("[[key]]\nname = 'a'\n", "keys.toml line 1: key 1: `key`: Object missing required field"),
        ("[[key]]\nvalue = 'sk-1'\nstat = 'x'\n", "keys.toml line 3: `stat`: no such field"),
        ("[[key]]\nvalue = 'a b'\n", "keys.toml line 2: key 1: `value`: Expected `str` matching"),
        ("[[key]]\nvalue = 'a'\nstate = 'x'\n", "line 3: key 1: `state`: Invalid enum value 'x'"),
        ("[[key]]\nvalue = 'a'\nexpires_at = 2026-12-01T00:00:00\n", "line 3: key 1: `expires_at`"),
        ("[[key]]\nvalue = 'a'\n[[key]]\nvalue = 'a'\n", "`key 2` is the same key as `key 1`"),
        ("[[key]]\nvalue = 'a'\nlimits = { rpm = 1 }\n", "line 3: `rpm`: no such field"),
        ("key = 3\n", "keys.toml: no keys"),
        ("key = [3]\n", "keys.toml"),
    ],
)
def test_a_mistake_is_named_with_its_place(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(PlanError) as caught:
        KeyRing.read(file)
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(PlanError, match="keys cannot be read"):
        KeyRing.read(file)


def test_no_text_shows_a_key(file: Path) -> None:
    file.write_text(FILE)
    ring = KeyRing.read(file)
    assert VALUE not in f"{ring!r} {ring.find(VALUE, 0.0)!r}"
    file.write_text(FILE + FILE)
    with pytest.raises(PlanError) as caught:
        KeyRing.read(file)
    assert VALUE not in f"{caught.value} {caught.value.hint}"
