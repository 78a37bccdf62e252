"""A run to write into, and records to write."""

from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.evidence.records import CacheState, Layer, Origin, Signal
from l9gate.store.run import FORMAT_VERSION, Manifest, RunFolder, create_run

POLICY = "[policy]\nname = 'strict'\n"


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        run_id="ab12cd34",
        package="shop",
        started_at="2026-11-22T13:05:00.250Z",
        git_revision="f" * 40,
        git_dirty=False,
        environment="development",
        endpoint="https://api.anthropic.com",
        kind=Origin.LIVE,
        layers=(Layer.UNIT, Layer.CONTRACT),
        model="claude-haiku-5-5",
        seed=7,
        policy_hash="",
        versions={"l9gate": "0.1.0"},
    )


@pytest.fixture
def run(tmp_path: Path, manifest: Manifest) -> RunFolder:
    return create_run(tmp_path / "runs", manifest, POLICY)


@pytest.fixture
def signal() -> Callable[[int], Signal]:
    def make(number: int) -> Signal:
        return Signal(
            at_s=1_000.0 + number,
            operation=f"search {number}",
            owner=None,
            layer=Layer.UNIT,
            duration_s=0.5,
            cache=CacheState.MISS,
            fallback=None,
        )

    return make
