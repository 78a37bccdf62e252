"""What an application relies on: declared, accepted and seen, each by its name."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from l9gate.contract import Reliance, make_baseline
from l9gate.contract.drift import tell
from l9gate.errors import RunCorruptError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import End, Exchange, Origin, TestOutcome
from l9gate.gate import relying
from l9gate.gate.relying import Seen, rely, see, see_newest
from l9gate.report.contract import ContractLine, ContractReport, render_contract_text
from l9gate.store.relies_on import ReliesOn
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


def test_the_newest_run_of_the_package_with_calls_counts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert see_newest(settings) is None
    own = settings.package
    packages = {"1-older": own, "2-newer": own, "3-foreign": "another", "4-unit": own}
    models = {"1-older": ("a",), "2-newer": ("b",), "4-unit": ()}
    for name in (*packages, "5-damaged"):
        (settings.runs / name).mkdir(parents=True)

    def open_run(path: Path) -> SimpleNamespace:
        if path.name not in packages:
            raise RunCorruptError("no manifest")
        return SimpleNamespace(manifest=SimpleNamespace(package=packages[path.name]))

    monkeypatch.setattr(relying, "open_run", open_run)
    monkeypatch.setattr(relying, "see_run", lambda path: Seen(run="r", models=models[path.name]))
    assert see_newest(settings) == Seen(run="r", models=("b",))
