"""What the plug-in refuses, guards and leaves alone, in real child pytests."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.evidence.records import Layer, LayerRun, Record, TestOutcome, TestState
from l9gate.store.run import run_paths

Project = Callable[..., Path]
RunPytest = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[[Path, type[Record]], list[object]]
Outcomes = Callable[[Path], dict[str, TestOutcome]]


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("key", ["", " "])
def test_no_key_is_refused_before_the_first_test(
    project: Project, workers: str, key: str, tmp_path: Path, run_pytest: RunPytest
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


def test_a_unit_layer_needs_no_key(project: Project, run_pytest: RunPytest) -> None:
    """R-02."""
    root = project({"tests/unit/test_x.py": "def test_x(): pass"})
    assert run_pytest(root, "tests/unit", key="").returncode == 0


@pytest.mark.parametrize("settings", ["", '[project]\nname = "x"\n'])
def test_the_plug_in_is_inert_where_nothing_speaks_of_it(
    project: Project, settings: str, run_pytest: RunPytest
) -> None:
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


def test_tests_that_no_layer_claims_start_nothing(project: Project, run_pytest: RunPytest) -> None:
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


def test_markers_are_registered(project: Project, run_pytest: RunPytest) -> None:
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


def test_a_unit_test_cannot_reach_the_network(
    project: Project, run_pytest: RunPytest, outcomes: Outcomes
) -> None:
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


def test_a_real_layer_may_reach_the_network_after_a_unit_test(
    project: Project, run_pytest: RunPytest, records: Records
) -> None:
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


def test_live_only_tests_are_skipped_in_a_rehearsal(
    project: Project, run_pytest: RunPytest, outcomes: Outcomes
) -> None:
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
    project: Project, arguments: tuple[str, ...], run_pytest: RunPytest
) -> None:
    test = "import socket\ndef test_x(): socket.getaddrinfo('example.com', 80)\n"
    root = project({"tests/unit/test_x.py": test, "tests/unit/test_y.py": "def test_y(): pass"})
    done = run_pytest(root, *arguments)
    assert done.returncode == 1
    assert "only a part of unit was run" in done.stdout
    assert "reached for the network" in done.stdout
    assert run_paths(root / ".l9gate/runs") == []


def test_wrong_settings_are_one_clear_line(project: Project, run_pytest: RunPytest) -> None:
    root = project(
        {"tests/unit/test_x.py": "def test_x(): pass"}, more_settings="[tool.l9gate.x]\n"
    )
    done = run_pytest(root, "tests/unit")
    assert done.returncode == 4
    assert "x: no such key" in done.stderr
    assert "Traceback" not in done.stderr
