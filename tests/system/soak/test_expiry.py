"""X-04: what expires after minutes or hours does so in a rehearsed soak of seconds."""

import os
import subprocess
import sys
from pathlib import Path

from l9gate.evidence.gauges import CACHE_EXPIRIES, TASKS, TOKEN_EXPIRIES
from l9gate.evidence.load import LoadBlock
from l9gate.evidence.records import Gauge
from l9gate.store.run import open_run

POLICY = """
format = 1

[[criterion]]
name = "cache"
role = "exit"
sources = ["soak"]
require = "soak.cache_expiries >= 1"
min_window_s = 5
why = "Prompts expire."

[[criterion]]
name = "tokens"
role = "exit"
sources = ["soak"]
require = "soak.token_expiries >= 1"
min_window_s = 5
why = "Tokens expire."
"""
SETTINGS = """
package = "soaked"
model = "claude-haiku-5-5"
policy = "policy.toml"

[load]
app = "shop:ask"
workload = "shop:questions"
"""
SHOP = """
import itertools
import json
import os

import anthropic

numbers = itertools.count()
clients = []


def questions(seed):
    system = [{"type": "text", "text": "word " * 5000, "cache_control": {"type": "ephemeral"}}]
    for number in itertools.count():
        yield {
            "model": "claude-haiku-5-5",
            "max_tokens": 16,
            "system": system,
            "messages": [{"role": "user", "content": "Say one word."}],
        }


def renew():
    token = f"sk-ant-oat01-{next(numbers)}"
    clients[:] = [anthropic.AsyncAnthropic(auth_token=token)]


async def ask(body):
    if not clients:
        renew()
    try:
        await clients[0].messages.create(**json.loads(body))
    except anthropic.AuthenticationError:
        renew()
        await clients[0].messages.create(**json.loads(body))
"""


def test_an_application_meets_expired_prompts_and_tokens(tmp_path: Path) -> None:
    """Its prompts live half a second here, its tokens four seconds; it renews them itself."""
    for name, text in {"l9gate.toml": SETTINGS, "policy.toml": POLICY, "shop.py": SHOP}.items():
        (tmp_path / name).write_text(text)
    words = "soak --rehearse --minutes 0.2 --entry app --load-factor 0 --time-factor 600"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "l9gate", *words.split()),
            *("--rate", "constant 1.5/s", "--token-lifetime", "40min"),
        ],
        cwd=tmp_path,
        env={**os.environ, "L9GATE_ENV": "development"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = (tmp_path / ".l9gate" / "runs").iterdir()
    with open_run(run).read() as log:
        last = {one.name: one.value for one in log.of(Gauge)}
        ends = {end for block in log.of(LoadBlock) for end in block.ends}
    assert last[CACHE_EXPIRIES] >= 1
    assert last[TOKEN_EXPIRIES] >= 1
    assert last[TASKS] > 0  # of the application, which runs in the soak's own process
    assert ends == {0}
