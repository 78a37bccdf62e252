"""Other load generators, each in a virtual environment of its own, and what a run of one says.

`python -m venv DIR/locust && DIR/locust/bin/pip install locust`, the same with `guidellm` and
`aiperf`. The last two count tokens and want a tokenizer of a model hub for that; they get one of a
few words that is made here, since what they count does not matter. They speak the other chat API.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from simulator_peers import LOAD_CORE, SERVER_CORE, child, free_port
from simulator_peers import await_port as await_server

from l9gate.wire.json import Json

PYTHON = Path(sys.executable)
_LOCUST = """
from locust import FastHttpUser, constant, task
BODY, HEADERS = {body!r}, {{"content-type": "application/json", "authorization": "Bearer sk"}}
class User(FastHttpUser):
    wait_time = constant(0)
    @task
    def ask(self):
        self.client.post("/v1/messages", data=BODY, headers=HEADERS)
"""
_TOKENIZER = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
words = {"<unk>": 0, "</s>": 1, "word": 2, "the": 3, "and": 4, "of": 5}
made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
made.pre_tokenizer = pre_tokenizers.Whitespace()
chat = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", eos_token="</s>",
    pad_token="</s>", bos_token="</s>", chat_template=chat).save_pretrained(sys.argv[1])
"""


@dataclass(frozen=True)
class Said:
    """What a client says of its run, and what it cost."""

    requests: int
    cpu_s: float
    ttft_s: tuple[float, ...] = ()  # sorted; or its quantiles at 0.5 and 0.99
    latency_s: tuple[float, ...] = ()


class PeerError(Exception):
    """A peer is not there or does not run."""


Run: TypeAlias = Callable[[str, int, int], Said]  # URL, users, requests


@contextmanager
def server(words: str, place: Path) -> Iterator[str]:
    """Our server that knows the truth; it leaves that at `place`."""
    port = free_port()
    script = str(Path(__file__).with_name("driver_server.py"))
    with child([os.fspath(PYTHON), script, str(port), str(place), *words.split()], SERVER_CORE):
        await_server(port)
        yield f"http://127.0.0.1:{port}"


def run_ours(url: str, *words: str) -> dict[str, Json]:
    """One load of ours in a process of its own."""
    script = str(Path(__file__).with_name("driver_client.py"))
    with tempfile.TemporaryDirectory() as place:
        out = Path(place, "said.json")
        _run([os.fspath(PYTHON), script, str(out), url, *words], Path(place))
        answer: dict[str, Json] = json.loads(out.read_text())
    return answer


def run_wrk(url: str, script: str, users: int, seconds: int) -> Said:
    """The limit: a client in C that keeps nothing of a call."""
    command = ["wrk", "-t1", f"-c{users}", f"-d{seconds}", "-s", script, url]
    said, cpu_s = _run(command, Path(tempfile.gettempdir()))
    return Said(int(said.partition(" requests in ")[0].split()[-1]), cpu_s)


def locust(home: Path, body: str) -> Callable[[str, int, int], Said]:
    """Locust's FastHttpUser; `requests` are seconds, since it does not count."""

    def run(url: str, users: int, seconds: int) -> Said:
        with tempfile.TemporaryDirectory() as place:
            Path(place, "locustfile.py").write_text(_LOCUST.format(body=body))
            command = [str(home / "locust/bin/locust"), "--headless", "--json", "--host", url]
            command += ["-u", str(users), "-r", str(users), "-t", f"{seconds}s"]
            said, cpu_s = _run(command, Path(place))
        (row,) = json.loads(said[said.index("[") :])
        spread = sorted((float(ms), int(count)) for ms, count in row["response_times"].items())
        latency_s = tuple(ms / 1000 for ms, count in spread for _ in range(count))
        return Said(int(row["num_requests"]), cpu_s, latency_s=latency_s)

    return run


def aiperf(home: Path) -> Run:
    """AIPerf: several processes, all on the core of the load."""

    def run(url: str, users: int, requests: int) -> Said:
        with tempfile.TemporaryDirectory() as place:
            _make_tokenizer(home / "aiperf/bin/python", Path(place, "tokens"))
            command = [str(home / "aiperf/bin/aiperf"), "profile", "--model", "m", "--url", url]
            command += ["--endpoint-type", "chat", "--streaming", "--tokenizer", "tokens"]
            command += ["--isl", "5", "--osl", "5", "--ui", "none"]
            command += ["--concurrency", str(users), "--request-count", str(requests)]
            command += ["--output-artifact-dir", str(Path(place, "out"))]
            _, cpu_s = _run(command, Path(place))
            lines = Path(place, "out", "profile_export.jsonl").read_text().splitlines()
        metrics = [json.loads(line)["metrics"] for line in lines]
        return Said(len(metrics), cpu_s, _sorted_s(metrics, "time_to_first_token"))

    return run


def guidellm(home: Path) -> Run:
    """GuideLLM, likewise."""

    def run(url: str, users: int, requests: int) -> Said:
        with tempfile.TemporaryDirectory() as place:
            tokens, out = Path(place, "tokens"), Path(place, "out.json")
            _make_tokenizer(home / "guidellm/bin/python", tokens)
            command = [str(home / "guidellm/bin/guidellm"), "run", "--disable-progress"]
            command += ["--backend", f"kind=openai_http,target={url},model=m"]
            command += ["--profile", f"kind=concurrent,streams={users}"]
            command += ["--constraint", f"kind=max_requests,count={requests}"]
            command += ["--tokenizer", f"kind=hf_auto,model={tokens}"]
            command += ["--data", "kind=synthetic_text,prompt_tokens=5,output_tokens=5"]
            command += ["--output", f"kind=json,path={out}"]
            _, cpu_s = _run(command, Path(place))
            (found,) = json.loads(out.read_text())["benchmarks"]
        ttft = found["metrics"]["time_to_first_token_ms"]["successful"]
        quantiles = ttft["percentiles"]["p50"] / 1000, ttft["percentiles"]["p99"] / 1000
        return Said(int(ttft["count"]), cpu_s, quantiles)

    return run


def _sorted_s(metrics: list[dict[str, dict[str, float]]], name: str) -> tuple[float, ...]:
    return tuple(sorted(one[name]["value"] / 1000 for one in metrics))


def _make_tokenizer(python: Path, place: Path) -> None:
    subprocess.run([python, "-c", _TOKENIZER, place], check=True, capture_output=True)
    (place / "config.json").write_text('{"model_type": "gpt2"}')


def _run(command: list[str], place: Path) -> tuple[str, float]:
    """Run a client on the core of the load; return what it prints and its CPU time."""
    if not command[0].startswith("wrk") and not Path(command[0]).exists():
        raise PeerError(f"there is no `{command[0]}`")
    before = os.times()
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), *command],
        check=False,
        capture_output=True,
        text=True,
        cwd=place,
        timeout=300,
    )
    after = os.times()
    if done.returncode:
        raise PeerError(
            f"`{Path(command[0]).name}` ended with {done.returncode}: {done.stderr[-300:]}"
        )
    spent_s = after.children_user - before.children_user
    return done.stdout, spent_s + after.children_system - before.children_system
