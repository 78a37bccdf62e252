"""What an application relies on: declared, accepted and seen, each by its name."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from l9gate.contract import Reliance, make_baseline
from l9gate.contract.drift import tell
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import End, Exchange, Layer, Origin, TestOutcome
from l9gate.gate.relying import Seen, rely, see, see_newest
from l9gate.report.contract import ContractLine, ContractReport, render_contract_text
from l9gate.store.relies_on import ReliesOn
from l9gate.store.run import FORMAT_VERSION, Manifest, create_run
from l9gate.store.settings import Settings, default_settings

Build = Callable[..., Exchange]
GONE = tell("header.missing", "header x-quota", "a value", "nothing")
LOST = tell("model.absent", "/data", "`claude-a`", "no such model")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return msgspec.structs.replace(
        default_settings(tmp_path), relies_on=ReliesOn(headers=("x-quota",), models=("claude-b",))
    )


def test_all_words_count_and_each_is_known_by_its_source(settings: Settings) -> None:
    accepted = make_baseline(Reliance(models=("claude-c",), survives_unknown=False))
    seen = Seen(run="r7", models=("claude-a",))
    found = rely(settings, accepted, "api.json", seen)
    assert found.baseline.reliance == Reliance(
        headers=("x-quota",), models=("claude-a", "claude-b", "claude-c"), survives_unknown=False
    )
    lines = [ContractLine(subject="message", drift=one) for one in (GONE, LOST)]
    assert [line.concerns for line in found.explain(lines)] == [
        "it reads the header `x-quota` (declared in l9gate.toml)",
        "it names the model `claude-a` (seen in run r7)",
    ]


def test_promises_alone_are_enough(settings: Settings) -> None:
    assert rely(settings, None, "").baseline.reliance.models == ("claude-b",)


def test_a_report_says_what_a_difference_is_to_the_application(settings: Settings) -> None:
    lines = rely(settings, None, "").explain([ContractLine(subject="message", drift=GONE)])
    text = render_contract_text(ContractReport(what="h", count=1, unit="probes", lines=lines))
    assert "concerns you: it reads the header `x-quota` (declared in l9gate.toml)" in text


def test_traffic_shows_models_and_what_was_met(
    exchange: Build, outcome: Callable[..., TestOutcome]
) -> None:
    failing = outcome(node_id="t::fails", expects_error=("not_found_error",))
    log = MemoryLog(
        [
            failing,
            exchange(model="claude-a", stop_reason="end_turn"),
            exchange(model="claude-a", stop_reason="tool_use"),
            exchange(model=None, stop_reason=None),
            exchange(model="refused", status=400, error_type="invalid_request_error"),
            exchange(model="cut", end=End.CUT),
            exchange(model="mocked", origin=Origin.MOCKED),
            exchange(model="provoked", owner="t::fails"),
        ]
    )
    seen = see(log, Origin.LIVE, "r7")
    assert seen == Seen(run="r7", models=("claude-a",), stop_reasons=("end_turn", "tool_use"))
    assert 'run r7 met stop_reasons = ["end_turn", "tool_use"]' in str(seen.advice)
    assert see(MemoryLog(), Origin.LIVE, "r8").advice is None


def make_run(root: Path, minute: int, package: str, calls: list[Exchange]) -> None:
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        run_id=f"ab12cd{minute}",
        package=package,
        started_at=f"2026-11-22T13:{minute}:00.250Z",
        git_revision=None,
        git_dirty=False,
        environment="staging",
        endpoint="https://api.anthropic.com",
        kind=Origin.LIVE,
        layers=(Layer.CONTRACT,),
        model=None,
        seed=7,
        policy_hash="",
        versions={},
    )
    run = create_run(root, manifest, "")
    if calls:
        with closing(run.writer("pytest-main")) as writer:
            for call in calls:
                writer.put(call)


def test_the_newest_run_of_the_package_with_calls_counts(
    settings: Settings, exchange: Build
) -> None:
    assert see_newest(settings) is None
    make_run(settings.runs, 11, settings.package, [exchange(model="newer")])
    make_run(settings.runs, 12, "another", [exchange(model="foreign")])
    make_run(settings.runs, 13, settings.package, [])  # of unit tests, say
    (settings.runs / "20261122T140000Z-damaged").mkdir()
    seen = see_newest(settings)
    assert seen is not None
    assert (seen.run, seen.models) == ("20261122T131100Z-ab12cd11", ("newer",))
