"""`l9gate load` by several: processes of this machine, pods that are judged together, Ray."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from l9gate.criteria.shortfall import calls_of_shards
from l9gate.evidence.records import Budget
from l9gate.store.run import open_run

SETTINGS = """
package = "shop"
model = "claude-haiku-5-5"
policy = "policy.toml"
[layers.unit]
paths = ["tests"]
"""
POLICY = """
format = 1

[[criterion]]
name = "errors"
role = "exit"
sources = ["load"]
require = "rate(load.error) <= 20%"
why = "Answers are what is asked for."
"""
LOAD = ("load", "--rehearse", "--rate", "poisson 20/s", "--duration", "2s", "--seed", "5")
Gate = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "l9gate.toml").write_text(SETTINGS)
    (tmp_path / "policy.toml").write_text(POLICY)
    return tmp_path


@pytest.fixture
def gate(project: Path) -> Gate:
    hidden = ("ANTHROPIC_", "L9GATE_", "STAGING_", "PROD_", "PYTEST_", "COV_", "RAY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}

    def start(*words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "l9gate", *words],
            cwd=project,
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def runs(project: Path) -> list[Path]:
    folder = project / ".l9gate" / "runs"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_load_of_two_workers_is_whole(gate: Gate, project: Path) -> None:
    out, err = gate(*LOAD, "--workers", "2").communicate(timeout=60)
    assert "kept      complete" in out, err
    assert "2 workers" in out
    assert len(runs(project)) == 1


def test_a_load_that_lost_a_worker_is_unproven_and_says_whom(
    gate: Gate, project: Path, workers_of: Callable[[int], list[int]]
) -> None:
    """What the others measured is shown, and is not the whole."""
    ended = gate(*LOAD[:4], "--duration", "8s", "--workers", "2")
    assert ended.stderr is not None
    while "answered" not in ended.stderr.readline():
        assert ended.poll() is None
    os.kill(workers_of(ended.pid)[0], signal.SIGKILL)
    out, _ = ended.communicate(timeout=60)
    assert ended.returncode == 2
    assert out.startswith("REHEARSAL UNPROVEN")
    assert "of 2 was lost (signal 9) after" in " ".join(out.split())
    assert "planned calls were never sent (load shard" in " ".join(out.split())


def test_a_load_of_two_workers_ends_as_soon_as_all_is_decided(gate: Gate, project: Path) -> None:
    """What the processes count decides here: hundreds of answers without an error are enough."""
    words = ("load", "--rehearse", "--load-factor", "0", "--rate", "constant 150/s")
    began_s = time.monotonic()
    ended = gate(*words, "--duration", "60s", "--workers", "2", "--stopping", "anytime")
    out, err = ended.communicate(timeout=60)
    assert "stopped early" in err
    assert time.monotonic() - began_s < 40
    assert "kept      complete" in out


def test_workers_spend_from_one_budget_and_never_more(gate: Gate, project: Path) -> None:
    words = ("load", "--rehearse", "--load-factor", "0", "--rate", "constant 100/s")
    ended = gate(*words, "--duration", "3s", "--workers", "2", "--budget", "0.001")
    out, _ = ended.communicate(timeout=60)
    assert ended.returncode == 2
    assert "budget of this run used up" in " ".join(out.split())
    (run,) = runs(project)
    with open_run(run).read() as log:
        spent_usd = [sum(one.spent_usd for one in part.layers) for part in log.of(Budget)]
        sent = {shard: count for (_, shard), count in calls_of_shards(log).items()}
    assert 0 < spent_usd[-1] <= 0.001
    assert min(sent[0], sent[1]) > 0


def test_shares_of_one_schedule_are_judged_together(gate: Gate, project: Path) -> None:
    """Two pods; each alone is a part, and the whole is whole only with both."""
    starts_at = datetime.fromtimestamp(time.time() + 6, UTC).isoformat()
    shares = [gate(*LOAD, "--share", f"{i}/2", "--starts-at", starts_at) for i in range(2)]
    for share in shares:
        out, _ = share.communicate(timeout=60)
        assert share.returncode == 2
        assert "1 of 2 shards never began" in out
    paths = [str(path) for path in runs(project)]
    assert len(paths) == 2
    out, err = gate("judge", *paths).communicate(timeout=60)
    assert "kept      complete" in out, err
    assert "never began" not in out


def test_a_manifest_is_printed_and_nothing_is_sent(gate: Gate, project: Path) -> None:
    words = ("load", "--engine", "kubernetes", "--workers", "3", "--rate", "poisson 9/s")
    ended = gate(*words, "--image", "shop:1", "--budget", "3")
    out, err = ended.communicate(timeout=60)
    assert (ended.returncode, err) == (0, "")
    assert out.startswith('apiVersion: "batch/v1"\nkind: "Job"\n')
    assert '            - "1.000000"\n            - "--share"\n            - "$(SHARD)/3"\n' in out
    assert runs(project) == []


def test_without_ray_its_engine_is_a_missing_dependency(gate: Gate, project: Path) -> None:
    ended = gate(*LOAD, "--engine", "ray", "--workers", "2")
    _, err = ended.communicate(timeout=60)
    assert ended.returncode == 69
    assert "`--engine ray` needs Ray" in err
