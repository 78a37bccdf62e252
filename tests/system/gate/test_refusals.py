"""Bad input gets one clear line and the documented exit code."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Gate = Callable[..., subprocess.CompletedProcess[str]]
NewestRun = Callable[[], Path]
ROOT = Path(__file__).parents[3]


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that says what is wrong."""
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    return errors[0]


def test_an_unknown_layer_is_wrong_use(l9gate: Gate) -> None:
    """R-07."""
    done = l9gate("run", "integraton")
    assert done.returncode == 64
    assert "unknown layer `integraton`" in refusal(done)
    assert "unit, integration, performance, contract, all" in done.stderr


@pytest.mark.parametrize("words", [("frobnicate",), ("run", "--frob"), ("override", "x")])
def test_words_that_do_not_exist_are_wrong_use(l9gate: Gate, words: tuple[str, ...]) -> None:
    """An argument parser's own 2 would mean *unproven*."""
    assert l9gate(*words).returncode == 64


def test_broken_toml_names_its_line(l9gate: Gate, project: Path) -> None:
    (project / "policy.toml").write_text('format = 1\n[[criterion]]\nname = "x\n')
    done = l9gate("run", "unit")
    assert done.returncode == 78
    assert "policy.toml" in refusal(done)
    assert "line 3" in refusal(done)


def test_an_unknown_quantity_is_named_with_what_was_meant(l9gate: Gate, project: Path) -> None:
    policy = project / "policy.toml"
    policy.write_text(policy.read_text().replace("p50(latency_s)", "p50(latncy_s)"))
    done = l9gate("run", "unit")
    assert done.returncode == 78
    assert "latncy_s" in refusal(done)
    assert "line 8" in refusal(done)
    assert "did you mean `latency_s`?" in done.stderr


def test_an_unknown_key_of_the_settings_is_named(l9gate: Gate, project: Path) -> None:
    settings = project / "l9gate.toml"
    settings.write_text(settings.read_text().replace('marker = "benchmark"', 'marks = "benchmark"'))
    done = l9gate("run", "unit")
    assert done.returncode == 78
    assert "layers.performance.marks" in refusal(done)
    assert "did you mean `marker`?" in done.stderr


def test_a_layer_without_a_folder_is_a_wrong_plan(l9gate: Gate, project: Path) -> None:
    (project / "tests/unit/test_sum.py").unlink()
    (project / "tests/unit").rmdir()
    done = l9gate("run", "unit")
    assert done.returncode == 78
    assert "layer `unit`: no such path: tests/unit" in done.stderr


def test_an_empty_layer_is_unproven(l9gate: Gate, project: Path) -> None:
    """C-11: zero executed tests establish nothing."""
    (project / "tests/unit/test_sum.py").unlink()
    done = l9gate("run", "unit")
    assert done.returncode == 2
    assert done.stdout.startswith("UNPROVEN")


def test_skipped_tests_are_never_passes(l9gate: Gate, project: Path) -> None:
    """R-08."""
    (project / "tests/unit/test_sum.py").write_text(
        "import pytest\n\ndef test_sum():\n    pytest.skip('no key')\n"
    )
    done = l9gate("run", "unit")
    assert done.returncode != 0
    assert "LAYERS KEPT" not in done.stdout


def test_tests_that_cannot_be_imported_are_no_success(l9gate: Gate, project: Path) -> None:
    (project / "tests/unit/test_more.py").write_text("import nowhere_to_be_found\n")
    assert l9gate("run", "unit").returncode in {1, 2}


def test_a_run_of_another_version_is_refused(l9gate: Gate, newest_run: NewestRun) -> None:
    l9gate("run", "unit")
    manifest = newest_run() / "manifest.json"
    fields = json.loads(manifest.read_text()) | {"format_version": 99}
    manifest.write_text(json.dumps(fields))
    done = l9gate("judge")
    assert done.returncode == 65
    assert "format version 99" in refusal(done)


@pytest.mark.parametrize("command", ["judge", "report", "watch"])
def test_a_run_that_is_not_there_is_said_so(l9gate: Gate, command: str) -> None:
    done = l9gate(command, "nowhere")
    assert done.returncode == 65
    assert "`nowhere` is no run folder" in refusal(done)


def test_a_project_without_settings_is_told_how_to_begin(l9gate: Gate, project: Path) -> None:
    (project / "l9gate.toml").unlink()
    done = l9gate("run", "unit")
    assert done.returncode == 78
    assert "l9gate init" in done.stderr
    (project / "policy.toml").unlink()
    assert l9gate("init").returncode == 0
    assert l9gate("init").returncode == 64
    assert l9gate("run", "unit").returncode == 0


def test_doctor_needs_nothing_and_shows_no_key(l9gate: Gate, project: Path) -> None:
    assert l9gate("doctor").returncode == 0
    done = l9gate("doctor", "--format", "json", ANTHROPIC_API_KEY="sk-secret-key-1")
    states = {check["what"]: check["state"] for check in json.loads(done.stdout)}
    assert states["seam"] == states["key"] == "ok"
    assert "sk-secret" not in done.stdout
    (project / "policy.toml").write_text("format = 2\n")
    assert l9gate("doctor").returncode == 69


def test_every_command_has_a_help_that_is_quick() -> None:
    from l9gate.cli.main import COMMANDS

    for name in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "l9gate", name, "--help"],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        assert done.stdout.startswith(f"Usage: l9gate {name}")
        assert len(done.stdout.splitlines()) > 5


ALERT = """
[alerts]
min_samples = 2

[[alert]]
name = "slow"
requirement = "A-01"
severity = "warning"
when = "p95(latency_s) > 1ms"
"""


def test_watch_writes_each_change_of_state(
    l9gate: Gate, project: Path, newest_run: NewestRun
) -> None:
    policy = project / "policy.toml"
    policy.write_text(policy.read_text() + ALERT)
    l9gate("run", "performance", "--rehearse")
    done = l9gate("watch", "--format", "json")
    assert done.returncode == 0
    changes = json.loads(done.stdout)
    assert [change["after"] for change in changes] == ["warning"]
    lines = (newest_run() / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == changes
    assert "slow  insufficient data → warning" in l9gate("watch").stdout


def test_explain_and_history_answer(l9gate: Gate) -> None:
    l9gate("run", "unit")
    assert "LAYERS KEPT: unit" in l9gate("history").stdout
    assert "p50(latency_s) < 5" in l9gate("explain", "latency-p50").stdout
    assert "needs    5 calls" in l9gate("explain", "latency-p50").stdout
    assert "means    key, API, credit or model" in l9gate("explain", "69").stdout
    assert l9gate("explain", "7").returncode == 64
    assert "did you mean `latency-p50`?" in l9gate("explain", "latency-p5").stderr
