"""What a killed gate leaves behind: nothing that goes on calling."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class ProcessTable(Protocol):
    def descendants_of(self, pid: int) -> set[int]: ...
    def is_running(self, pid: int) -> bool: ...


def test_a_gate_that_is_killed_alone_takes_its_children_with_it(
    project: Path, clean_environ: Mapping[str, str], processes: ProcessTable
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
        while (
            len(children := processes.descendants_of(process.pid)) < 2
            or time.monotonic() < end_s - 27
        ):
            assert time.monotonic() < end_s, "simulator and pytest did not start"
            time.sleep(0.1)
        process.kill()
    while any(map(processes.is_running, children)):
        assert time.monotonic() < end_s, "a child outlived the gate"
        time.sleep(0.1)
