"""What a killed gate leaves behind: nothing that goes on calling."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path


def descendants_of(pid: int) -> set[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = {int(one): int(two) for one, two in map(str.split, listed.stdout.splitlines())}
    found: set[int] = set()
    while more := {one for one, two in parents.items() if two in {pid, *found}} - found:
        found |= more
    return found


def is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return state.stdout.strip()[:1] not in {b"", b"Z"}


def test_a_gate_that_is_killed_alone_takes_its_children_with_it(
    project: Path, clean_environ: Mapping[str, str]
) -> None:
    # One long test: a session that prints would die of its broken pipe anyway.
    (project / "tests/integration/test_integration.py").write_text(
        "import time\nimport pytest\n\n@pytest.mark.integration\ndef test_long():\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "l9gate", "run", "integration", "--rehearse"],
        cwd=project,
        env=dict(clean_environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        end_s = time.monotonic() + 30
        while len(children := descendants_of(process.pid)) < 2 or time.monotonic() < end_s - 27:
            assert time.monotonic() < end_s, "simulator and pytest did not start"
            time.sleep(0.1)
        process.kill()
    while any(map(is_running, children)):
        assert time.monotonic() < end_s, "a child outlived the gate"
        time.sleep(0.1)
