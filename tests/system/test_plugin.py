"""The plug-in in real child pytests."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from l9gate import gate
from l9gate.evidence.records import (
    Exchange,
    Fault,
    Gauge,
    Layer,
    LayerRun,
    Origin,
    Record,
    Signal,
    TestOutcome,
    TestState,
)
from l9gate.store.run import open_run, run_paths
from l9gate.store.settings import read_settings

LAYERS = """
[project]
name = "sample"
[tool.pytest.ini_options]
addopts = ["--strict-markers", "--strict-config", "--import-mode=importlib"]
testpaths = ["tests"]
[tool.l9gate.layers.unit]
paths = ["tests/unit"]
[tool.l9gate.layers.integration]
paths = ["tests/integration"]
marker = "integration"
"""
ENVIRONMENT = """
[tool.l9gate.environments.development]
base_url = "{url}"
"""
CALL = """
import anthropic

def call(model="ok", **options):
    with anthropic.Anthropic(max_retries=0, **options) as client:
        return client.messages.create(
            model=model, max_tokens=5, messages=[{"role": "user", "content": "secret"}]
        )
"""
Project = Callable[..., Path]
R = type[Record]


@pytest.fixture
def project(tmp_path: Path, scripted_api: ThreadingHTTPServer) -> Project:
    def make(files: Mapping[str, str], settings: str = LAYERS) -> Path:
        url = f"http://127.0.0.1:{scripted_api.server_port}"
        text = settings + (ENVIRONMENT.format(url=url) if "l9gate" in settings else "")
        for name, content in {**files, "pyproject.toml": text, "calling.py": CALL}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return make


def run_pytest(
    root: Path, *arguments: str, key: str = "k", **environ: str
) -> subprocess.CompletedProcess[str]:
    hidden = ("L9GATE_", "ANTHROPIC_", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=root,
        env={**kept, "ANTHROPIC_API_KEY": key, "PYTHONPATH": str(root), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def records(root: Path, kind: R) -> list[object]:
    (path,) = run_paths(root / ".l9gate/runs")
    with open_run(path).read() as log:
        assert not list(log.of(Fault))
        return list(log.of(kind))


def outcomes(root: Path) -> dict[str, TestOutcome]:
    found = [entry for entry in records(root, TestOutcome) if isinstance(entry, TestOutcome)]
    named = {entry.node_id.rpartition("::")[2]: entry for entry in found}
    assert len(named) == len(found)
    return named


STATES = """
import pytest

def test_passes(): pass
def test_fails(): assert "secret" == 1
def test_skips(): pytest.skip("no reason")
@pytest.mark.skip(reason="marked")
def test_marked(): pass
@pytest.mark.xfail(reason="known")
def test_xfails(): assert False
@pytest.mark.xfail(strict=False)
def test_xpasses(): pass
@pytest.mark.xfail(strict=True)
def test_strictly_xpasses(): pass
@pytest.fixture
def broken(): raise OSError("secret")
def test_errs(broken): pass
@pytest.fixture
def breaks_later():
    yield
    raise OSError("secret")
def test_errs_later(breaks_later): pass
@pytest.mark.scenario("timeout", "overload")
@pytest.mark.offline
@pytest.mark.expects_fallback
@pytest.mark.expects_error("rate_limit_error", ValueError)
def test_says(): pass
"""


def test_every_outcome_is_recorded_without_its_message(project: Project) -> None:
    """R-08."""
    root = project({"tests/unit/test_states.py": STATES, "tests/test_other.py": "def test_a(): 0"})
    done = run_pytest(root)
    assert done.returncode == 1
    found = outcomes(root)
    assert {name: entry.state for name, entry in found.items()} == {
        "test_passes": TestState.PASSED,
        "test_fails": TestState.FAILED,
        "test_skips": TestState.SKIPPED,
        "test_marked": TestState.SKIPPED,
        "test_xfails": TestState.XFAILED,
        "test_xpasses": TestState.XPASSED,
        "test_strictly_xpasses": TestState.FAILED,
        "test_errs": TestState.ERROR,
        "test_errs_later": TestState.ERROR,
        "test_says": TestState.PASSED,
        "test_a": TestState.PASSED,
    }
    assert found["test_fails"].error_class == "AssertionError"
    assert found["test_fails"].location == "tests/unit/test_states.py:5"
    assert found["test_errs"].error_class == "OSError"
    assert found["test_marked"].reason == "marked"
    assert found["test_a"].layer is None
    says = found["test_says"]
    assert (says.offline, says.expects_fallback, says.live_only) == (True, True, False)
    assert says.expects_error == ("rate_limit_error", "ValueError")
    assert says.scenarios == ("timeout", "overload")
    assert "not gated: 1 tests" in done.stdout
    (path,) = run_paths(root / ".l9gate/runs")
    assert b"secret" not in (path / "evidence.db").read_bytes()
    (layer,) = records(root, LayerRun)
    assert isinstance(layer, LayerRun)
    assert (layer.layer, layer.collected, layer.selected, layer.exit_status) == (
        Layer.UNIT,
        10,
        10,
        1,
    )


INTEGRATION = """
import logging
import threading
import pytest
from calling import call

pytestmark = pytest.mark.integration

@pytest.fixture(scope="session")
def base():
    return call("from-base")

@pytest.fixture(scope="module")
def answer(request):
    request.getfixturevalue("base")
    return call("from-answer")

def test_one(answer): pass
def test_two(answer): pass
def test_asks_by_name(request): request.getfixturevalue("answer")
def test_alone(): call("alone")
def test_thread():
    thread = threading.Thread(target=call, args=("thread",))
    thread.start()
    thread.join()
def test_signals():
    logger = logging.getLogger("neural_tools.signals")
    logger.setLevel(logging.INFO)
    fields = {"operation": "search", "duration_s": 0.5, "cache": "hit", "fallback": None}
    logger.info("search", extra={"l9gate": fields})
def test_memory(memory_growth):
    assert memory_growth("ten_operations", lambda number: None, 10) < 50e6
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_what_a_shared_fixture_sent_belongs_to_every_test_that_uses_it(
    project: Project, workers: int
) -> None:
    root = project({"tests/integration/test_a_real_api.py": INTEGRATION})
    done = run_pytest(root, "tests/integration", "-m", "integration", "-n", str(workers), "-v")
    assert done.returncode == 0, done.stdout
    found = outcomes(root)
    assert len(found) == 7
    exchanges = [entry for entry in records(root, Exchange) if isinstance(entry, Exchange)]
    assert {entry.origin for entry in exchanges} == {Origin.LIVE}
    assert {entry.layer for entry in exchanges} == {Layer.INTEGRATION}
    models = Counter(str(entry.model) for entry in exchanges)
    assert models["alone"] == models["thread"] == 1
    seen_by = {
        name: {str(entry.model) for entry in exchanges if entry.owner in outcome.owners}
        for name, outcome in found.items()
    }
    for name in ("test_one", "test_two", "test_asks_by_name"):
        assert seen_by[name] == {"from-base", "from-answer"}
    assert (seen_by["test_alone"], seen_by["test_thread"]) == ({"alone"}, {"thread"})
    assert seen_by["test_signals"] == set()
    (signal,) = records(root, Signal)
    assert isinstance(signal, Signal)
    assert signal.owner in found["test_signals"].owners
    gauges = [entry for entry in records(root, Gauge) if isinstance(entry, Gauge)]
    assert [entry.operations for entry in gauges] == list(range(11))
    (layer,) = records(root, LayerRun)
    assert isinstance(layer, LayerRun)
    assert (layer.collected, layer.selected) == (7, 7)


def test_every_record_of_two_workers_is_there_once(project: Project) -> None:
    tests = "import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_n(n): pass\n"
    root = project({"tests/unit/test_many.py": tests})
    done = run_pytest(root, "tests/unit", "-n", "2")
    assert done.returncode == 0, done.stdout
    assert len(outcomes(root)) == 30
    (layer,) = records(root, LayerRun)
    assert isinstance(layer, LayerRun)
    assert (layer.collected, layer.selected) == (30, 30)


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("key", ["", " "])
def test_no_key_is_refused_before_the_first_test(
    project: Project, workers: str, key: str, tmp_path: Path
) -> None:
    """R-09."""
    test = "import pytest, pathlib\n@pytest.mark.integration\ndef test_x(tmp_path):\n"
    test += f"    pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    root = project({"tests/integration/test_a_real_api.py": test})
    done = run_pytest(root, "tests/integration", "-m", "integration", "-n", workers, key=key)
    assert done.returncode == 69, done.stdout + done.stderr
    assert "ANTHROPIC_API_KEY" in done.stdout
    assert "nothing was tested" in done.stdout
    assert "hint: " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "ran").exists()
    assert run_paths(root / ".l9gate/runs") == []


def test_a_unit_layer_needs_no_key(project: Project) -> None:
    """R-02."""
    root = project({"tests/unit/test_x.py": "def test_x(): pass"})
    assert run_pytest(root, "tests/unit", key="").returncode == 0


@pytest.mark.parametrize("settings", ["", '[project]\nname = "x"\n'])
def test_the_plug_in_is_inert_where_nothing_speaks_of_it(project: Project, settings: str) -> None:
    test = "import sys\ndef test_x(): assert not [m for m in sys.modules if 'l9gate.store' in m]\n"
    root = project({"tests/unit/test_x.py": test}, settings)
    done = run_pytest(root, "tests/unit")
    assert done.returncode == 0, done.stdout
    assert "l9gate:" not in done.stdout
    assert not (root / ".l9gate").exists()
    markers = run_pytest(root, "--markers").stdout
    assert "live_only" not in markers
    fixtures = run_pytest(root, "--fixtures").stdout
    assert "memory_growth" not in fixtures


def test_tests_that_no_layer_claims_start_nothing(project: Project) -> None:
    root = project(
        {
            "tests/integration/test_unmarked.py": "def test_x(): pass",
            "tests/unit/test_foreign.py": "import pytest\n@pytest.fixture\n"
            "def benchmark(): pass\ndef test_y(benchmark): pass\n",
        }
    )
    done = run_pytest(root, "tests", key="")
    assert done.returncode == 0, done.stdout
    assert run_paths(root / ".l9gate/runs") == []


def test_markers_are_registered(project: Project) -> None:
    """L2-03."""
    root = project({"tests/unit/test_x.py": "def test_x(): pass"})
    done = run_pytest(root, "--markers")
    for name in ("integration", "benchmark", "contract", "unit", "offline", "live_only"):
        assert f"@pytest.mark.{name}:" in done.stdout


NETWORK = """
import asyncio, socket, threading
import anthropic, pytest
from calling import call

def test_name(): socket.create_connection(("example.com", 80), timeout=1)
def test_address(): socket.create_connection(("192.0.2.1", 80), timeout=1)
def test_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("192.0.2.1", 9))
def test_swallowed():
    with pytest.raises(anthropic.APIConnectionError):
        call(base_url="https://api.example.com")
def test_asynchronous_swallowed():
    async def ask():
        async with anthropic.AsyncAnthropic(base_url="https://api.example.com", max_retries=0) as c:
            await c.models.list()
    with pytest.raises(anthropic.APIConnectionError):
        asyncio.run(ask())
@pytest.fixture
def reaching():
    try:
        socket.getaddrinfo("example.com", 80)
    except Exception:
        pass
def test_set_up(reaching): pass
def test_loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        socket.create_connection(("localhost", server.getsockname()[1])).close()
def test_event_loop(): asyncio.run(asyncio.sleep(0))
def test_unix():
    one, other = socket.socketpair()
    one.close(); other.close()
"""


def test_a_unit_test_cannot_reach_the_network(project: Project) -> None:
    """L1-02."""
    root = project({"tests/unit/test_network.py": NETWORK})
    done = run_pytest(root, "tests/unit")
    passed = {"test_loopback", "test_event_loop", "test_unix"}
    found = outcomes(root)
    assert len(found) == 9
    for name, entry in found.items():
        assert (entry.state is TestState.PASSED) == (name in passed), name
        if name not in passed:
            assert entry.error_class == "NetworkRefusedError"
    assert (
        "test_network.py::test_swallowed` reached for the network: api.example.com" in done.stdout
    )


def test_a_real_layer_may_reach_the_network_after_a_unit_test(project: Project) -> None:
    root = project(
        {
            "tests/unit/test_a.py": "def test_a(): pass",
            "tests/integration/test_b_real_api.py": "import socket, pytest\n"
            "@pytest.mark.integration\n"
            "def test_b():\n    socket.getaddrinfo('example.invalid', 1)\n",
        }
    )
    done = run_pytest(root, "tests")
    assert "gaierror" in done.stdout
    spans = [entry for entry in records(root, LayerRun) if isinstance(entry, LayerRun)]
    assert {entry.layer for entry in spans} == {Layer.UNIT, Layer.INTEGRATION}


def test_live_only_tests_are_skipped_in_a_rehearsal(project: Project) -> None:
    test = "import pytest\n@pytest.mark.live_only\n@pytest.mark.integration\ndef test_x(): 1 / 0\n"
    root = project({"tests/integration/test_x_real_api.py": test})
    done = run_pytest(root, "tests/integration", L9GATE_REHEARSAL="1")
    assert done.returncode == 0, done.stdout
    entry = outcomes(root)["test_x"]
    assert (entry.state, entry.live_only) == (TestState.SKIPPED, True)
    assert entry.reason == "live_only: not run in rehearsal"


@pytest.mark.parametrize(
    "arguments",
    [
        ("tests/unit/test_x.py",),
        ("tests/unit", "-k", "test_x"),
        ("tests/unit", "-k", "test_x", "-n", "2"),
        ("tests/unit/test_x.py::test_x", "-n", "2"),
    ],
)
def test_a_part_of_a_layer_is_guarded_but_neither_kept_nor_judged(
    project: Project, arguments: tuple[str, ...]
) -> None:
    test = "import socket\ndef test_x(): socket.getaddrinfo('example.com', 80)\n"
    root = project({"tests/unit/test_x.py": test, "tests/unit/test_y.py": "def test_y(): pass"})
    done = run_pytest(root, *arguments)
    assert done.returncode == 1
    assert "only a part of unit was run" in done.stdout
    assert "reached for the network" in done.stdout
    assert run_paths(root / ".l9gate/runs") == []


def test_wrong_settings_are_one_clear_line(project: Project) -> None:
    root = project({"tests/unit/test_x.py": "def test_x(): pass"}, LAYERS + "[tool.l9gate.x]\n")
    done = run_pytest(root, "tests/unit")
    assert done.returncode == 4
    assert "x: no such key" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_session_keeps_every_test_that_ended(project: Project) -> None:
    tests = "import os\ndef test_1(): pass\ndef test_2(): pass\n"
    tests += "def test_3(): os.kill(os.getpid(), 9)\ndef test_4(): pass\n"
    root = project({"tests/unit/test_killed.py": tests})
    assert run_pytest(root, "tests/unit").returncode == -9
    assert set(outcomes(root)) == {"test_1", "test_2"}
    assert records(root, LayerRun) == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_session_that_the_gate_started_writes_into_its_run_and_judges_nothing(
    project: Project, workers: str
) -> None:
    root = project({"tests/unit/test_two.py": "def test_x(): pass\ndef test_y(): pass\n"})
    settings = read_settings(root)
    assert settings is not None
    run = gate.begin_direct_run(settings, {}, "development", (Layer.UNIT,))
    arguments = ("tests/unit", "-k", "test_x", "-n", workers)
    done = run_pytest(root, *arguments, L9GATE_RUN=str(run), L9GATE_PREFLIGHT="done")
    assert done.returncode == 0, done.stdout
    assert "l9gate:" not in done.stdout
    assert "Blockers" not in done.stdout
    assert set(outcomes(root)) == {"test_x"}
    (layer,) = records(root, LayerRun)
    assert isinstance(layer, LayerRun)
    assert (layer.collected, layer.selected) == (2, 1)
