"""Which rule a run is judged by: the one it was started with, whatever the policy says later."""

from pathlib import Path

import pytest

from l9gate import gate
from l9gate.errors import PolicyError
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.sequential import Stopping
from l9gate.store.run import FORMAT_VERSION, Manifest, create_run

POLICY = "format = 1\n[statistics]\nconfidence = 0.9\nlooks = {looks}\nstopping = '{stopping}'\n"


def make_run(folder: Path, number: int, stopping: Stopping, text: str, shards: int = 1) -> Path:
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        run_id=f"ab12cd3{number}",
        package="shop",
        started_at="2026-11-22T13:05:00.250Z",
        git_revision="f" * 40,
        git_dirty=False,
        environment="staging",
        endpoint="https://api.anthropic.com",
        kind=Origin.LIVE,
        layers=(Layer.PERFORMANCE,),
        model=None,
        seed=7,
        policy_hash="",
        versions={},
        stopping=stopping,
        shard=number % shards,
        shards=shards,
    )
    return create_run(folder, manifest, text).path


@pytest.mark.parametrize(
    ("started", "stated", "judged", "judged_by_another"),
    [
        ("fixed", "fixed", "fixed", "fixed"),
        ("anytime", "fixed", "anytime", "anytime"),
        ("fixed", "anytime", "fixed", "anytime"),
    ],
)
def test_what_may_have_been_stopped_is_never_judged_as_if_it_were_not(
    tmp_path: Path, started: str, stated: str, judged: str, judged_by_another: str
) -> None:
    text = POLICY.format(looks=2, stopping=stated)
    run = make_run(tmp_path, 1, Stopping(started), text)
    scope = gate.judge([run]).verdict.scope
    assert scope.stopping == judged
    assert scope.alpha == pytest.approx(0.1 if judged == "anytime" else 0.05)
    (tmp_path / "other.toml").write_text(text)
    assert gate.judge([run], tmp_path / "other.toml").verdict.scope.stopping == judged_by_another


def test_bounds_that_always_hold_need_no_declared_looks(tmp_path: Path) -> None:
    for stopping in Stopping:
        text = POLICY.format(looks=1, stopping=stopping)
        runs = [make_run(tmp_path / stopping, number, stopping, text) for number in (1, 2)]
        if stopping is Stopping.FIXED:
            with pytest.raises(PolicyError, match="looks 2 times") as error:
                gate.judge(runs)
            assert "anytime" in (error.value.hint or "")
        else:
            assert gate.judge(runs).verdict.scope.alpha == pytest.approx(0.1)


def test_shares_of_one_load_are_looked_at_once(tmp_path: Path) -> None:
    """What several machines sent of one schedule is no repetition of it."""
    text = POLICY.format(looks=1, stopping="fixed")
    runs = [make_run(tmp_path, number, Stopping.FIXED, text, shards=2) for number in (1, 2)]
    assert gate.judge(runs).verdict.scope.alpha == pytest.approx(0.1)
