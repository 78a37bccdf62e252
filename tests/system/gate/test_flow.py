"""`l9gate run` and `l9gate judge` end to end, in a project that is not ours."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, Protocol

import jsonschema
import pytest

Gate = Callable[..., subprocess.CompletedProcess[str]]
NewestRun = Callable[[], Path]
Absent = Callable[[str], NoReturn]


class ProcessTable(Protocol):
    def descendants_of(self, pid: int) -> set[int]: ...
    def is_running(self, pid: int) -> bool: ...


KEY = "sk-planted-key-0123456789"


def can_run(words: list[str]) -> bool:
    if shutil.which(words[0]) is None:
        return False
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_a_rehearsal_of_everything_ends_rehearsed_and_never_says_the_word(
    l9gate: Gate, newest_run: NewestRun
) -> None:
    """Design 2.1: a rehearsal is never a release."""
    done = l9gate("run", "all", "--rehearse")
    assert done.returncode == 0, done.stdout + done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith("REHEARSED on the simulator")
    assert len(first) <= 100
    run = newest_run()
    shown = done.stdout + done.stderr + (run / "report.txt").read_text()
    assert re.search(r"\bready\b", shown, re.IGNORECASE) is None
    assert "latency-p50" in done.stdout
    assert "8 calls" in done.stdout
    assert {"report.txt", "report.json", "junit.xml"} <= {path.name for path in run.iterdir()}


def test_judging_twice_gives_the_same_bytes_without_a_network(
    l9gate: Gate, newest_run: NewestRun, project: Path, clean_environ: Mapping[str, str],
    absent: Absent,
) -> None:  # fmt: skip
    """Design 2.7."""
    isolated = ["unshare", "-rn"]
    if not can_run([*isolated, "true"]):
        absent("a network namespace")
    l9gate("run", "all", "--rehearse")
    before = sorted(path.name for path in newest_run().iterdir())
    words = [sys.executable, "-m", "l9gate", "judge", "--format", "json"]
    one, two = (
        subprocess.run(
            command, cwd=project, env=dict(clean_environ), capture_output=True, check=False
        )
        for command in (words, [*isolated, *words])
    )
    assert one.returncode == two.returncode == 0
    assert one.stdout == two.stdout
    assert sorted(path.name for path in newest_run().iterdir()) == before
    schema = json.loads(Path("src/l9gate/report/document.schema.json").read_text())
    jsonschema.validate(json.loads(one.stdout), schema)


def test_some_layers_can_be_kept_but_never_ready(l9gate: Gate) -> None:
    """R-02: `run unit` needs neither key nor network."""
    done = l9gate("run", "unit")
    assert done.returncode == 0
    assert done.stdout.startswith("LAYERS KEPT: unit")


@pytest.mark.parametrize("variables", [{}, {"ANTHROPIC_API_KEY": ""}, {"ANTHROPIC_API_KEY": "  "}])
@pytest.mark.parametrize("layer", ["integration", "performance", "contract", "all"])
def test_without_a_key_nothing_is_tested(
    l9gate: Gate, project: Path, layer: str, variables: dict[str, str]
) -> None:
    """P-04, R-03 to R-06, R-09."""
    started_s = time.monotonic()
    done = l9gate("run", layer, **variables)
    assert time.monotonic() - started_s < 3
    assert done.returncode == 69
    assert done.stdout == ""
    assert done.stderr.count("error:") == 1
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert "nothing was tested" in done.stderr
    assert not (project / ".l9gate").exists()


@pytest.mark.parametrize(
    ("environment", "variable"), [("staging", "STAGING_API_KEY"), ("production", "PROD_API_KEY")]
)
def test_every_environment_names_its_own_key(l9gate: Gate, environment: str, variable: str) -> None:
    """V-02, V-03."""
    done = l9gate("run", "integration", L9GATE_ENV=environment)
    assert done.returncode == 69
    assert variable in done.stderr
    assert "ANTHROPIC_API_KEY" in done.stderr


def test_a_refused_key_and_a_dead_endpoint_stop_the_run_before_the_first_test(
    l9gate: Gate, project: Path
) -> None:
    from l9gate.simulator.server import SimulatorThread

    with SimulatorThread() as simulator:
        refused = l9gate(
            "run", "all", ANTHROPIC_API_KEY="sk-invalid-key", ANTHROPIC_BASE_URL=simulator.base_url
        )
    dead = l9gate("run", "all", ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=simulator.base_url)
    assert (refused.returncode, dead.returncode) == (69, 69)
    assert "refused the key of ANTHROPIC_API_KEY with 401 (authentication_error)" in refused.stderr
    assert "did not answer: " in dead.stderr
    assert "nothing was tested" in refused.stderr
    assert "nothing was tested" in dead.stderr
    assert KEY not in dead.stderr
    assert not (project / ".l9gate").exists()


def test_a_run_against_the_simulator_that_is_no_rehearsal_proves_nothing(l9gate: Gate) -> None:
    """Design 2.1: only `live` counts."""
    from l9gate.simulator.server import SimulatorThread

    with SimulatorThread() as simulator:
        done = l9gate(
            "run", "integration", ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=simulator.base_url
        )
    assert done.returncode == 1
    assert done.stdout.startswith("NOT READY")
    assert "Passed in pytest, counted as failed" in done.stdout


def test_no_key_and_no_prompt_is_kept_anywhere(
    l9gate: Gate, newest_run: NewestRun, project: Path
) -> None:
    """Design 2.9."""
    failing = project / "tests/integration/test_integration.py"
    failing.write_text(failing.read_text().replace("== 200", "== 201, ask().text"))
    done = l9gate("run", "all", "--rehearse", ANTHROPIC_API_KEY=KEY, STAGING_API_KEY=KEY)
    assert done.returncode == 1
    for path in newest_run().iterdir():
        data = path.read_bytes()
        assert KEY.encode() not in data, path.name
        assert b"planted-prompt" not in data, path.name
        assert b"means nothing" not in data, path.name  # the simulator's answer
    assert KEY not in done.stdout + done.stderr


def wait_for(condition: Callable[[], bool], limit_s: float = 30) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.05)


def count_exchanges(runs: Path) -> int:
    for database in runs.glob("*/evidence.db"):
        try:
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
                query = "SELECT count(*) FROM record WHERE kind = 'exchange'"
                return int(connection.execute(query).fetchone()[0])
        except sqlite3.Error:
            continue
    return 0


def start_long_rehearsal(project: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    tests = project / "tests/performance/test_performance.py"
    tests.write_text(tests.read_text().replace("range(8)", "range(200)"))
    return subprocess.Popen(
        [sys.executable, "-m", "l9gate", "run", "all", "--rehearse"],
        cwd=project,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_a_killed_run_is_unproven_and_keeps_what_it_acknowledged(
    project: Path, clean_environ: Mapping[str, str], l9gate: Gate, newest_run: NewestRun
) -> None:
    runs = project / ".l9gate" / "runs"
    with start_long_rehearsal(project, clean_environ) as process:
        wait_for(lambda: count_exchanges(runs) >= 8)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    acknowledged = count_exchanges(runs)
    done = l9gate("judge")
    assert done.returncode == 2
    assert done.stdout.startswith("REHEARSAL UNPROVEN")
    assert "has no end: it was killed or never started" in done.stdout
    document = json.loads(l9gate("judge", "--format", "json").stdout)
    assert sum(entry["exchanges"] for entry in document["provenance"]) >= acknowledged >= 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_its_children_and_is_kept(
    project: Path,
    clean_environ: Mapping[str, str],
    l9gate: Gate,
    processes: ProcessTable,
    number: signal.Signals,
) -> None:
    runs = project / ".l9gate" / "runs"
    with start_long_rehearsal(project, clean_environ) as process:
        wait_for(lambda: count_exchanges(runs) >= 6)
        children = processes.descendants_of(process.pid)
        assert len(children) >= 2  # a simulator and a pytest
        process.send_signal(number)
        assert process.wait(20) == 130
        assert process.stdout is not None
        assert process.stdout.read() == b""
    wait_for(lambda: not any(map(processes.is_running, children)))
    judged = l9gate("judge")
    assert judged.returncode == 2
    assert "stopped" in judged.stdout


def test_runs_of_one_thing_are_pooled_if_the_looks_were_declared(
    l9gate: Gate, project: Path
) -> None:
    """Design 4."""
    policy = project / "policy.toml"
    policy.write_text(
        policy.read_text().replace("format = 1", "format = 1\n[statistics]\nlooks = 2")
    )
    l9gate("run", "performance", "--rehearse")
    l9gate("run", "performance", "--rehearse")
    names = [path.name for path in (project / ".l9gate" / "runs").iterdir()]
    pooled = l9gate("judge", *names)
    assert pooled.returncode == 0, pooled.stdout + pooled.stderr
    assert "16 calls" in pooled.stdout
    third = l9gate("run", "performance", "--rehearse")
    assert third.returncode == 0
    all_names = [path.name for path in (project / ".l9gate" / "runs").iterdir()]
    refused = l9gate("judge", *all_names)
    assert refused.returncode == 78
    assert "looks = 2" in refused.stderr


def test_packages_are_rolled_up_worst_first(l9gate: Gate, project: Path) -> None:
    settings = project / "l9gate.toml"
    good = settings.read_text()
    l9gate("run", "unit")
    settings.write_text(good.replace('"shop"', '"till"'))
    (project / "tests/unit/test_sum.py").write_text("def test_sum():\n    assert 1 + 1 == 3\n")
    l9gate("run", "unit")
    names = [path.name for path in (project / ".l9gate" / "runs").iterdir()]
    done = l9gate("judge", *names)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "2 packages, worst first: till decides"
    assert lines[1].split()[0] == "till"
    assert lines[2].split()[0] == "shop"
    assert len(json.loads(l9gate("judge", *names, "--format", "json").stdout)) == 2


def test_an_override_stands_beside_the_verdict_and_never_changes_it(
    l9gate: Gate, project: Path, newest_run: NewestRun
) -> None:
    (project / "tests/unit/test_sum.py").write_text("def test_sum():\n    assert 1 + 1 == 3\n")
    l9gate("run", "unit")
    name = newest_run().name
    words = ("--reason", "hotfix", "--owner", "ada", "--expires")
    assert l9gate("override", name, *words, "2999-01-01").returncode == 0
    assert l9gate("override", name, *words, "2001-01-01").returncode == 64
    done = l9gate("judge", name)
    assert done.returncode == 1
    assert "hotfix" in done.stdout
    assert "ada" in done.stdout


def test_a_sealed_run_that_was_edited_is_no_evidence(l9gate: Gate, newest_run: NewestRun) -> None:
    l9gate("run", "unit")
    manifest = newest_run() / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"environment": "d', '"environment": "D'))
    done = l9gate("judge")
    assert done.returncode == 65
    assert "does not hold what was written into it" in done.stderr


def test_a_full_disk_says_so_in_one_line(l9gate: Gate, project: Path, absent: Absent) -> None:
    runs = project / ".l9gate"
    runs.mkdir()
    if not can_run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(runs)]):
        absent("mounting")
    try:
        done = l9gate("run", "unit")
    finally:
        subprocess.run(["umount", str(runs)], check=True)
    assert done.returncode == 74
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_read_only_folder_is_judged_and_refuses_a_new_run(
    l9gate: Gate, project: Path, newest_run: NewestRun, absent: Absent
) -> None:
    l9gate("run", "unit")
    runs = str(project / ".l9gate")
    if not can_run(["mount", "--bind", "-o", "ro", runs, runs]):
        absent("mounting")
    try:
        judged, refused = l9gate("judge"), l9gate("run", "unit")
    finally:
        subprocess.run(["umount", runs], check=True)
    assert judged.returncode == 0
    assert refused.returncode == 74
    assert "read-only" in refused.stderr.lower()
