"""A line about a soak says what is broken by name, and counts the rest."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from l9gate.criteria.criterion import Finding, Role, State
from l9gate.gate.blame import _below
from l9gate.gate.soak_progress import describe_standing


@pytest.fixture
def found() -> Callable[..., Finding]:
    def build(name: str, state: State, observed: float = 0, unit: str = "") -> Finding:
        return Finding(
            criterion=name, requirements=(), role=Role.EXIT, state=state, condition="c",
            observed=observed, limit=0, unit=unit, n=9, basis="readings",
        )  # fmt: skip

    return build


def test_standing_names_what_is_broken_and_counts_the_rest(found: Callable[..., Finding]) -> None:
    growth = found("soak-memory-growth", State.UNPROVEN, 3.1e6, "bytes")
    findings = (growth, found("soak-descriptor-leak", State.BROKEN), found("x", State.KEPT))
    told = "broken so far: soak-descriptor-leak, unproven so far: 1, kept so far: 1"
    assert describe_standing(findings) == f"memory 3.1 MB more, {told}"
    unknown = msgspec.structs.replace(growth, observed=None)
    assert describe_standing((unknown,)) == "unproven so far: 1"
    assert describe_standing(()) == ""


@pytest.mark.parametrize(
    ("site", "told"),
    [
        ("{root}/shop/cart.py:7", "shop/cart.py:7"),
        ("/x/lib/python3.11/site-packages/httpx2/_client.py:9", "httpx2/_client.py:9"),
        ("/x/lib/python3.11/ssl.py:1", "python3.11/ssl.py:1"),
        ("<string>:3", "<string>:3"),
    ],
)
def test_a_site_does_not_say_where_the_project_lies(site: str, told: str, tmp_path: Path) -> None:
    assert _below(site.format(root=tmp_path), tmp_path) == told
