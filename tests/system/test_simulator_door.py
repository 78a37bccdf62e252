"""Keys, profiles and encodings of the simulator as its users meet them."""

import gzip
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from l9gate.simulator.server import SimulatorThread

BODY = b'{"model":"string","max_tokens":300,"messages":[{"role":"user","content":"hi"}]}'
VERSION = {"anthropic-version": "2026-10-21"}
COMMAND = (sys.executable, "-m", "l9gate", "simulate", "--load-factor", "0", "--stop-with-stdin")
KEYS = """
[[key]]
value = "sk-good-1"
limits = { requests_per_min = 1 }

[[key]]
value = "sk-broke-1"
state = "out_of_credit"
"""


def test_keys_and_a_profile_come_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(KEYS)
    command = [*COMMAND, "--keys", str(file), "--profile", "lenient"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = f"{process.stdout.readline().strip()}/v1/messages"
        asked = ("sk-good-1", "sk-good-1", "sk-broke-1", "sk-other-1")
        answers = [
            httpx2.post(url, headers={**VERSION, "x-api-key": key}, content=BODY) for key in asked
        ]
        process.communicate()
    assert [answer.status_code for answer in answers] == [200, 429, 402, 401]
    assert answers[0].json()["model"] == "string"
    assert answers[1].headers["anthropic-ratelimit-requests-limit"] == "1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[key]]\nvalue = 'sk-secret'\nstate = 'x'\n", "keys.toml line 3: key 1: `state`"),
        ("[[key]\n", "no TOML"),
    ],
)
def test_a_mistake_in_the_keys_stops_the_start(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    done = subprocess.run(
        [*COMMAND, "--keys", str(file)], capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 78
    assert words in done.stderr
    assert "sk-secret" not in done.stderr


def test_a_small_body_that_grows_beyond_the_limit_is_a_413(simulator: SimulatorThread) -> None:
    bomb = gzip.compress(bytes(33 * 1024 * 1024), compresslevel=1)
    headers = {**VERSION, "x-api-key": "sk-good-1", "content-encoding": "gzip"}
    answer = httpx2.post(f"{simulator.base_url}/v1/messages", headers=headers, content=bomb)
    assert answer.status_code == 413
    error = answer.json()["error"]
    assert error["type"] == "request_too_large"
    assert error["details"] == {"error_code": "request_body_too_large_after_decoding"}
