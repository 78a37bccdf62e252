"""The contract of an endpoint: learn it, hold it against what was learnt, foretell an upgrade."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import msgspec

from l9gate.contract import (
    Baseline,
    Contract,
    Drift,
    Observed,
    Reliance,
    compare_versions,
    find_count_drift,
    find_model_drifts,
    find_repeated_ids,
    is_transient,
    learn_baseline,
    make_baseline,
    parse_baseline,
)
from l9gate.contract.baseline import LEAST_REPEATS, Probe
from l9gate.contract.drift import tell
from l9gate.errors import BaselineError
from l9gate.report.contract import TRANSIENT, ContractLine, ContractReport
from l9gate.sources.probe.collect import ProbeAnswer
from l9gate.sources.probe.questions import CHEAPEST_MODEL, Question, questions_for
from l9gate.store.waivers import DriftWaiver
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.messages import as_text

# The same request, under the older version and under the newer one.
_VERSIONED = (("version.older", "message"), ("sampling.older", "sampling"))
_FAILED = frozenset({500, 501})  # thrice in a row, where a refusal is due: no passing overload
_UNHANDLED = "shape.unhandled"
_ALL = "all"  # the subject of what every answer is part of
_FORETOLD = "accept.sampling"  # that the newer version refuses it is what it promises


def read_baseline(path: Path) -> Baseline:
    """Return the baseline of a file.

    Raises:
        BaselineError: there is none, or it cannot be read.
    """
    try:
        return parse_baseline(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise BaselineError(
            f"{path}: there is no such baseline", hint="`l9gate contract baseline` learns one"
        ) from None
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error}") from error


def learn(
    answers: Sequence[ProbeAnswer], before: Baseline | None, models: Iterable[str]
) -> tuple[Baseline, tuple[str, ...]]:
    """Return the baseline that repeated answers make, and why probes are missing in it.

    Args:
        answers: of every probe, at least three.
        before: what the application relies on is taken over from it.
        models: that are relied on besides: the one that was asked, and those of traffic.

    Raises:
        BaselineError: no probe was answered often enough.
    """
    exchanges: dict[str, list[Observed]] = defaultdict(list)
    failures: dict[str, str] = {}
    for answer in answers:
        found = answer.observed
        if found is None or is_transient(found.status):
            why = answer.failure or f"answered {found.status if found else 'nothing'}"
            failures.setdefault(answer.probe, why)
        else:
            exchanges[answer.probe].append(found)
    whole = {name: found for name, found in exchanges.items() if len(found) >= LEAST_REPEATS}
    if not whole:
        why = next(iter(failures.values()), "too few repeats")
        raise BaselineError(f"no probe was answered {LEAST_REPEATS} times: {why}")
    known = Reliance() if before is None else before.reliance
    missing = tuple(f"{name}: {why}" for name, why in failures.items() if name not in whole)
    return learn_baseline(whole, known.with_models(models)), missing


def check(
    answers: Sequence[ProbeAnswer],
    questions: Sequence[Question],
    baseline: Baseline | None,
    today: date,
) -> tuple[list[tuple[str, Drift]], tuple[str, ...]]:
    """Return what differs, each with its probe, and what could not be told."""
    found, unproven = check_each(answers, questions, baseline)
    return found + compare_answers(answers, questions, baseline, today), unproven


def check_each(
    answers: Sequence[ProbeAnswer], questions: Sequence[Question], baseline: Baseline | None
) -> tuple[list[tuple[str, Drift]], tuple[str, ...]]:
    """Return how each answer differs by itself, and which are none.

    The documented statuses bind, whatever a baseline has seen.
    """
    contract = Contract(_bound(baseline or make_baseline(), questions))
    refused = {question.name for question in questions if question.is_refused}
    unproven = [
        f"{answer.probe}: {answer.failure}" for answer in answers if answer.observed is None
    ]
    found: list[tuple[str, Drift]] = []
    for name, observed in _seen(answers).items():
        for drift in contract.find_drifts(observed):
            if drift.code == TRANSIENT and observed.status in _FAILED and name in refused:
                found.append((name, tell("status.changed", "status", drift.expected, drift.found)))
            elif drift.code == TRANSIENT:
                unproven.append(f"{name}: answered {observed.status}")
            elif drift.code != _UNHANDLED:  # the application never asked this
                found.append((name, drift))
    return found, tuple(unproven)


def compare_answers(
    answers: Sequence[ProbeAnswer],
    questions: Sequence[Question],
    baseline: Baseline | None,
    today: date,
) -> list[tuple[str, Drift]]:
    """Return what answers say about each other, and about the models that are asked."""
    seen = _seen(answers)
    asked = {question.body.get("model") for question in questions if not question.is_refused}
    models = {*(baseline.reliance.models if baseline else ()), *filter(None, map(as_text, asked))}
    offered = _offered(seen.get("models.list"))
    retiring = find_model_drifts(sorted(models), offered, today)
    return [*_across(seen), *(("models.list", drift) for drift in retiring)]


def apply_waivers(
    report: ContractReport, waivers: Sequence[DriftWaiver], today: date, place: str
) -> ContractReport:
    """Return the report with what is waived marked; an expired waiver leaves it unproven."""
    valid = [waiver for waiver in waivers if not waiver.has_expired(today)]
    expired = tuple(
        f"{place}: waiver of {waiver.owner} for `{waiver.code}` expired on {waiver.expires}"
        for waiver in waivers
        if waiver.has_expired(today)
    )
    lines = mark_waived(report.lines, waivers, today)
    unused = tuple(
        f"{place}: {_why_idle(waiver)}"
        for waiver in valid
        if not any(_covers(waiver, line) for line in report.lines)
    )
    return msgspec.structs.replace(
        report,
        lines=lines,
        unproven=(*report.unproven, *expired),
        remarks=(*report.remarks, *unused),
    )


def mark_waived(
    lines: Iterable[ContractLine], waivers: Sequence[DriftWaiver], today: date
) -> tuple[ContractLine, ...]:
    """Return differences with who answers for them; an expired waiver waives nothing."""
    valid = [waiver for waiver in waivers if not waiver.has_expired(today)]
    return tuple(_waived(line, valid) for line in lines)


def place_lines(
    found: Iterable[tuple[str, Drift]], file: str, text: str
) -> tuple[ContractLine, ...]:
    """Return differences with the line of the baseline that is about their probe, if any."""
    numbers = {line.strip(): number for number, line in enumerate(text.splitlines(), 1)}
    lines = []
    for probe, drift in found:
        number = numbers.get(f'"{probe}": {{')
        where = None if number is None else file
        lines.append(ContractLine(subject=probe, drift=drift, file=where, line=number))
    return tuple(lines)


def _seen(answers: Sequence[ProbeAnswer]) -> dict[str, Observed]:
    return {answer.probe: one for answer in answers if (one := answer.observed) is not None}


def _bound(baseline: Baseline, questions: Sequence[Question]) -> Baseline:
    probes = dict(baseline.probes)
    for question in questions:
        known = probes.get(question.name)
        if known is None:
            known = Probe(repeats=0, statuses=question.statuses, headers={}, usual={})
        if not question.depends_on_model:  # else what was seen of this model binds
            known = msgspec.structs.replace(known, statuses=question.statuses)
        probes[question.name] = known
    return msgspec.structs.replace(baseline, probes=probes)


def _across(seen: dict[str, Observed]) -> Iterator[tuple[str, Drift]]:
    """Yield what several answers say about each other."""
    for older, newer in _VERSIONED:
        if older in seen and newer in seen:
            for drift in compare_versions(seen[older], seen[newer]):
                if drift.code not in {_FORETOLD, TRANSIENT}:
                    yield newer, drift
    for drift in find_repeated_ids(seen.values()):
        yield _ALL, drift
    counted, used = (_body_of(seen.get(name)) for name in ("count_tokens", "message"))
    usage = used.get("usage")
    distance = find_count_drift(counted, usage) if isinstance(usage, dict) else None
    if distance is not None:
        yield "count_tokens", distance


def _offered(listed: Observed | None) -> list[JsonObject] | None:
    data = _body_of(listed).get("data")
    if listed is None or listed.status != 200 or not isinstance(data, list):
        return None
    return [entry for entry in data if isinstance(entry, dict)]


def _body_of(observed: Observed | None) -> JsonObject:
    return (parse_object(observed.body) if observed is not None else None) or {}


def _waived(line: ContractLine, waivers: Sequence[DriftWaiver]) -> ContractLine:
    waiver = next((one for one in waivers if _covers(one, line)), None)
    if waiver is None:
        return line
    words = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"
    return msgspec.structs.replace(line, waiver=words)


def _why_idle(waiver: DriftWaiver) -> str:
    names = {_ALL, *(question.name for question in questions_for(CHEAPEST_MODEL))}
    whose = f"`{waiver.code}` of {waiver.owner}"
    if waiver.probe is None or waiver.probe in names:
        return f"nothing is waived any more by {whose}; delete it"
    return f"the waiver {whose} names the probe `{waiver.probe}`, which there is not"


def _covers(waiver: DriftWaiver, line: ContractLine) -> bool:
    return waiver.covers(line.drift.code, line.subject, line.drift.path)
