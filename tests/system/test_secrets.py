"""A planted key appears in no artefact, log, report or error of any command: design §2.9."""

import base64
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from l9gate.cli.main import COMMANDS
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.server import SimulatorThread

KEY = "sk-ant-api03-planted-Zq7Wm4Xv9LpR2tYb"
STAGING_KEY = "sk-ant-api03-planted-Hs3Nd8Kc1JfQ6uGe"
PROMPT = "planted-prompt-that-nobody-may-keep"
SETTINGS = """
package = "shop"
model = "claude-haiku-5-5"

[layers.unit]
paths = ["tests/unit"]

[layers.integration]
paths = ["tests/integration"]
marker = "integration"

[environments.development]
base_url = "{simulator}"

[environments.staging]
base_url = "{hostile}"

[environments.gossip]
base_url = "{hostile}/open"
key_variable = "STAGING_API_KEY"

[environments.closed]
base_url = "http://127.0.0.1:9"
key_variable = "STAGING_API_KEY"
"""
TESTS = f"""
import os
import anthropic
import pytest


def ask(**options):
    with anthropic.Anthropic(max_retries=0, **options) as client:
        return client.messages.create(
            model="claude-haiku-5-5",
            max_tokens=16,
            messages=[{{"role": "user", "content": "{PROMPT}"}}],
        )


@pytest.mark.integration
def test_it_answers():
    assert ask().stop_reason == "end_turn"


@pytest.mark.integration
def test_it_fails_and_shows_all_it_has():
    key = os.environ["ANTHROPIC_API_KEY"]
    print("the key is", key)
    assert ask() == key


@pytest.mark.integration
def test_it_raises_the_key():
    raise ValueError(os.environ["ANTHROPIC_API_KEY"])


@pytest.mark.integration
@pytest.mark.parametrize("key", [os.environ.get("ANTHROPIC_API_KEY")])
def test_it_takes_the_key(key):
    assert ask(api_key=key).stop_reason == "end_turn"


@pytest.mark.integration
def test_it_skips_for_the_key():
    pytest.skip("no use of " + os.environ["ANTHROPIC_API_KEY"])
"""
# Of every command the ways in which it meets a key; `{run}` is the newest run.
WAYS = {
    "run": [
        "run integration --rehearse",
        "run unit integration",
        "run integration --env staging",
        "run --env closed",
        "run integration --env gossip",
        "run integration --env gossip --proxy",
    ],
    "load": [
        "load --rehearse --rate 'constant 20/s' --duration 2s --load-factor 0",
        "load --env staging --rate 'constant 5/s' --duration 2s",
        "load --env closed --duration 1s",
        "load --env gossip --rate 'constant 5/s' --duration 2s --stream",
    ],
    "soak": [
        "soak --rehearse --entry sdk --minutes 0.05 --rate 'constant 20/s' --load-factor 0",
        "soak --env gossip --entry sdk --minutes 0.03 --rate 'constant 5/s'",
        "soak --env closed --entry sdk --minutes 0.03",
    ],
    "judge": ["judge {run}", "judge nowhere"],
    "report": ["report {run}", "report {run} --format json", "report {run} --format junit"],
    "explain": ["explain suite-pass-rate"],
    "history": ["history"],
    "override": ["override {run} --reason because --owner me --expires 2027-01-01"],
    "watch": ["watch {run}"],
    "doctor": ["doctor --live", "doctor --live --env staging", "doctor --live --env closed"],
    "init": ["init"],
    "simulate": ["simulate --port 99999999"],
    "plan": ["plan", "plan --env staging"],
    "control": ["control --minutes 0.3"],
    "contract": [
        "contract check",
        "contract check --env staging",
        "contract check --env gossip --all",
        "contract check --env gossip --format sarif",
        "contract baseline --env gossip",
        "contract check --env gossip --format json",
        "contract diff l9gate-contract.json l9gate-contract.json --all",
        "contract upgrade-report {run}",
    ],
    "proxy": ["proxy --upstream http://127.0.0.1:9 --port 99999999"],
}


class Hostile(BaseHTTPRequestHandler):
    """Refuses everybody, and says the key back in every place it can; lets into `/open` first."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        said = self.headers.get("authorization") or self.headers.get("x-api-key") or ""
        key = said.removeprefix("Bearer ")
        body = json.dumps({"type": "error", "error": {"type": key, "message": f"bad key {key}"}})
        is_door = self.path == "/open/v1/models?limit=1"
        self.send_response(200 if is_door else 401, f"bad key {key}")
        self.send_header("request-id", f"req_{key}")
        self.send_header(f"x-{key}", "nothing" if is_door else key)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET  # noqa: N815 - as the base class wants it

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Shop:
    """A project whose owner has two keys, and everything that was ever printed in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.printed: dict[str, str] = {}

    def l9gate(self, way: str) -> None:
        runs = sorted((self.root / ".l9gate/runs").glob("*"))
        words = shlex.split(way.format(run=runs[-1] if runs else "none"))
        hidden = ("ANTHROPIC_", "L9GATE_", "STAGING_", "PROD_", "PYTEST_", "COV_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        keys = {"ANTHROPIC_API_KEY": KEY, "STAGING_API_KEY": STAGING_KEY, "L9GATE_DEBUG": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "l9gate", *words],
            cwd=self.root,
            env=kept | keys,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode != 70, done.stdout
        self.printed[way] = done.stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, hostile: str) -> Iterator[Shop]:
    """The project, after every command was used in every way."""
    root = tmp_path_factory.mktemp("shop")
    for layer in ("unit", "integration"):
        (root / "tests" / layer).mkdir(parents=True)
    (root / "tests/unit/test_sum.py").write_text("def test_sum():\n    assert 1 + 1 == 2\n")
    (root / "tests/integration/test_shop.py").write_text(TESTS)
    (root / "pytest.ini").write_text("[pytest]\nmarkers = integration\n")
    with SimulatorThread(SimulatorConfig(load_factor=0.0)) as simulator:
        settings = SETTINGS.format(simulator=simulator.base_url, hostile=hostile)
        (root / "l9gate.toml").write_text(settings)
        found = Shop(root)
        for command in sorted(WAYS, key=lambda name: name != "run"):
            for way in WAYS[command] if command in COMMANDS else ():
                found.l9gate(way)
        yield found


def forms_of(secret: str) -> list[bytes]:
    """Return a text as it is, and as encodings that anybody can undo."""
    raw = secret.encode()
    return [raw, base64.b64encode(raw).rstrip(b"=")[:-2], raw.hex().encode(), raw[::-1], raw[12:30]]


def test_every_command_is_tried() -> None:
    assert set(COMMANDS) <= set(WAYS)


@pytest.mark.parametrize("secret", [KEY, STAGING_KEY], ids=["common", "staging"])
def test_no_file_holds_the_key(shop: Shop, secret: str) -> None:
    # What pytest keeps for `--lf` are the names that the author gave, ids of parameters included.
    files = [
        path
        for path in shop.root.rglob("*")
        if path.is_file() and ".pytest_cache" not in path.parts
    ]
    assert sum(path.name == "evidence.db" for path in files) >= 2
    kept = [
        str(path.relative_to(shop.root))
        for path in files
        for form in forms_of(secret)
        if form in path.read_bytes()
    ]
    assert kept == []


def test_no_file_holds_a_prompt_or_an_answer(shop: Shop) -> None:
    for path in (shop.root / ".l9gate").rglob("*"):
        if path.is_file():
            assert PROMPT.encode() not in path.read_bytes(), path
            assert b"means nothing" not in path.read_bytes(), path  # the simulator's answer


@pytest.mark.parametrize("secret", [KEY, STAGING_KEY], ids=["common", "staging"])
def test_nothing_that_was_printed_holds_the_key(shop: Shop, secret: str) -> None:
    assert len(shop.printed) > len(COMMANDS)
    told = [way for way, text in shop.printed.items() if secret[12:30] in text]
    assert told == []
