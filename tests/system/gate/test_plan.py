"""`l9gate plan`: what a run would take, without a socket."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

Gate = Callable[..., subprocess.CompletedProcess[str]]
KEY = "sk-planted-key-0123456789"
# A process in which whoever asks for a socket ends it.
SOCKETLESS = """
import os, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        os.write(2, f"opened: {event}".encode())
        os._exit(99)

sys.addaudithook(refuse)
from l9gate.cli.main import main
sys.argv[0] = "l9gate"
main()
"""


@pytest.fixture
def socketless(project: Path, clean_environ: Mapping[str, str]) -> Gate:
    def call(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", SOCKETLESS, *words],
            cwd=project,
            env={**clean_environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def endpoint(scripted_api: ThreadingHTTPServer) -> dict[str, str]:
    port = scripted_api.server_address[1]
    return {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"}


def prospects(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    found = json.loads(done.stdout)["prospects"]
    return {one["outlook"]["criterion"]: {**one.pop("outlook"), **one} for one in found}


def test_a_plan_opens_no_socket_and_writes_nothing(
    socketless: Gate, project: Path, endpoint: dict[str, str]
) -> None:
    done = socketless("plan", **endpoint)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was sent" in done.stdout
    assert not (project / ".l9gate").exists()
    # The trap works: a command that does ask the endpoint is caught.
    caught = socketless("doctor", "--live", **endpoint)
    assert (caught.returncode, caught.stderr[:15]) == (99, "opened: socket.")


def test_without_an_earlier_run_a_plan_says_what_it_does_not_know(l9gate: Gate) -> None:
    done = l9gate("plan")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "minutes and dollars are not known for every layer" in done.stdout
    assert "no earlier run has these layers" in done.stdout
    assert "budget: $5.00 for this run" in done.stdout


def test_a_plan_learns_from_the_last_run(l9gate: Gate, endpoint: dict[str, str]) -> None:
    assert l9gate("run", "all", **endpoint).returncode == 0
    done = l9gate("plan", "--format", "json")
    forecast = json.loads(done.stdout)
    layers = {one["layer"]: one for one in forecast["layers"]}
    assert [one["calls"] for one in layers.values()] == [0, 2, 8, 2]
    # 11 input and 7 output tokens of Haiku 5.5 each
    cost_usd = (11 * 0.1 + 7 * 0.5) / 1e6
    assert layers["performance"]["usd"] == pytest.approx(8 * cost_usd)
    assert forecast["usd"] == pytest.approx(12 * cost_usd)
    latency = prospects(done)["latency-p50"]
    assert (latency["needs"], latency["expected"], latency["chance"]) == (5, 8, 1.0)
    assert latency["decidable"] is True
    assert float(str(latency["cautious_chance"])) < 1


def test_a_plan_says_what_a_smaller_budget_leaves_undecided(
    l9gate: Gate, endpoint: dict[str, str]
) -> None:
    assert l9gate("run", "all", **endpoint).returncode == 0
    done = l9gate("plan", "--budget", "0.00002", "--format", "json")
    found = prospects(done)["latency-p50"]
    assert found["decidable"] is False
    assert found["why"] == "the budget ends before the layer performance does"


def test_a_rehearsal_tells_how_many_calls_there_are(l9gate: Gate) -> None:
    assert l9gate("run", "all", "--rehearse").returncode == 0
    done = l9gate("plan", "performance", "--format", "json")
    found = prospects(done)["latency-p50"]
    assert (found["expected"], found["chance"]) == (8, None)
    shown = l9gate("plan", "performance").stdout
    assert "only a rehearsal was run, which says nothing about the API" in shown


def test_a_plan_of_a_model_without_a_price_shows_the_lines_to_add(
    l9gate: Gate, project: Path
) -> None:
    settings = project / "l9gate.toml"
    settings.write_text('model = "claude-mythos-5"\n' + settings.read_text())
    done = l9gate("plan")
    assert done.returncode == 0
    assert '[tool.l9gate.prices."claude-mythos-5"]' in done.stdout


@pytest.fixture
def load_policy(project: Path) -> None:
    (project / "load.toml").write_text(
        """
format = 1
[[criterion]]
name = "p99"
role = "exit"
sources = ["load"]
require = "p99(load.latency_s) < 3s"
why = "w"

[[criterion]]
name = "leak"
role = "exit"
sources = ["soak"]
require = "soak.memory_leaks == 0"
min_window_s = 120
why = "w"
"""
    )


@pytest.mark.usefixtures("load_policy")
def test_a_plan_of_a_load_says_what_it_sends_costs_and_can_decide(l9gate: Gate) -> None:
    words = ("plan", "--rate", "constant 5/s", "--duration", "60s", "--format", "json")
    found = json.loads(l9gate(*words, "--policy", "load.toml").stdout)
    assert (found["calls"], found["minutes"], found["stopping"]) == (300, 1.0, "fixed")
    (p99,) = found["prospects"]
    assert (p99["needs"], p99["allowed"]) == (299, 0)
    assert p99["usd"] == pytest.approx(found["usd"] * 299 / 300)
    shown = l9gate(*words[:5], "--policy", "load.toml", "--stopping", "anytime").stdout
    assert "300 calls of claude-haiku-5-5 in 1.0 min" in shown
    assert "too few calls" in shown
    assert "is too short: trends need 2 min" in shown
    soak = l9gate("plan", "soak", "--duration", "2min", "--policy", "load.toml").stdout
    assert "is long enough: trends need 2 min" in soak


def test_a_load_of_a_number_that_nobody_knows_is_not_planned(l9gate: Gate) -> None:
    done = l9gate("plan", "--rate", "closed 8")
    assert done.returncode == 64
    assert "not known beforehand" in done.stderr
