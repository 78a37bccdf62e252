"""`l9gate control` in projects that have never heard of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from l9gate.evidence.records import Survivor
from l9gate.wire.json import JsonObject

APP = """
import anthropic, time

ASK = dict(model="m", max_tokens=5, messages=[{"role": "user", "content": "hello"}])

def strict(**options):
    return anthropic.Anthropic(**options).messages.create(**ASK).content[0].text

def swallow():
    try:
        return strict()
    except Exception:
        return "sorry"

def patient():
    for number in range(6):
        try:
            return strict(max_retries=5)
        except anthropic.APIError:
            time.sleep(10)
    return None
"""
TESTS = """
import asyncio, os, unittest
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import MagicMock
import anthropic, httpx2, pytest
import app

@pytest.fixture(scope="session")
def shared():
    return app.strict()

def test_honest(): assert app.strict()
def test_honest_fixture(shared): assert shared
def test_honest_fixture_too(shared): assert len(shared)
def test_honest_host(): assert app.strict(base_url="https://api.anthropic.com", api_key="k")
def test_honest_thread():
    with ThreadPoolExecutor() as pool:
        assert pool.submit(app.strict).result()
def test_honest_patience(): assert app.patient()
def test_honest_stream():
    with anthropic.Anthropic().messages.stream(**app.ASK) as stream:
        assert "".join(stream.text_stream)
def test_honest_async():
    async def ask():
        async with anthropic.AsyncAnthropic() as client:
            return await client.messages.create(**app.ASK)
    assert asyncio.run(ask()).content
def test_honest_refusal():
    with pytest.raises(anthropic.AuthenticationError):
        app.strict(api_key="wrong")
def test_honest_unreachable():
    with pytest.raises(anthropic.APIConnectionError):
        app.strict(base_url="http://127.0.0.1:1", max_retries=0)
def test_mock_of_a_unit_test():
    client = MagicMock(spec=anthropic.Anthropic)
    assert client.messages.create()
def test_transport_of_a_unit_test():
    transport = httpx2.MockTransport(lambda _: httpx2.Response(500))
    with pytest.raises(anthropic.InternalServerError):
        app.strict(http_client=httpx2.Client(transport=transport), max_retries=0)

def test_child_tries_to_leave():
    import subprocess, sys
    words = "import socket; socket.create_connection(('192.0.2.1', 443), 3)"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)
    with open("child.txt", "w") as file:
        file.write(done.stderr)

def test_bad_swallows(): assert isinstance(app.swallow(), str)
def test_bad_asserts_nothing(): app.swallow()
@pytest.mark.skipif(not os.environ.get("OUR_CLAUDE_KEY"), reason="no key")
def test_bad_hidden(): assert app.swallow()
def test_bad_skips():
    try:
        app.strict()
    except anthropic.APIError:
        pytest.skip("API down")
@pytest.mark.xfail
def test_bad_xfail(): assert app.strict()
def test_bad_any_error():
    with pytest.raises(Exception):
        app.strict()
def test_bad_takes_anything():
    assert anthropic.Anthropic().messages.create(**app.ASK)
@pytest.mark.slow
@pytest.mark.parametrize("n", [1])
def test_bad_deselected(n): assert app.swallow()

class TestBad(unittest.TestCase):
    def test_unittest(self):
        self.assertTrue(app.swallow())
"""
INI = """
[pytest]
addopts = -x -m "not slow" --doctest-modules --cov=. --ff --strict-markers
markers = slow: takes long
"""
CONFIGURED = """
import anthropic, pytest
from unittest.mock import MagicMock
import calling

pytestmark = pytest.mark.integration

def test_honest(): assert calling.call().content
@pytest.mark.offline
def test_offline(): assert True
@pytest.mark.expects_error("authentication_error")
def test_declared():
    with pytest.raises(anthropic.APIStatusError):
        calling.call(model="refused")
"""
DISHONEST = """
def test_mocked():
    client = MagicMock()
    assert client.messages.create()
@pytest.mark.skip(reason="another time")
def test_skipped(): pass
"""
CALL_FAILED = "its call was not served (connection refused) and it passed all the same"
ANY_ERROR = "caught at test_app.py:61 (with raises); it expects Exception, which any failure gives"
Control = Callable[..., tuple[int, JsonObject]]


@pytest.fixture
def control() -> Control:
    """Run the command in a project and return its status and its document."""

    def run(root: Path, *words: str) -> tuple[int, JsonObject]:
        done = command(root, "control", "--format", "json", *words)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def command(root: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    hidden = ("L9GATE_", "ANTHROPIC_", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return subprocess.run(
        [sys.executable, "-m", "l9gate", *words],
        cwd=root,
        env={**kept, "PYTHONPATH": f"{root}:{kept.get('PYTHONPATH', '')}", **environ},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).write_text(text)


def survivors(document: JsonObject) -> dict[str, tuple[str, str]]:
    """Return, by name of test, against what it survived and why."""
    listed = msgspec.convert(document["survivors"], list[Survivor])
    return {one.node_id.rpartition("::")[2]: (" ".join(one.against), one.reason) for one in listed}


def test_foreign_project_learns_which_tests_cannot_fail(tmp_path: Path, control: Control) -> None:
    write(tmp_path, {"app.py": APP, "test_app.py": TESTS, "pytest.ini": INI})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    status, document = control(tmp_path)
    everywhere = "dead refusing garbage"
    swallowed = f"{CALL_FAILED}; caught at app.py:12 (except Exception)"
    assert survivors(document) == {
        "test_bad_swallows": (everywhere, swallowed),
        "test_bad_asserts_nothing": (everywhere, f"{swallowed}; asserts nothing"),
        "test_bad_hidden": (everywhere, swallowed),
        "test_bad_skips": ("dead refusing", "skipped: API down"),
        "test_bad_xfail": (everywhere, "xfail: no reason given"),
        "test_bad_any_error": (everywhere, f"{CALL_FAILED}; {ANY_ERROR}"),
        "test_bad_takes_anything": (
            "garbage",
            CALL_FAILED.replace("connection refused", "an answer that is none of the API's"),
        ),
        "test_bad_deselected[1]": (everywhere, swallowed),
        "test_unittest": (everywhere, swallowed),
    }
    assert document["headline"] == "8 of 18 tests that talk to the API pass against a dead endpoint"
    assert (status, document["open_ends"]) == (1, [])
    notes = document["notes"]
    assert isinstance(notes, list)
    assert "test_app.py::test_honest_refusal" in str(notes[0])
    assert "a mock transport answers, not counted" in str(notes)
    assert "PermissionError" in (tmp_path / "child.txt").read_text()
    (tmp_path / "child.txt").unlink()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_control_of_a_configured_project_is_evidence_for_as_long_as_nothing_changes(
    project: Callable[..., Path], control: Control
) -> None:
    root = project({"tests/integration/test_real.py": CONFIGURED})
    status, first = control(root)
    assert (status, first["survivors"], first["open_ends"]) == (0, [], [])
    assert first["headline"] == (
        "all 2 tests of integration fail against dead, refusing and garbage endpoints"
    )
    status, again = control(root)
    assert (status, again["digest"], again["seconds"]) == (0, first["digest"], {})
    assert finding_of(root) == ("kept", "advice")
    with (root / "tests/integration/test_real.py").open("a") as file:
        file.write(DISHONEST)
    assert finding_of(root) == ("unproven", "advice")
    status, third = control(root)
    assert survivors(third) == {
        "test_mocked": (
            "dead refusing garbage",
            "no call was made: MagicMock `mock.messages.create` stands in for the client",
        ),
        "test_skipped": ("dead refusing garbage", "skipped: another time"),
    }
    assert (status, third["headline"]) == (
        1,
        "2 of 4 tests of integration pass against a dead endpoint",
    )


def finding_of(root: Path) -> tuple[str, str]:
    """Run the layer and return state and role of the criterion."""
    done = command(root, "run", "integration", "--format", "json", ANTHROPIC_API_KEY="k")
    assert done.stdout, done.stderr
    (found,) = [one for one in findings(json.loads(done.stdout)) if one["criterion"] == "control"]
    return str(found["state"]), str(found["role"])


def findings(document: JsonObject) -> list[JsonObject]:
    listed = document["findings"]
    assert isinstance(listed, list)
    return [one for one in listed if isinstance(one, dict)]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"test_a.py": "def test_a(): assert 1"}, "no test called the API"),
        ({"conftest.py": "import no_such_module"}, "No module named 'no_such_module'"),
        ({"test_a.py": "def test_a(:"}, "could not be imported: test_a.py"),
    ],
    ids=["no call", "conftest that crashes", "no Python"],
)
def test_what_cannot_be_shown_is_unproven(
    tmp_path: Path, control: Control, files: Mapping[str, str], told: str
) -> None:
    write(tmp_path, files)
    status, document = control(tmp_path)
    assert status == 2
    assert str(document["headline"]).startswith("unproven: ")
    assert told in str(document["open_ends"])


def test_time_that_runs_out_is_said_with_what_was_not_reached(
    tmp_path: Path, control: Control
) -> None:
    hangs = "import app, threading\ndef test_hangs():\n    app.swallow()\n"
    hangs += "    threading.Event().wait()\ndef test_honest(): assert app.strict()\n"
    write(tmp_path, {"app.py": APP, "test_a.py": hangs})
    status, document = control(tmp_path, "--test-seconds", "0.5")
    assert status == 2
    assert document["survivors"] == []
    assert document["open_ends"] == [
        f"{against}: timed out: test_a.py::test_hangs"
        for against in ("dead", "refusing", "garbage")
    ]
    status, document = control(tmp_path, "--minutes", "0.5")
    assert status == 2
    assert "dead: time ran out" in str(document["open_ends"])
    assert "not reached: test_a.py::test_hangs, test_a.py::test_honest" in str(
        document["open_ends"]
    )


def test_workers_of_xdist_are_watched_and_arguments_are_handed_on(
    tmp_path: Path, control: Control
) -> None:
    ini = "[pytest]\naddopts = -k no_such_test --maxfail=1\n"
    write(tmp_path, {"app.py": APP, "test_app.py": TESTS, "pytest.ini": ini})
    status, document = control(tmp_path, "--", "-n", "2", "-k", "swallows or honest_fixture")
    assert status == 1
    assert (
        document["headline"] == "1 of 3 tests that talk to the API passes against a dead endpoint"
    )
