"""B-04, L4-03: an answer that breaks the contract decides a run, though every test passes."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.evidence.records import ContractDrift, Exchange, Held, Layer
from l9gate.store.run import open_run

Gate = Callable[..., subprocess.CompletedProcess[str]]
Newest = Callable[[], Path]

ASKS = """
[[criterion]]
name = "contract-drift"
role = "blocker"
layers = ["contract"]
require = "contract_drifts == 0"
why = "One broken promise is enough."
"""
# The rehearsal's own simulator is told to answer otherwise; no request asks for it.
DRIFTS = """
import os
import httpx2
import pytest
from client import ask


@pytest.mark.contract
def test_it_answers_although_something_is_missing():
    tell("remove-field=usage.output_tokens")
    try:
        assert [ask().status_code for _ in range(3)] == [200] * 3
    finally:
        tell("")


def tell(fault):
    url = os.environ["ANTHROPIC_BASE_URL"] + "/_l9gate/fault"
    httpx2.post(url, content=fault).raise_for_status()
"""
ASKED = """
import os
import httpx2
import pytest
from client import ask


@pytest.mark.contract
def test_a_drift_that_was_asked_for():
    real = httpx2.post

    def post(url, headers, **words):
        fault = {"x-l9gate-fault": "remove-field=usage.output_tokens"}
        return real(url, headers=headers | fault, **words)

    httpx2.post = post
    try:
        assert "output_tokens" not in ask().json()["usage"]
    finally:
        httpx2.post = real
"""


@pytest.fixture
def drift_of(
    l9gate: Gate, project: Path, newest_run: Newest
) -> Callable[[str | None], tuple[int, dict[str, object], list[ContractDrift], list[Held]]]:
    """Run the contract layer with one more file; return status, finding, drifts and looks."""

    def run(
        text: str | None,
    ) -> tuple[int, dict[str, object], list[ContractDrift], list[Held]]:
        (project / "policy.toml").write_text((project / "policy.toml").read_text() + ASKS)
        if text is not None:
            (project / "tests/contract/test_more.py").write_text(text)
        done = l9gate("run", "contract", "--rehearse", "--format", "json")
        findings = {one["criterion"]: one for one in json.loads(done.stdout)["findings"]}
        with open_run(newest_run()).read() as log:
            looks = [one.held for one in log.of(Exchange) if one.layer is Layer.CONTRACT]
            return done.returncode, findings["contract-drift"], list(log.of(ContractDrift)), looks

    return run


Drift = Callable[[str | None], tuple[int, dict[str, object], list[ContractDrift], list[Held]]]


def test_a_simulator_that_drifts_is_named_by_the_verdict(drift_of: Drift) -> None:
    status, finding, drifts, looks = drift_of(DRIFTS)
    assert (status, finding["state"], finding["observed"]) == (1, "broken", 1)
    assert "shape.missing /usage/output_tokens" in str(finding["reason"])
    assert sum(drift.count for drift in drifts) == 3
    assert looks.count(Held.DRIFTED) == 3
    assert looks.count(Held.KEPT) == 2


def test_an_honest_simulator_is_not_accused(drift_of: Drift) -> None:
    status, finding, drifts, looks = drift_of(None)
    assert (status, finding["state"], finding["n"]) == (0, "kept", 2)
    assert (drifts, looks) == ([], [Held.KEPT] * 2)


def test_a_test_may_ask_for_a_drift(drift_of: Drift) -> None:
    status, finding, drifts, looks = drift_of(ASKED)
    assert (status, finding["state"], finding["n"]) == (0, "kept", 2)
    assert "left out: 1" in str(finding["reason"])
    assert (drifts, looks.count(Held.ON_PURPOSE)) == ([], 1)


def test_a_waiver_takes_the_blame_and_is_named(project: Path, drift_of: Drift) -> None:
    (project / "l9gate-contract-waivers.toml").write_text(
        '[[waiver]]\ncode = "shape.missing"\npath = "/usage/output_tokens"\n'
        'reason = "the gateway drops it"\nowner = "Ada"\nexpires = 2999-01-01\n'
    )
    status, finding, _, looks = drift_of(DRIFTS)
    assert (status, finding["state"], looks.count(Held.DRIFTED)) == (0, "kept", 3)
    assert "waived: shape.missing /usage/output_tokens" in str(finding["reason"])


def test_a_waiver_that_has_expired_leaves_the_run_unproven(project: Path, drift_of: Drift) -> None:
    (project / "l9gate-contract-waivers.toml").write_text(
        '[[waiver]]\ncode = "id.form"\nreason = "the gateway"\nowner = "Ada"\n'
        "expires = 2026-01-01\n"
    )
    status, finding, drifts, _ = drift_of(None)
    assert (status, finding["state"], drifts) == (2, "unproven", [])
    assert "the waiver of Ada for id.form expired on 2026-01-01" in str(finding["reason"])


BASELINE = '{"format": 1, "reliance": {"headers": ["x-quota"]}, "documents": {}, "probes": {}}'
CHILD = """
import subprocess
import sys
import pytest


@pytest.mark.contract
def test_a_program_of_its_own_asks():
    subprocess.run([sys.executable, "-c", "import client; client.ask()"], check=True)
"""


def test_an_accepted_baseline_counts_in_children_too(project: Path, drift_of: Drift) -> None:
    (project / "l9gate-contract.json").write_text(BASELINE)
    status, finding, drifts, looks = drift_of(CHILD)
    assert (status, finding["state"], finding["reason"]) == (
        1, "broken", "header.missing header x-quota",
    )  # fmt: skip
    assert looks == [Held.DRIFTED] * 3
    assert any("test_more" in str(drift.owner) for drift in drifts)


def test_a_baseline_that_cannot_be_read_ends_the_run(l9gate: Gate, project: Path) -> None:
    (project / "l9gate-contract.json").write_text("{}")
    done = l9gate("run", "contract", "--rehearse")
    assert done.returncode != 0
    assert "l9gate-contract.json: no baseline" in done.stdout + done.stderr
