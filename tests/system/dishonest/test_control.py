"""Suites that pass on a healthy API and prove nothing of it: a control run names each of them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SUITES = Path(__file__).parent / "suites"
TRICKS = sorted(SUITES.glob("control/*.py"))
Make = Callable[..., Path]
Gate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def accused(make_project: Make, gate_in: Gate) -> list[str]:
    """What one control run of all of them says, an entry for each test."""
    done = gate_in(make_project("control"), "control")
    assert done.returncode == 1, done.stdout + done.stderr
    first, _, rest = done.stdout.partition("\n")
    assert (
        first == f"{len(TRICKS)} of {len(TRICKS)} tests of integration pass against a dead endpoint"
    )
    return rest.split("\npasses")


@pytest.mark.parametrize("suite", TRICKS, ids=lambda path: path.stem)
def test_a_test_that_survives_a_dead_api_is_named(suite: Path, accused: list[str]) -> None:
    """Design §2.5."""
    (finding,) = (
        line.removeprefix("finding: ")
        for line in suite.read_text(encoding="utf-8").splitlines()
        if line.startswith("finding: ")
    )
    (said,) = (entry for entry in accused if f"/test_{suite.name}:" in entry)
    assert "[dead" in said
    assert finding in " ".join(said.split())


def test_no_honest_suite_survives(make_project: Make, gate_in: Gate) -> None:
    done = gate_in(make_project("honest"), "control")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail against dead, refusing and garbage endpoints" in done.stdout.splitlines()[0]
    assert "test_the_model_is_pinned" in done.stdout  # exempt by name
