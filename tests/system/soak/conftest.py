"""Soaks of small servers that leak, or do not: `l9gate soak` for seconds instead of hours."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).with_name("server.py")
SETTINGS = """
[tool.l9gate]
package = "soaked"
model = "claude-haiku-5-5"
policy = "policy.toml"
"""
CRITERION = """
[[criterion]]
name = "{name}"
role = "exit"
sources = ["soak"]
require = "{require}"
min_window_s = 8
why = "Seconds stand for hours."
"""
REQUIRED = {
    "growth": "soak.memory_growth_bytes < 50MB",
    "memory": "soak.memory_leaks == 0",
    "descriptors": "soak.descriptor_leaks == 0",
    "threads": "soak.thread_leaks == 0",
    "tasks": "soak.task_leaks == 0",
}


class Soak:
    """One `l9gate soak` of the server in one of its modes, in a project of its own."""

    def __init__(self, root: Path, mode: str, *words: str) -> None:
        self.root = root
        root.mkdir()
        (root / "pyproject.toml").write_text(SETTINGS)
        criteria = (CRITERION.format(name=name, require=text) for name, text in REQUIRED.items())
        (root / "policy.toml").write_text("format = 1\n" + "".join(criteria))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        serve = f"{sys.executable} {SERVER} {port} {mode}"
        self.process = self.start(
            "--rehearse", "--command", serve, "--url", f"http://127.0.0.1:{port}",
            "--rate", "constant 60/s", *words,
        )  # fmt: skip
        self.output = self.errors = ""

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "l9gate", "soak", *words],
            cwd=self.root,
            env={**os.environ, "L9GATE_ENV": "development"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self) -> int:
        self.output, self.errors = self.process.communicate(timeout=90)
        return self.process.returncode

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)

    @property
    def run(self) -> Path:
        (run,) = (self.root / ".l9gate" / "runs").iterdir()
        return run

    def states(self) -> dict[str, str]:
        """Return how each criterion of the policy was judged."""
        words = (line.split() for line in self.output.splitlines() if line.startswith("  "))
        return {
            line[1]: line[0]
            for line in words
            if line and line[0] in {"kept", "broken", "unproven"} and line[1] in REQUIRED
        }


@pytest.fixture(scope="module")
def start_soak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Soak]]:
    """Return `start_soak(mode, *words)`, which starts one; those left are ended with the module."""
    started: list[Soak] = []

    def start(mode: str, *words: str) -> Soak:
        root = tmp_path_factory.mktemp("soak") / "project"
        started.append(Soak(root, mode, *words))
        return started[-1]

    yield start
    for soak in started:
        soak.end()
