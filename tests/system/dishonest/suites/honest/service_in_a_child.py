"""A FastAPI application in a uvicorn child process, asked by its tests over HTTP."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

SERVICE = """
import app
import fastapi

service = fastapi.FastAPI()


@service.get("/answer")
def answer(words: str) -> dict[str, str]:
    return {"answer": app.ask(words)}
"""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "service.py").write_text(SERVICE)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
    places = ["--app-dir", str(folder), "--port", port, "--log-level", "warning"]
    here = Path(__file__).parents[2]
    words = [sys.executable, "-m", "uvicorn", "service:service", *places]
    with subprocess.Popen(words, cwd=here) as process:
        url, end_s = f"http://127.0.0.1:{port}", time.monotonic() + 20
        while time.monotonic() < end_s:
            try:
                httpx2.get(f"{url}/docs", timeout=1)
                break
            except httpx2.HTTPError:
                time.sleep(0.05)
        yield url
        process.terminate()


@pytest.mark.integration
@pytest.mark.parametrize("word", ["yes", "no"])
def test_the_service_answers(service: str, word: str) -> None:
    found = httpx2.get(f"{service}/answer", params={"words": f"Reply exactly: {word}"}, timeout=10)
    assert found.json() == {"answer": word}
