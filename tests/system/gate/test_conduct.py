"""What clients do to the simulator of a rehearsal is a finding of the gate."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.evidence.records import Conduct
from l9gate.store.run import open_run

Gate = Callable[..., subprocess.CompletedProcess[str]]

ASKS = """
[[criterion]]
name = "manners"
role = "exit"
layers = ["integration"]
require = "misconduct == 0"
why = "Whoever retries what is refused makes an outage longer."
"""
RUDE = """
import pytest
from client import ask


@pytest.mark.integration
@pytest.mark.expects_error("not_found_error")
def test_nothing_is_learned_from_a_refusal():
    for _ in range(3):
        assert ask("claude-nobody").status_code == 404
"""


@pytest.mark.parametrize(("is_rude", "state", "value"), [(False, "kept", 0), (True, "broken", 2)])
def test_a_rehearsal_finds_out_who_misbehaves(
    l9gate: Gate, project: Path, newest_run: Callable[[], Path],
    *, is_rude: bool, state: str, value: int,
) -> None:  # fmt: skip
    (project / "policy.toml").write_text((project / "policy.toml").read_text() + ASKS)
    if is_rude:
        (project / "tests/integration/test_rude.py").write_text(RUDE)
    done = l9gate("run", "integration", "--rehearse", "--format", "json")
    assert done.returncode == (1 if is_rude else 0), done.stdout + done.stderr
    findings = {one["criterion"]: one for one in json.loads(done.stdout)["findings"]}
    assert (findings["manners"]["state"], findings["manners"]["observed"]) == (state, value)
    with open_run(newest_run()).read() as log:
        conducts = list(log.of(Conduct))
    assert sum(conduct.requests for conduct in conducts) >= 2
    told = [conduct.misconduct for conduct in conducts if conduct.misconduct]
    assert told == ([{"retried_refused": 2}] if is_rude else [])
