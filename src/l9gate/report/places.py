"""What of a verdict has a file and a line, as SARIF: tests, survivors, differences of answers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from l9gate.contract import find_rule
from l9gate.criteria.criterion import Finding, Role, State
from l9gate.criteria.drifts import is_about_damage
from l9gate.criteria.excerpt import Excerpt
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import ContractDrift, Layer, Origin, TestOutcome, TestState
from l9gate.report.document import Document
from l9gate.report.sarif import SarifResult, render_sarif_log, split_place

_FAILED = frozenset({TestState.FAILED, TestState.ERROR})
_TESTS, _SURVIVORS = ("failures", "pass_rate"), ("control_survivors",)
_ANSWERS, _MOCKS = ("contract_drifts",), ("mock_drifts",)
_COMPLETE = "complete"  # the criterion of every policy
_REFUSED = "NetworkRefusedError"
_BREAKING, _WAIVED = "breaking", "waived"
_ANSWERABLE = "waived in the project's file of waivers"
_MAX_NAMED = 10


class Placed(msgspec.Struct, frozen=True):
    """One result, and the quantities that criteria about it ask for."""

    quantities: tuple[str, ...]
    result: SarifResult


def render_sarif(
    document: Document, log: EvidenceLog, why: Mapping[str, str]
) -> tuple[str, tuple[str, ...]]:
    """Return the SARIF document, and the notes in it, which count what has no place.

    Args:
        document: the report.
        log: the evidence that it rests on.
        why: what each criterion of the policy is for.
    """
    placed = place_results(document, log)
    results = [one.result for one in placed if one.result.file is not None]
    codes = {one.rule: rule.text for one in results if (rule := find_rule(one.rule)) is not None}
    notes = describe_rest(document, placed)
    return render_sarif_log(results, {**why, **codes}, notes), notes


def place_results(document: Document, log: EvidenceLog) -> list[Placed]:
    """Return everything in a verdict that may have a place, worst kind first."""
    excerpt = Excerpt(log, document.scope)
    return [
        *_of_tests(document, excerpt),
        *_of_survivors(document, excerpt),
        *_of_drifts(document, excerpt, document.scope.kind, _ANSWERS),
        *_of_drifts(
            document, Excerpt(log, document.scope, frozenset({Layer.UNIT})), Origin.MOCKED, _MOCKS
        ),
    ]


def describe_rest(document: Document, placed: Sequence[Placed]) -> tuple[str, ...]:
    """Return what is not shown, since it has no file: results, and findings that have none."""
    homeless = sum(one.result.file is None for one in placed)
    shown = {name for one in placed if one.result.file is not None for name in one.quantities}
    rest = [
        finding.criterion
        for finding in document.findings
        if finding.state is not State.KEPT and not finding.waived and _asked(finding) not in shown
    ]
    notes = []
    if homeless:
        notes.append(f"left out: {homeless} differences that belong to no test")
    if rest:
        more = f" and {len(rest) - _MAX_NAMED} more" if len(rest) > _MAX_NAMED else ""
        named = ", ".join(rest[:_MAX_NAMED]) + more
        notes.append(f"left out: {len(rest)} findings without a file and line: {named}")
    return tuple(notes)


def _of_tests(document: Document, excerpt: Excerpt) -> Iterator[Placed]:
    void = {test.node_id: test.reason for test in document.void_tests}
    tests = excerpt.ownership.first
    for name in sorted(tests):
        test = tests[name]
        if test.layer not in document.scope.layers or test.cut:
            continue
        if name in void:
            text = f"{name} passed without proof: {void[name]}"
        elif test.state not in _FAILED:
            continue
        elif test.error_class == _REFUSED:
            text = f"{name} reached for the network, which unit tests may not"
        else:
            text = f"{name} failed: {test.error_class or test.state}"
        yield _placed(document, _TESTS, test.layer, text, _place_of(test))


def _of_survivors(document: Document, excerpt: Excerpt) -> Iterator[Placed]:
    for one in {one: None for control in excerpt.controls()[-1:] for one in control.survivors}:
        text = f"{one.node_id} passes against {', '.join(one.against)} endpoints: {one.reason}"
        yield _placed(document, _SURVIVORS, one.layer, text, one.place)


def _of_drifts(
    document: Document, excerpt: Excerpt, kind: Origin, quantities: tuple[str, ...]
) -> Iterator[Placed]:
    is_mock = kind is Origin.MOCKED
    counts: Counter[ContractDrift] = Counter()
    for drift in excerpt.drifts_of(kind):
        if not (is_mock and is_about_damage(excerpt, drift.owner)):
            equal = msgspec.structs.replace(drift, at_s=0.0, count=1, exchange_id="")
            counts[equal] += drift.count
    for drift, count in counts.items():
        tests = excerpt.ownership.tests_of(drift.owner)
        place = drift.built_at or (_place_of(tests[0]) if tests else None)
        rule = find_rule(drift.code)
        words = f"{drift.place}: expected {drift.expected}, found {drift.found} ({count:,}x)"
        text = f"{'mock ' if is_mock else ''}{words}. {'' if rule is None else rule.text}".rstrip()
        found = _placed(document, quantities, drift.layer, text, place)
        changes: dict[str, object] = {"rule": drift.code}
        if drift.impact != _BREAKING:
            changes["level"] = "note" if drift.impact == _WAIVED else "warning"
        if drift.impact == _WAIVED:
            changes["justification"] = drift.waiver or _ANSWERABLE
        yield Placed(found.quantities, msgspec.structs.replace(found.result, **changes))


def _placed(
    document: Document,
    quantities: tuple[str, ...],
    layer: Layer | None,
    text: str,
    place: str | None,
) -> Placed:
    finding = _find(document, quantities, layer)
    name = _COMPLETE if finding is None else finding.criterion
    level = "warning" if finding is not None and finding.role is Role.ADVICE else "error"
    file, line = (None, None) if place is None else split_place(place)
    result = SarifResult(rule=name, level=level, text=text, file=file, line=line)
    return Placed(quantities, result)


def _find(document: Document, quantities: tuple[str, ...], layer: Layer | None) -> Finding | None:
    """Return the criterion that asks for one of the quantities; of the layer alone if there is."""
    asked = [one for one in document.findings if _asked(one) in quantities]
    own = [one for one in asked if layer in one.layers]
    return next(iter([*own, *(one for one in asked if not one.layers)]), None)


def _asked(finding: Finding) -> str:
    """Return the quantity that a criterion asks for."""
    return finding.condition.partition(" ")[0]


def _place_of(test: TestOutcome) -> str:
    """Return where a test failed, if that is in the project, else where it stands."""
    file = test.node_id.partition("::")[0]
    if test.location is not None and ("/" in test.location or test.location.startswith(file)):
        return test.location
    return test.place or file
