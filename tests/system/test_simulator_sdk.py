"""The official SDK's own tests against the simulator.

They come with the SDK's source distribution, are fetched by name for each run and copied nowhere.
Their placeholder values break documented rules; `sdk_refusals.toml` names each test that the strict
profile therefore refuses, and any difference from it, in either direction, is a failure.

Run are their tests of messages, token counts, models, batches and files, stable and beta. Left out:
tests of downloads, whose answers they mock; skills, user profiles, organizations and all other
resources, whose endpoints the sheet of the Messages API does not cover.
"""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree as ET

import msgspec
import pytest

from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.keys import Key, KeyRing
from l9gate.simulator.server import SimulatorThread

VERSION = "2.12.0"
# The key and the workspace that their tests name.
KEYS = KeyRing(
    [Key(name="theirs", value="my-anthropic-api-key", workspace="wrkspc_011CZkZaBF1tNoB5wlCeusgy")]
)
TESTS = (
    "test_files.py",
    "test_messages.py",
    "test_models.py",
    "messages/test_batches.py",
    "beta/test_files.py",
    "beta/test_messages.py",
    "beta/test_models.py",
    "beta/test_output_format_conversion.py",
    "beta/messages/test_batches.py",
)
LEFT_OUT = "not download"
NEEDS = (
    f"anthropic[aiohttp]=={VERSION}",
    "dirty-equals",
    "http-snapshot[httpx]",
    "inline-snapshot",
    "pytest",
    "pytest-asyncio",
    "respx",
)
LEAST_TESTS = 650
STATUS = re.compile(r"Error code: (\d{3})")
# Of a test's name, what says which client it used: the same test holds for all five.
CLIENT = re.compile(r"Async(?=\w+\.test_)|\[\w+\]")


class Refused(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tests that the strict profile refuses, for one reason."""

    tests: list[str]
    status: int
    says: str  # part of the API's message
    section: str  # of the sheet
    why: str


class Fetched(msgspec.Struct, frozen=True):
    """The unpacked SDK and an interpreter that can run its tests, or why there is none."""

    root: Path
    missing: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How one of their tests ended."""

    test: str
    failure: str | None


def _run(*command: str, cwd: Path) -> str | None:
    """Return None, or the last line that a failed command wrote."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    lines = (done.stderr.strip() or "nothing was said").splitlines()
    return None if done.returncode == 0 else f"`{Path(command[0]).name}`: {lines[-1]}"


def _fetch(root: Path) -> str | None:
    """Put the SDK's sources and what its tests need into a folder; return what failed."""
    uv = str(Path(sys.executable).with_name("uv"))
    download = ("pip", "download", "--quiet", "--no-deps", "--no-binary", "anthropic")
    failure = _run(sys.executable, "-m", *download, f"anthropic=={VERSION}", cwd=root)
    if failure is not None:
        return failure
    with tarfile.open(root / f"anthropic-{VERSION}.tar.gz") as archive:
        archive.extractall(root, filter="data")
    lock = (root / f"anthropic-{VERSION}" / "requirements-dev.lock").read_text()
    pins = [line for line in lock.splitlines() if re.match(r"[\w.-]+==", line)]
    (root / "pins.txt").write_text("\n".join(pins))
    return _run(uv, "venv", "--quiet", "--python", sys.executable, "venv", cwd=root) or _run(
        *(uv, "pip", "install", "--quiet", "--python", "venv", "--constraints", "pins.txt"),
        *NEEDS,
        cwd=root,
    )


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Fetched:
    root = tmp_path_factory.mktemp("sdk")
    try:
        return Fetched(root, _fetch(root))
    except (OSError, subprocess.TimeoutExpired) as error:
        return Fetched(root, str(error))


@pytest.fixture
def run_their_tests(
    fetched: Fetched, absent: Callable[[str], NoReturn], tmp_path: Path
) -> Callable[[SimulatorConfig], list[Outcome]]:
    """Run them against a simulator that is told so."""
    if fetched.missing is not None:
        absent(f"fetching the SDK's own tests ({fetched.missing})")

    def run(config: SimulatorConfig) -> list[Outcome]:
        report = tmp_path / "report.xml"
        hidden = ("ANTHROPIC_", "L9GATE_", "PYTEST_", "PYTHON", "COV_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(hidden)}
        with SimulatorThread(config) as simulator:
            done = subprocess.run(
                [
                    *(fetched.root / "venv/bin/python", "-m", "pytest", "-q", "--tb=line"),
                    *("-p", "no:cacheprovider", "-o", "addopts=-p tests._alias_httpx"),
                    *("-k", LEFT_OUT),
                    *(f"--junitxml={report}", *(f"tests/api_resources/{name}" for name in TESTS)),
                ],
                cwd=fetched.root / f"anthropic-{VERSION}",
                env={**kept, "TEST_API_BASE_URL": simulator.base_url},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert done.returncode in {0, 1}, done.stdout[-2000:] + done.stderr[-2000:]
        return _outcomes(report)

    return run


def _outcomes(report: Path) -> list[Outcome]:
    """Read what ran; a test that was skipped or broke outside its body is a failure, too."""
    found = []
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by our child
        bad = next((child for child in case if child.tag in {"failure", "error", "skipped"}), None)
        name = (
            f"{case.get('classname', '').removeprefix('tests.api_resources.')}.{case.get('name')}"
        )
        found.append(Outcome(name, None if bad is None else bad.get("message", bad.tag)))
    return found


def _expected_refusals() -> dict[str, Refused]:
    text = Path(__file__).with_name("sdk_refusals.toml").read_text(encoding="utf-8")
    refusals = msgspec.convert(tomllib.loads(text)["refusal"], list[Refused])
    assert all(re.fullmatch(r"\d+(\.\d+)?", refused.section) for refused in refusals)
    names = [name for refused in refusals for name in refused.tests]
    assert len(set(names)) == len(names)
    return {name: refused for refused in refusals for name in refused.tests}


def _differences(outcomes: list[Outcome], expected: Mapping[str, Refused]) -> list[str]:
    """Return where the outcomes are not as expected, one line each."""
    lines = []
    for outcome in outcomes:
        refused = expected.get(CLIENT.sub("", outcome.test))
        failure = outcome.failure
        if refused is None or failure is None:
            if (refused is None) != (failure is None):
                lines.append(f"{outcome.test}: {failure or 'accepted, though listed'}")
            continue
        status = STATUS.search(failure)
        if status is None or int(status[1]) != refused.status or refused.says not in failure:
            lines.append(f"{outcome.test}: {failure}, not {refused.status} {refused.says}")
    seen = {CLIENT.sub("", outcome.test) for outcome in outcomes}
    return lines + [f"{name}: listed, and there is no such test" for name in expected.keys() - seen]


def test_the_sdks_own_tests_pass_under_the_lenient_profile(
    run_their_tests: Callable[[SimulatorConfig], list[Outcome]],
) -> None:
    outcomes = run_their_tests(SimulatorConfig(load_factor=0, keys=KEYS, strictness="lenient"))
    assert len(outcomes) >= LEAST_TESTS
    found = _differences(outcomes, {})
    assert not found, "\n".join(found)


def test_the_strict_profile_refuses_exactly_what_is_listed(
    run_their_tests: Callable[[SimulatorConfig], list[Outcome]],
) -> None:
    outcomes = run_their_tests(SimulatorConfig(load_factor=0, keys=KEYS))
    assert len(outcomes) >= LEAST_TESTS
    found = _differences(outcomes, _expected_refusals())
    assert not found, "\n".join(found)
