"""`l9gate load` from the command line to the verdict, on the simulator."""

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from l9gate.evidence.load import Arm, Entry, LoadBlock, LoadPlan
from l9gate.evidence.records import EndReason, Exchange, SourceEnd
from l9gate.simulator.server import SimulatorConfig, SimulatorThread
from l9gate.store.run import open_run

Gate = Callable[..., subprocess.CompletedProcess[str]]
Newest = Callable[[], Path]
# Slow enough an API that a machine in a hurry is not told to be the limit.
FAST = ("load", "--rehearse", "--load-factor", "3", "--rate", "constant 20/s")

POLICY = """
format = 1

[[criterion]]
name = "median"
role = "exit"
sources = ["load"]
require = "p50(load.latency_s) < 5s"
why = "Users wait."

[[criterion]]
name = "errors"
role = "blocker"
sources = ["load"]
require = "rate(load.error) <= 20%"
why = "Answers are what is asked for."

[[criterion]]
name = "sent"
role = "exit"
sources = ["load"]
require = "load.sent_share == 100%"
why = "What was not sent was not measured."
"""

APP = '''
import json
import os

import httpx2


async def answer(body: bytes) -> dict[str, bool]:
    """One operation: two calls, as applications do."""
    headers = {
        "authorization": "Bearer " + os.environ["ANTHROPIC_API_KEY"],
        "anthropic-version": "2026-10-21",
    }
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
    async with httpx2.AsyncClient(headers=headers, timeout=20) as client:
        for _ in range(2):
            (await client.post(url, json=json.loads(body))).raise_for_status()
    return {"degraded": False}


async def nothing(body: bytes) -> str:
    return "done, says the application"
'''


@pytest.fixture
def project(project: Path) -> Path:
    """The small project with a policy of load and an application."""
    (project / "policy.toml").write_text(POLICY)
    (project / "app.py").write_text(APP)
    (project / "l9gate.toml").write_text(
        'policy = "policy.toml"\npackage = "shop"\nmodel = "claude-haiku-5-5"\n'
        '[load]\napp = "app:answer"\n'
    )
    return project


@pytest.fixture
def start(
    project: Path, clean_environ: Mapping[str, str]
) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start `l9gate WORDS…` and end it, if nobody else does."""
    begun = []

    def begin(*words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "l9gate", *words],
            cwd=project,
            env=dict(clean_environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_some_calls(process: "subprocess.Popen[str]") -> None:
    """Return once the load has said that calls were answered."""
    assert process.stderr is not None
    for line in process.stderr:
        if "answered" in line:
            return
    raise AssertionError("it ended before")


def test_a_load_that_keeps_all_is_rehearsed_and_reported(l9gate: Gate, newest_run: Newest) -> None:
    done = l9gate(*FAST, "--duration", "3s", "--stream", "--control-every", "500ms")
    assert done.returncode == 64, "no such time"
    done = l9gate(*FAST, "--duration", "3s", "--stream", "--control-every", "0.5s")
    first = done.stdout.splitlines()[0]
    assert (done.returncode, first.startswith("LOAD REHEARSED  ")) == (0, True), done.stderr
    assert "ready" not in first.lower()
    assert "sent" in done.stdout
    folder = open_run(newest_run())
    assert (folder.manifest.sources, folder.manifest.layers) == (("load",), ())
    with folder.read() as log:
        calls = dict.fromkeys(Arm, 0)
        for block in log.of(LoadBlock):
            calls[block.arm] += block.calls
        (plan,) = log.of(LoadPlan)
    assert (calls[Arm.MAIN], plan.planned) == (60, 60)
    assert calls[Arm.CONTROL] >= 5
    names = {path.name for path in folder.path.iterdir()}
    assert {"report.txt", "report.html", "report.json"} <= names
    page = (folder.path / "report.html").read_text()
    assert page.count("<figure>") == 3
    assert "<script" not in page
    shown = json.loads((folder.path / "report.json").read_text())
    assert [arm["arm"] for arm in shown["load"]["arms"]] == ["main", "control"]
    assert "Latency over time" in l9gate("report", "--format", "html").stdout


def test_a_broken_load_ends_early_and_is_not_ready(
    project: Path, l9gate: Gate, newest_run: Newest
) -> None:
    """A broken build costs a handful of calls: the rest of the minute is not sent."""
    text = POLICY.replace("< 5s", "< 1ms")
    (project / "policy.toml").write_text(text)
    began_s = time.monotonic()
    done = l9gate(*FAST, "--duration", "60s", "--stopping", "anytime")
    assert time.monotonic() - began_s < 30
    assert done.returncode == 1, done.stderr
    assert "REHEARSAL BROKEN  median" in done.stdout.splitlines()[0]
    assert "stopped early: `median` is broken" in done.stderr
    with open_run(newest_run()).read() as log:
        (end,) = log.of(SourceEnd)
    assert end.reason is EndReason.DECIDED
    assert "kept      complete" in done.stdout, "what was not due is not missing"


def test_too_few_calls_are_unproven_and_say_how_many_more(l9gate: Gate) -> None:
    done = l9gate("load", "--rehearse", "--load-factor", "0", "--rate", "constant 2/s",
                  "--duration", "2s")  # fmt: skip
    assert done.returncode == 2
    assert "would be decided by" in done.stdout


def test_a_killed_load_is_judged_unproven_with_what_is_missing(
    start: Callable[..., "subprocess.Popen[str]"], l9gate: Gate
) -> None:
    """C-09: what a killed client did not send is no fast answer."""
    process = start(*FAST, "--duration", "60s")
    until_some_calls(process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    judged = l9gate("judge")
    assert judged.returncode == 2, judged.stdout
    assert "load has no end: it was killed" in judged.stdout
    assert "of 1,200 planned calls were never sent" in judged.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_load_keeps_what_it_measured(
    number: int, start: Callable[..., "subprocess.Popen[str]"], l9gate: Gate, newest_run: Newest
) -> None:
    process = start(*FAST, "--duration", "60s")
    until_some_calls(process)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, "interrupted; what was measured is kept" in told) == (130, True)
    assert "l9gate judge" in told
    with open_run(newest_run()).read() as log:
        assert sum(block.calls for block in log.of(LoadBlock)) > 50
    judged = l9gate("judge")
    assert judged.returncode == 2
    assert "load stopped: interrupted" in judged.stdout


def test_without_a_key_nothing_is_sent(l9gate: Gate, project: Path) -> None:
    done = l9gate("load", "--duration", "1s")
    assert done.returncode == 69
    assert "needs an API key" in done.stderr
    assert not (project / ".l9gate" / "runs").exists()


def test_a_budget_that_pays_no_call_is_refused_before_the_first(
    l9gate: Gate, project: Path
) -> None:
    with SimulatorThread(SimulatorConfig(load_factor=0.0)) as simulator:
        with (project / "l9gate.toml").open("a") as file:
            file.write(f'[environments.development]\nbase_url = "{simulator.base_url}"\n')
        words = ("load", "--duration", "2s", "--rate", "constant 100/s")
        refused = l9gate(*words, "--budget", "0.000001", ANTHROPIC_API_KEY="sk-any-key-1234")
        part = l9gate(*words, "--budget", "0.001", ANTHROPIC_API_KEY="sk-any-key-1234")
    assert refused.returncode == 75, refused.stderr
    assert "nothing was tested" in refused.stderr
    assert part.returncode == 2, "used up on the way, it is judged"
    assert "load limit reached: budget" in part.stdout


def test_a_full_disk_ends_a_load_with_its_own_status(
    project: Path, clean_environ: Mapping[str, str]
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    done = subprocess.run(
        [sys.executable, "-m", "l9gate", "load", "--rehearse", "--load-factor", "0",
         "--rate", "constant 400/s", "--duration", "20s"],
        cwd=project, env=dict(clean_environ), preexec_fn=limit, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 74, done.stderr
    assert done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--rate", "fast"), 64, "`fast` says no rate that is known"),
        (("--duration", "soon"), 64, "--duration: `soon` is no time"),
        (("--entry", "sdk", "--workers", "2"), 64, "one process"),
        (("--workload", "none.jsonl"), 78, "`none.jsonl` cannot be read"),
        (("--rate", "recorded"), 78, "has no times"),
        (("--env", "nowhere"), 78, "`nowhere` is not declared"),
    ],
)
def test_wrong_words_are_one_clear_line(
    words: tuple[str, ...], status: int, told: str, l9gate: Gate
) -> None:
    done = l9gate("load", "--rehearse", *words)
    assert (done.returncode, told in done.stderr) == (status, True), done.stderr
    assert "Traceback" not in done.stderr


def test_an_application_is_driven_with_its_calls_seen_and_paid_for(
    l9gate: Gate, newest_run: Newest
) -> None:
    done = l9gate(*FAST, "--entry", "app", "--duration", "3s")
    assert done.returncode in {0, 2}, done.stderr  # a machine in a hurry is told to be the limit
    with open_run(newest_run()).read() as log:
        exchanges = list(log.of(Exchange))
        (plan,) = log.of(LoadPlan)
        blocks = [one for one in log.of(LoadBlock) if one.arm is Arm.MAIN]
        controls = [one for one in log.of(LoadBlock) if one.arm is Arm.CONTROL]
    assert plan.entry is Entry.APP
    operations = sum(block.calls for block in blocks)
    assert (operations, len(exchanges)) == (60, 120), "two calls in each operation"
    assert all(mark & 3 == 3 for block in blocks for mark in block.marks), "each has its proof"
    assert controls, "bare calls in between tell the API from the application"


def test_an_application_that_calls_nobody_proves_nothing(l9gate: Gate) -> None:
    done = l9gate(*FAST, "--entry", "app", "--app", "app:nothing", "--duration", "2s")
    assert done.returncode == 2
    assert "40 answers without request id or usage count for nothing" in done.stdout


def test_a_load_is_planned_without_sending_anything(l9gate: Gate, project: Path) -> None:
    done = l9gate("plan", "load", "--duration", "2min")
    assert done.returncode == 0, done.stderr
    assert "nothing was sent" in done.stdout
    assert done.stdout.startswith("load plan for environment development: 1")
    assert not (project / ".l9gate" / "runs").exists()
