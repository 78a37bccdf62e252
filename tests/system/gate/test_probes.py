"""L4-01 to L4-07: the contract's questions as tests of somebody's contract layer."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from l9gate.evidence.records import (
    Budget,
    Conduct,
    ContractDrift,
    Exchange,
    Origin,
    TestOutcome,
    TestState,
    Witness,
)
from l9gate.store.run import open_run

Gate = Callable[..., subprocess.CompletedProcess[str]]
Newest = Callable[[], Path]
PROBES = """
import pytest


@pytest.mark.contract
def test_the_endpoint_keeps_its_contract(l9gate_probe):
    l9gate_probe.check()
"""
# The rehearsal's simulator is told once to answer otherwise; no request asks for it.
DRIFTS = """
import os
import urllib.request


def pytest_runtest_setup(item):
    url = os.environ["ANTHROPIC_BASE_URL"] + "/_l9gate/fault"
    urllib.request.urlopen(url, data=b"remove-field=usage.output_tokens").close()
"""
WAIVER = """
[[waiver]]
code = "shape.missing"
path = "/usage/output_tokens"
reason = "the gateway drops it"
owner = "Ada"
expires = 2999-01-01
"""


BASELINE = '{"format": 1, "reliance": {"headers": ["x-quota"]}, "documents": {}, "probes": {}}'


@pytest.fixture
def probed(project: Path) -> Path:
    """The project, with nothing but probes in its contract layer."""
    (project / "tests/contract/test_contract.py").unlink()
    (project / "tests/contract/test_probes.py").write_text(PROBES)
    return project


def _name(node_id: str) -> str:
    return node_id.partition("[")[2].removesuffix("]")


def test_each_question_is_a_test_that_proves_itself(
    l9gate: Gate, probed: Path, newest_run: Newest
) -> None:
    done = l9gate("run", "contract", "--rehearse")
    assert done.returncode == 0, done.stdout
    with open_run(newest_run()).read() as log:
        assert not list(log.of(Conduct))  # what is refused is asked for on purpose
        tests = {one.node_id: one for one in log.of(TestOutcome)}
        sent = [one for one in log.of(Exchange) if one.witness is Witness.PROBE]
        paid = list(log.of(Budget))[-1]
    assert {_name(one) for one in tests} > {"message", "tools.stream", "error.no_key", "together"}
    assert {one.owner for one in sent} == set(tests)  # each asked itself, and nobody else asked
    assert all(one.was_answered for one in sent)
    assert sum(layer.calls for layer in paid.layers) > 20


def _only(project: Path, names: str) -> None:
    """Let the contract layer be a part of the questions, as `pytest -k` writes it."""
    settings = project / "l9gate.toml"
    marker = 'marker = "contract"'
    settings.write_text(
        settings.read_text().replace(marker, f'{marker}\narguments = ["-k", "{names}"]')
    )


def test_what_breaks_the_contract_fails_with_code_place_and_what_to_do(
    l9gate: Gate, probed: Path, newest_run: Newest
) -> None:
    _only(probed, "[message] or no_key or together")
    (probed / "tests/contract/conftest.py").write_text(DRIFTS)
    done = l9gate("run", "contract", "--rehearse")
    assert done.returncode == 1
    for line in (
        "message: rehearsal: 1 breaking, 0 warning in 1 probe",
        "breaking   shape.missing  /usage/output_tokens",
        "           expected integer, found nothing",
        "next       l9gate explain shape.missing",
    ):
        assert line in done.stderr, line
    with open_run(newest_run()).read() as log:
        states = {_name(one.node_id): one.state for one in log.of(TestOutcome)}
        (drift, *_) = log.of(ContractDrift)
    assert states == {
        "message": TestState.FAILED,
        "error.no_key": TestState.PASSED,
        "together": TestState.PASSED,  # it is about what answers say of each other
    }
    assert (drift.code, drift.impact) == ("shape.missing", "breaking")


def test_a_waiver_and_an_accepted_baseline_count(l9gate: Gate, probed: Path) -> None:
    _only(probed, "[message] or no_key")
    (probed / "tests/contract/conftest.py").write_text(DRIFTS)
    (probed / "l9gate-contract-waivers.toml").write_text(WAIVER)
    waived = l9gate("run", "contract", "--rehearse")
    assert "2 passed" in waived.stderr, waived.stderr
    (probed / "l9gate-contract.json").write_text(BASELINE)
    done = l9gate("run", "contract", "--rehearse")
    assert "1 failed, 1 passed" in done.stderr
    assert "header.missing  header x-quota" in done.stderr


def test_a_test_that_never_asks_proves_nothing(
    l9gate: Gate, probed: Path, newest_run: Newest
) -> None:
    _only(probed, "[message]")
    (probed / "tests/contract/test_probes.py").write_text(PROBES.replace(".check()", ".name"))
    done = l9gate("run", "contract", "--rehearse", "--format", "json")
    assert done.returncode == 1
    assert "vacuous: it made no call" in done.stdout


def test_a_question_through_the_proxy_in_a_worker_of_xdist_is_recorded_once(
    l9gate: Gate, probed: Path, newest_run: Newest
) -> None:
    _only(probed, "[message] or [tools.stream]")
    settings = probed / "l9gate.toml"
    settings.write_text(settings.read_text().replace('["-k",', '["-n", "2", "-k",'))
    done = l9gate("run", "contract", "--rehearse", "--proxy")
    with open_run(newest_run()).read() as log:
        sent = list(log.of(Exchange))
    assert "2 passed" in done.stderr, done.stderr
    assert [(one.witness, one.origin) for one in sent] == [(Witness.PROBE, Origin.SIMULATED)] * 2


def test_a_question_that_the_budget_does_not_allow_is_not_sent(
    l9gate: Gate, probed: Path, scripted_api: ThreadingHTTPServer
) -> None:
    url = f"http://127.0.0.1:{scripted_api.server_port}"
    environ = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-ant-any"}
    _only(probed, "[message]")
    done = l9gate("run", "contract", "--budget", "0.0001", **environ)
    assert done.returncode == 75, done.stdout + done.stderr


def test_questions_of_no_layer_are_not_sent(l9gate: Gate, probed: Path) -> None:
    (probed / "tests/other").mkdir()
    (probed / "tests/contract/test_probes.py").rename(probed / "tests/other/test_probes.py")
    words = [sys.executable, "-m", "pytest", "-q", "-k", "[message]", "tests/other"]
    environ = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1", "ANTHROPIC_API_KEY": "k"}
    done = subprocess.run(
        words, cwd=probed, env=os.environ | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout
    assert "claims this test, so nothing was sent" in done.stdout


def test_no_question_survives_an_endpoint_that_cannot_answer(l9gate: Gate, probed: Path) -> None:
    """Who asks to be refused for its key is refused for its key, and says so."""
    done = l9gate("control", "--format", "json")
    told = json.loads(done.stdout)
    survivors = [one["node_id"] for one in told["survivors"]]
    assert not [name for name in survivors if "test_probes" in name]
    (declared,) = told["notes"] or [done.stdout]
    assert declared.startswith("passed as they declare: ")
    assert {_name(name) for name in declared.split(", ")} == {"error.wrong_key", "error.no_key"}
