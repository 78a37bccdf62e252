"""`l9gate contract` end to end: what the simulator is told to do wrong is found and named."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.rules import FaultRule
from l9gate.simulator.server import SimulatorThread
from l9gate.wire.json import JsonObject

KEY = "sk-ant-secret-of-a-test"
Done = subprocess.CompletedProcess[str]
Command = Callable[..., Done]
MESSAGES = "/v1/messages"


def _command(folder: Path, *words: str, key: str | None = KEY) -> Done:
    hidden = ("L9GATE_", "ANTHROPIC_", "COV_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return subprocess.run(
        [sys.executable, "-m", "l9gate", *words],
        cwd=folder,
        env=environ | ({} if key is None else {"ANTHROPIC_API_KEY": key}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def _simulator(*rules: FaultRule, seed: int = 1) -> Iterator[str]:
    with SimulatorThread(SimulatorConfig(load_factor=0, seed=seed, rules=rules)) as running:
        yield running.base_url


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without settings, with a baseline of the simulator."""
    folder = tmp_path_factory.mktemp("accepted")
    done = _command(folder, "contract", "baseline", "--rehearse", key=None)
    assert done.returncode == 0, done.stderr
    assert not (folder / ".l9gate").exists()  # a rehearsal spends nothing
    return folder


@pytest.mark.parametrize(("seed", "model"), [(2, "claude-haiku-5-5"), (3, "claude-sonnet-5-5")])
def test_a_healthy_endpoint_shows_no_difference(accepted: Path, seed: int, model: str) -> None:
    words = ("--rehearse", "--seed", str(seed), "--model", model)
    done = _command(accepted, "contract", "check", *words, "--all", key=None)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == ["rehearsal: no difference in 36 probes · the simulator"]


@pytest.mark.parametrize(
    ("fault", "code", "impact", "path"),
    [
        ("drop_header=request-id", "header.missing", "breaking", "header request-id"),
        ("set_header=anthropic-ratelimit-tokens-limit:many", "header.form", "breaking", "header"),
        ("content_type=text/plain", "header.content_type", "breaking", "header content-type"),
        ("remove_field=usage.output_tokens", "shape.missing", "breaking", "/usage/output_tokens"),
        ("rename_field=stop_reason:why", "shape.missing", "breaking", "/stop_reason"),
        ("retype_field=usage.input_tokens:string", "shape.type", "breaking", "/usage/input_tokens"),
        ("retype_field=id:null", "shape.null", "breaking", "/id"),
        ("set_field=stop_reason:paused", "shape.value", "compatible", "/stop_reason"),
        ("set_field=model:claude-opus-5", "model.echo", "breaking", "/model"),
        ("add_field=speedy", "shape.added", "compatible", "/speedy"),
        ("duplicate_event=message_start", "stream.order", "breaking", "event 1"),
        ("drop_event=message_stop", "stream.unended", "breaking", "event"),
        ("wrong_index=content_block_delta", "stream.index", "breaking", "event"),
        ("malformed_event=2", "stream.malformed", "breaking", "event 2"),
        ("unknown_event=2", "stream.unknown_event", "ignorable", "event 2"),
        ("done_event", "stream.unnamed", "warning", "event"),
        ("cut_after_events=3", "stream.unended", "breaking", "event 3"),
        ("empty", "content.empty", "warning", "/content"),
        ("invalid_json_text", "output.format", "breaking", "/content"),
    ],
)
def test_what_drifts_is_found_and_named_with_its_class(
    accepted: Path, fault: str, code: str, impact: str, path: str
) -> None:
    with _simulator(FaultRule(fault=fault, path=MESSAGES), seed=7) as url:
        done = _command(accepted, "contract", "check", "--url", url, "--format", "json")
    report = json.loads(done.stdout)
    drifts = [line["drift"] for line in report["lines"]]
    found = [one for one in drifts if one["code"] == code and one["path"].startswith(path)]
    assert {one["impact"] for one in found} == {impact}
    assert done.returncode == (1 if "breaking" in {one["impact"] for one in drifts} else 0)


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ("status=403", {"status.changed"}),
        ("error_shape=html", {"envelope.foreign", "header.content_type"}),
    ],
)
def test_an_error_that_drifts_is_found(accepted: Path, fault: str, codes: set[str]) -> None:
    rule = FaultRule(fault=fault, path=MESSAGES, model="claude-no-such-model")
    with _simulator(rule) as url:
        done = _command(accepted, "contract", "check", "--url", url, "--format", "json")
    lines = json.loads(done.stdout)["lines"]
    assert {(line["subject"], line["drift"]["code"]) for line in lines} == {
        ("error.unknown_model", code) for code in codes
    }
    assert done.returncode == 1


def test_probes_that_meet_only_overload_leave_the_contract_unproven(accepted: Path) -> None:
    with _simulator(FaultRule(fault="status=529,retry_after=0", path=MESSAGES)) as url:
        done = _command(accepted, "contract", "check", "--url", url)
    assert done.returncode == 2, done.stdout
    assert "unproven   message: answered 529" in done.stdout


def test_a_missing_a_refused_key_and_a_dead_endpoint_end_before_the_first_probe(
    tmp_path: Path,
) -> None:
    without = _command(tmp_path, "contract", "check", key=None)
    assert without.returncode == 69
    assert "`ANTHROPIC_API_KEY` is not set" in without.stderr
    with _simulator(FaultRule(fault="status=401")) as url:
        refused = _command(tmp_path, "contract", "check", "--url", url)
    assert refused.returncode == 69
    assert "refused the key" in refused.stderr
    dead = _command(tmp_path, "contract", "check", "--url", "http://127.0.0.1:1")
    assert dead.returncode == 69
    assert not any(KEY in one.stdout + one.stderr for one in (without, refused, dead))
    assert list(tmp_path.iterdir()) == []


def test_a_baseline_that_cannot_be_read_ends_before_the_first_probe(tmp_path: Path) -> None:
    file = tmp_path / "l9gate-contract.json"
    file.write_text("<<<<<<< ours")
    with _simulator() as url:
        done = _command(tmp_path, "contract", "check", "--url", url)
    assert done.returncode == 65
    assert "no baseline" in done.stderr
    assert "delete it" in done.stderr
    assert "spent" not in done.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_a_live_check_is_paid_from_the_ledger_and_its_limit_holds(
    accepted: Path, tmp_path: Path
) -> None:
    baseline = ("--baseline", str(accepted / "l9gate-contract.json"))
    with _simulator() as url:
        poor = ("check", "--url", url, "--budget", "0.0001")
        refused = _command(tmp_path, "contract", *poor, *baseline)
        paid = _command(tmp_path, "contract", "check", "--url", url, *baseline)
    assert refused.returncode == 75, refused.stderr
    assert paid.returncode == 0, paid.stdout
    assert "spent $" in paid.stderr
    assert (tmp_path / ".l9gate/ledger.db").is_file()


def test_a_baseline_is_replaced_only_on_demand_and_keeps_what_is_relied_on(
    accepted: Path, tmp_path: Path
) -> None:
    file = tmp_path / "l9gate-contract.json"
    written: JsonObject = json.loads((accepted / file.name).read_text())
    file.write_text(json.dumps(written | {"reliance": {"headers": ["request-id"]}}))
    before = file.read_text()
    refused = _command(tmp_path, "contract", "baseline", "--rehearse")
    assert refused.returncode == 64
    assert file.read_text() == before
    replaced = _command(tmp_path, "contract", "baseline", "--rehearse", "--accept")
    assert replaced.returncode == 0
    now = json.loads(file.read_text())
    assert now["reliance"] == {"headers": ["request-id"], "models": ["claude-haiku-5-5"]}
    assert now["probes"] == written["probes"]  # two seeds of one endpoint make one baseline


def test_a_waiver_silences_until_its_day_and_the_place_is_a_line(
    accepted: Path, tmp_path: Path
) -> None:
    (tmp_path / "l9gate-contract.json").write_text((accepted / "l9gate-contract.json").read_text())
    waivers = tmp_path / "l9gate-contract-waivers.toml"
    text = '[[waiver]]\ncode = "model.echo"\nreason = "alias"\nowner = "Ada"\nexpires = {}\n'
    with _simulator(FaultRule(fault="set_field=model:claude-opus-5", path=MESSAGES)) as url:
        check = ("contract", "check", "--url", url)
        waivers.write_text(text.format("2099-01-01"))
        waived = _command(tmp_path, *check)
        waivers.write_text(text.format("2020-01-01"))
        expired = _command(tmp_path, *check)
        sarif = _command(tmp_path, *check, "--format", "sarif")
    assert (waived.returncode, expired.returncode) == (0, 1)
    assert "alias (Ada, until 2099-01-01)" in waived.stdout
    assert "waiver of Ada for `model.echo` expired on 2020-01-01" in expired.stdout
    (first, *_) = json.loads(sarif.stdout)["runs"][0]["results"]
    (location,) = first["locations"]
    place = location["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "l9gate-contract.json"}
    lines = (tmp_path / "l9gate-contract.json").read_text().splitlines()
    assert lines[place["region"]["startLine"] - 1].strip() == '"message": {'


def test_two_baselines_are_compared(accepted: Path, tmp_path: Path) -> None:
    text = (accepted / "l9gate-contract.json").read_text()
    older, newer = tmp_path / "older.json", tmp_path / "newer.json"
    older.write_text(text)
    changed = json.loads(text)
    del changed["documents"]["message"]["/usage/output_tokens"]
    newer.write_text(json.dumps(changed))
    assert _command(tmp_path, "contract", "diff", str(older), str(older)).returncode == 0
    done = _command(tmp_path, "contract", "diff", str(older), str(newer))
    assert done.returncode == 1
    assert "shape.missing  /usage/output_tokens" in done.stdout
    newer.write_text("{}")
    assert _command(tmp_path, "contract", "diff", str(older), str(newer)).returncode == 65


def test_an_upgrade_is_reported_by_line_and_a_code_is_explained(tmp_path: Path) -> None:
    (tmp_path / "bodies.jsonl").write_text('{"model": "m"}\n{"temperature": 0.2}\n')
    words = ("contract", "upgrade-report", "--bodies", "bodies.jsonl")
    done = _command(tmp_path, *words, key=None)
    assert done.returncode == 1
    assert "accept.sampling  /temperature" in done.stdout
    assert "in request 2 (bodies.jsonl:2)" in done.stdout
    explained = _command(tmp_path, "explain", "accept.sampling", key=None)
    assert "refuses `temperature`" in explained.stdout
    misspelt = _command(tmp_path, "explain", "accept.samplin", key=None)
    assert misspelt.returncode == 64
    assert "`accept.samplin` is no code, and no criterion of policy.toml" in misspelt.stderr
    assert "did you mean `accept.sampling`?" in misspelt.stderr
    assert _command(tmp_path, *words, "--to", "2027-01-01", key=None).returncode == 64
