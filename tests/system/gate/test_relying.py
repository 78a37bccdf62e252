"""What an application relies on, from its settings and from its own traffic, as users see it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Gate = Callable[..., subprocess.CompletedProcess[str]]
Newest = Callable[[], Path]

DECLARED = """
[contract.relies_on]
headers = ["x-quota"]
"""


def test_what_is_relied_on_raises_impacts_and_says_whose_word_it_is(
    l9gate: Gate, project: Path, newest_run: Newest
) -> None:
    settings = project / "l9gate.toml"
    settings.write_text(settings.read_text() + DECLARED)
    l9gate("run", "contract", "--rehearse")
    run = newest_run().name
    learnt = l9gate(
        "contract", "baseline", "--rehearse", "--run", run, "--model", "claude-opus-4-8"
    )
    assert learnt.returncode == 0, learnt.stderr
    assert f'run {run} met stop_reasons = ["max_tokens"]' in learnt.stderr
    reliance = json.loads((project / "l9gate-contract.json").read_text())["reliance"]
    assert reliance == {"models": ["claude-haiku-5-5", "claude-opus-4-8"]}

    checked = l9gate("contract", "check", "--rehearse")
    assert checked.returncode == 1
    assert "header.missing  header x-quota" in checked.stdout
    assert "it reads the header `x-quota` (declared in l9gate.toml)" in checked.stdout
