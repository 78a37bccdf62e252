"""Money: a live run has a limit, nothing is sent beyond it, and nothing hides that.

A call costs $0.007 here and may cost $0.016 at most, so $0.05 pays for five of them.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

Gate = Callable[..., subprocess.CompletedProcess[str]]
NewestRun = Callable[[], Path]
KEY = "sk-planted-key-0123456789"
BUDGET = ("--budget", "0.05")
CALLS = 5
PRICES = """
[prices."claude-haiku-5-5"]
input_usd_per_mtok = 0
output_usd_per_mtok = 1000
"""
# What an application does that never fails: it retries, and serves something else instead.
FALLBACK = """
import anthropic
import pytest

@pytest.mark.benchmark
@pytest.mark.parametrize("n", range(8))
def test_it_always_serves_something(n):
    try:
        with anthropic.Anthropic(max_retries=5) as client:
            client.messages.create(
                model="claude-haiku-5-5",
                max_tokens=16,
                messages=[{"role": "user", "content": "hi"}],
            )
    except EXCEPTION:
        pass
"""
CHILD = """
import subprocess, sys
import pytest

@pytest.mark.benchmark
@pytest.mark.parametrize("n", range(8))
def test_a_child_calls(n):
    code = "import client; assert client.ask().status_code == 200"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
"""


@pytest.fixture
def endpoint(scripted_api: ThreadingHTTPServer) -> dict[str, str]:
    """The variables that point the project at an endpoint that is not the simulator."""
    port = scripted_api.server_address[1]
    return {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"}


@pytest.fixture
def declare(project: Path) -> Callable[[str], None]:
    """Add lines to the project's settings."""

    def add(text: str) -> None:
        settings = project / "l9gate.toml"
        before = settings.read_text()
        settings.write_text(before + text if text.lstrip().startswith("[") else text + before)

    return add


@pytest.fixture
def priced(declare: Callable[[str], None]) -> None:
    declare(PRICES)


def report(run: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run / "report.json").read_text())
    return found


def calls_sent(document: dict[str, object]) -> int:
    rows = document["provenance"]
    assert isinstance(rows, list)
    return sum(int(row["exchanges"]) for row in rows)


def spending(document: dict[str, object]) -> dict[str, object]:
    budget = document["budget"]
    assert isinstance(budget, dict)
    return budget


def test_a_run_without_a_limit_has_one_of_five_dollars_and_says_what_it_spent(
    l9gate: Gate, newest_run: NewestRun, endpoint: dict[str, str], priced: None
) -> None:
    done = l9gate("run", "all", **endpoint)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "budget: $5.00 for this run (the default; `--budget USD` changes it)" in done.stderr
    money = spending(report(newest_run()))
    assert (money["caps_usd"], money["refusal"]) == ({"run": 5.0}, None)
    layers = {row["layer"]: row["spent_usd"] for row in money["layers"]}  # type: ignore[attr-defined]
    assert layers == pytest.approx({"integration": 0.014, "performance": 0.056, "contract": 0.014})
    assert "spent $0.0840 of $5.00 for the run (the default" in done.stdout


def test_a_used_up_budget_ends_the_run_unproven_with_what_the_rest_would_cost(
    l9gate: Gate, newest_run: NewestRun, endpoint: dict[str, str], priced: None
) -> None:
    done = l9gate("run", "all", *BUDGET, **endpoint)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout.startswith("UNPROVEN  complete: performance limit reached: budget")
    document = report(newest_run())
    assert calls_sent(document) == CALLS
    money = spending(document)
    assert money["spent_usd"] == pytest.approx(CALLS * 0.007)
    assert "could cost up to $0.0160, and $0.0150 of $0.0500 is left" in str(money["refusal"])
    findings = {row["criterion"]: row for row in document["findings"]}  # type: ignore[attr-defined]
    assert "contract limit reached: budget: not started" in findings["complete"]["reason"]
    assert findings["complete"]["evidence"] == [
        "tests/performance/test_performance.py::test_it_answers[3]"
    ]
    assert findings["complete"]["decides"] == (
        "a budget of about $0.0700 or more (left to do: performance: 5 tests, about $0.0350; "
        "contract: not started)"
    )
    assert findings["pass-rate"]["state"] == "kept"  # decided already, on what was run


@pytest.mark.parametrize("exception", ["Exception", "BaseException"])
def test_neither_retries_nor_a_fallback_hide_a_used_up_budget(
    l9gate: Gate,
    project: Path,
    newest_run: NewestRun,
    endpoint: dict[str, str],
    priced: None,
    exception: str,
) -> None:
    (project / "tests/performance/test_performance.py").write_text(
        FALLBACK.replace("EXCEPTION", exception)
    )
    started_s = time.monotonic()
    done = l9gate("run", "performance", *BUDGET, **endpoint)
    took_s = time.monotonic() - started_s
    assert done.returncode == 2, done.stdout + done.stderr
    document = report(newest_run())
    assert calls_sent(document) == CALLS
    (performance,) = [row for row in document["layers"] if row["layer"] == "performance"]  # type: ignore[attr-defined]
    assert (performance["tests"], performance["passed"]) == (CALLS, CALLS)
    assert "l9gate: budget of this run used up" in done.stderr
    assert took_s < 60  # five retries of the SDK would sleep half a minute


def test_workers_of_xdist_share_one_budget(
    l9gate: Gate,
    newest_run: NewestRun,
    endpoint: dict[str, str],
    declare: Callable[[str], None],
    project: Path,
) -> None:
    settings = project / "l9gate.toml"
    text = settings.read_text().replace(
        'marker = "benchmark"', 'marker = "benchmark"\narguments = ["-n", "4"]'
    )
    settings.write_text(text + PRICES)
    done = l9gate("run", "performance", *BUDGET, **endpoint)
    assert done.returncode == 2, done.stdout + done.stderr
    document = report(newest_run())
    # What the others hold at that moment stands in the way of the last ones.
    assert 1 <= calls_sent(document) <= CALLS
    spent_usd = spending(document)["spent_usd"]
    assert spent_usd == pytest.approx(calls_sent(document) * 0.007)


def test_a_child_process_spends_from_the_same_budget(
    l9gate: Gate, project: Path, newest_run: NewestRun, endpoint: dict[str, str], priced: None
) -> None:
    text = CHILD.replace("ROOT", repr(str(project)))
    (project / "tests/performance/test_performance.py").write_text(text)
    done = l9gate("run", "performance", *BUDGET, **endpoint)
    assert done.returncode == 2, done.stdout + done.stderr
    document = report(newest_run())
    assert calls_sent(document) == CALLS
    findings = {row["criterion"]: row for row in document["findings"]}  # type: ignore[attr-defined]
    assert len(findings["complete"]["evidence"]) == 1


def test_the_limit_of_a_test_ends_that_test_and_no_other(
    l9gate: Gate,
    project: Path,
    newest_run: NewestRun,
    endpoint: dict[str, str],
    declare: Callable[[str], None],
) -> None:
    declare(f"{PRICES}\n[budget]\nper_test = 0.02\n")
    (project / "tests/contract/test_greedy.py").write_text(
        "import pytest\nfrom client import ask\n\n@pytest.mark.contract\n"
        "def test_asks_again_and_again():\n    for _ in range(9):\n        ask()\n"
    )
    done = l9gate("run", "contract", **endpoint)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "the budget ended 1 tests before their end" in done.stdout
    assert calls_sent(report(newest_run())) == 2 + 1


@pytest.mark.parametrize(
    ("words", "settings", "refusal"),
    [
        (["--budget", "0.001"], PRICES, (75, "is left; it was not sent; nothing was tested")),
        (["--budget", "0"], "", (75, "`--budget 0` allows no call")),
        (["--budget", "none"], "", (64, "a live run always has a limit")),
        ([], 'model = "claude-mythos-5"\n', (75, '[tool.l9gate.prices."claude-mythos-5"]')),
    ],
)
def test_what_is_refused_before_the_first_call_tests_nothing(
    l9gate: Gate,
    declare: Callable[[str], None],
    endpoint: dict[str, str],
    words: list[str],
    settings: str,
    refusal: tuple[int, str],
) -> None:
    status, said = refusal
    declare(settings)
    done = l9gate("run", "integration", *words, **endpoint)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout == ""
    assert said in done.stderr


def test_a_model_without_a_price_stops_the_run_with_the_lines_to_add(
    l9gate: Gate, project: Path, newest_run: NewestRun, endpoint: dict[str, str]
) -> None:
    (project / "tests/contract/test_other.py").write_text(
        "import pytest\nfrom client import ask\n\n@pytest.mark.contract\n"
        "def test_other_model():\n    ask('model-x')\n"
    )
    done = l9gate("run", "contract", **endpoint)
    assert done.returncode == 2, done.stdout + done.stderr
    assert '[tool.l9gate.prices."model-x"]' in done.stdout
    assert calls_sent(report(newest_run())) == 2


def test_the_day_limits_all_runs_of_a_project_together(
    l9gate: Gate, endpoint: dict[str, str], declare: Callable[[str], None]
) -> None:
    declare(f"{PRICES}\n[budget]\nper_day = 0.016\n")
    assert l9gate("run", "contract", **endpoint).returncode == 2
    done = l9gate("run", "contract", **endpoint)
    assert done.returncode == 75
    assert "budget of this day used up" in done.stderr


def test_a_rehearsal_says_what_it_would_have_cost_and_refuses_nothing(
    l9gate: Gate, newest_run: NewestRun, priced: None
) -> None:
    done = l9gate("run", "contract", "--rehearse")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "would have cost $" in done.stderr
    assert "live it would have cost $" in done.stdout
    money = spending(report(newest_run()))
    assert (money["kind"], money["caps_usd"]) == ("simulated", {})
    assert l9gate("run", "contract", "--rehearse", "--budget", "0.001").returncode == 75


def test_pytest_called_directly_has_the_same_limit(
    project: Path,
    clean_environ: Mapping[str, str],
    endpoint: dict[str, str],
    declare: Callable[[str], None],
) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=project,
            env={**clean_environ, **endpoint, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )

    declare(f"{PRICES}\n[budget]\nper_run = 0.02\n")
    done = run("tests/contract", "-m", "contract")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "l9gate: budget: $0.0200 for this run (per_run of [tool.l9gate.budget])" in done.stdout
    assert "UNPROVEN  complete: contract limit reached: budget" in done.stdout
    one = run("tests/contract", "-m", "contract", "-k", "0")
    assert one.returncode == 0, one.stdout + one.stderr
    assert "l9gate: spent $0.0070 of $0.0200" in one.stdout
    settings = project / "l9gate.toml"
    settings.write_text(settings.read_text().replace("per_run = 0.02", "per_run = 0.01"))
    none = run("tests/contract", "-m", "contract")
    assert none.returncode == 75, none.stdout + none.stderr
    assert "could cost up to $0.0160, and $0.0100 of $0.0100 is left" in none.stdout
