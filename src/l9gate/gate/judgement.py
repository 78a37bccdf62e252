"""Evidence and a policy to a verdict; reads folders, sends nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from l9gate.criteria.alerts import evaluate_alerts
from l9gate.criteria.completeness import Completeness
from l9gate.criteria.confidence import state_confidence
from l9gate.criteria.criterion import Finding, Scope, State
from l9gate.criteria.health import measure_health
from l9gate.criteria.policy import Policy, parse_policy, read_policy
from l9gate.criteria.snapshot import Snapshot
from l9gate.errors import ExitCode, PolicyError
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Alert
from l9gate.measure.sequential import Stopping
from l9gate.report.document import Document, build_document
from l9gate.store.overrides import read_overrides
from l9gate.store.run import Manifest, PooledLog, RunFolder, check_poolable, open_run
from l9gate.verdict import Verdict, decide

_WORST_FIRST = (ExitCode.NOT_READY, ExitCode.UNPROVEN, ExitCode.READY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, the document that explains it, and the evidence that both rest on."""

    verdict: Verdict
    document: Document
    log: EvidenceLog
    runs: tuple[Path, ...]
    why: Mapping[str, str]  # what each criterion of the policy is for


def judge(paths: Sequence[Path], policy: Path | None = None) -> Judgement:
    """Judge one run, or several pooled as one; reads files, sends nothing, writes nothing.

    Raises:
        RunDataError: a run cannot be read, or the runs are not of one thing.
        PolicyError: the policy is wrong, or was not declared for that many looks.
    """
    folders = [open_run(path) for path in paths]
    manifests = [folder.manifest for folder in folders]
    check_poolable(manifests)
    rules = _policy_of(folders, policy)
    logs = [folder.read() for folder in folders]
    log = Snapshot(PooledLog(logs))
    scope = scope_of(manifests[0], rules)
    findings = (_completeness(logs, manifests, scope), *rules.judge(log, scope))
    verdict = decide(findings, scope)
    document = build_document(
        manifests=manifests,
        verdict=verdict,
        health=measure_health(log, scope),
        confidence=state_confidence(rules.claims, findings, scope, log),
        overrides=[entry for folder in folders for entry in read_overrides(folder)],
        log=log,
    )
    return Judgement(verdict=verdict, document=document, log=log, runs=tuple(paths), why=rules.why)


def judge_packages(paths: Sequence[Path], policy: Path | None = None) -> list[Judgement]:
    """Judge each package's runs, pooled, and return the judgements worst first.

    Raises:
        RunDataError, PolicyError: see `judge`.
    """
    by_package: dict[str, list[Path]] = {}
    for path in paths:
        by_package.setdefault(open_run(path).manifest.package, []).append(path)
    judgements = [judge(runs, policy) for runs in by_package.values()]
    return sorted(judgements, key=lambda one: _WORST_FIRST.index(one.verdict.exit_code))


def watch(path: Path, policy: Path | None = None) -> list[Alert]:
    """Evaluate the alert rules over a run and write each change of state to `alerts.jsonl`.

    Raises:
        RunDataError: the run cannot be read.
        WriteError: its folder cannot be written.
    """
    folder = open_run(path)
    rules = _policy_of([folder], policy)
    with folder.read() as log:
        scope = scope_of(folder.manifest, rules)
        changes = evaluate_alerts(log, rules.alert_rules, scope, rules.alert_settings)
    lines = (msgspec.json.encode(change) + b"\n" for change in changes)
    folder.write("alerts.jsonl", b"".join(lines))
    return changes


def _policy_of(folders: Sequence[RunFolder], chosen: Path | None) -> Policy:
    stopping = folders[0].manifest.stopping
    if chosen is None:
        policy = parse_policy(folders[0].policy_text(), str(folders[0].path / "policy.toml"))
        policy = replace(policy, stopping=stopping)
    else:
        policy = read_policy(chosen)
        if stopping is Stopping.ANYTIME:  # what may have stopped when it was decided stays that
            policy = replace(policy, stopping=stopping)
    looks = len(_whole_runs([folder.manifest for folder in folders]))
    if policy.stopping is Stopping.FIXED and looks > policy.looks:
        raise PolicyError(
            f"pooling {looks} runs looks {looks} times at the evidence, "
            f"and the policy declares `looks = {policy.looks}`",
            hint="declare `[statistics] looks` before the first run, by which alpha is divided, "
            'or `stopping = "anytime"`, with which everybody may look as often as they like',
        )
    return policy


def scope_of(manifest: Manifest, policy: Policy) -> Scope:
    """Return what a run was asked to show."""
    return Scope(
        layers=manifest.layers,
        kind=manifest.kind,
        environment=manifest.environment,
        alpha=policy.alpha,
        narrowed=manifest.narrowed,
        sources=manifest.sources,
        stopping=policy.stopping,
    )


def _whole_runs(manifests: Sequence[Manifest]) -> list[list[int]]:
    """Return which runs are one: a load's shares make it up, and it is looked at once."""
    found: dict[str, list[int]] = {}
    for index, one in enumerate(manifests):
        name = one.run_id if one.shards == 1 else f"{one.shards} shares of seed {one.seed}"
        found.setdefault(name, []).append(index)
    return list(found.values())


def _completeness(
    logs: Sequence[EvidenceLog], manifests: Sequence[Manifest], scope: Scope
) -> Finding:
    """Return the worst of the runs: a complete one does not complete another."""
    findings = [
        Completeness().judge(PooledLog(logs[index] for index in indices), scope)
        for indices in _whole_runs(manifests)
    ]
    return next((f for f in findings if f.state is not State.KEPT), findings[0])
