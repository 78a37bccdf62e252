"""Whether the evidence is all there: every layer and source that was asked for ran to its end."""

from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.rest import cost_of_rest, cut_tests, last_budgets
from l9gate.criteria.shortfall import why_incomplete
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import EndReason, Layer, LayerRun, SourceEnd
from l9gate.measure.sequential import Stopping

NAME = "complete"
MAX_NAMED = 20
_AGAIN = "run it again, to its end"


class Completeness:
    """Unproven for a run that was killed, stopped, cut short by its time limit, narrowed or empty.

    Unproven as well where a call of a load was planned and never sent.

    It is part of every policy and cannot be removed: evidence that stops before its end can look
    better than the whole.
    """

    name = NAME
    role = Role.EXIT
    layers: frozenset[Layer] = frozenset()

    def is_asked_of(self, scope: Scope) -> bool:  # noqa: ARG002  # of whatever was run
        """Return True: it cannot be left out."""
        return True

    def judge(self, log: EvidenceLog, scope: Scope) -> Finding:
        """Return kept if every asked layer has tests and a closing record that says *completed*."""
        ends: dict[str, SourceEnd] = {}
        for end in log.of(SourceEnd):
            if end.source not in ends or end.reason is EndReason.COMPLETED:
                ends[end.source] = end
        runs: dict[Layer, list[LayerRun]] = {}
        for run in log.of(LayerRun):
            runs.setdefault(run.layer, []).append(run)
        may_select = scope.narrowed is not None  # which is told below
        open_ends = [
            why
            for layer in scope.layers
            for why in (_why_incomplete(layer, ends, runs.get(layer, []), may_select=may_select),)
            if why is not None
        ]
        if scope.narrowed is not None and set(scope.layers) == set(Layer):
            open_ends.append(f"only tests matching `{scope.narrowed}` were run")
        missing = [why_incomplete(source, log) for source in scope.sources]
        asked = (*scope.layers, *scope.sources)
        done = len(asked) - len(open_ends) - sum(map(bool, missing))
        open_ends += [why for reasons in missing for why in reasons]
        cut = cut_tests(log)
        if cut:
            open_ends.append(f"{_who_cut(log, scope)} ended {len(cut)} tests before their end")
        rest = cost_of_rest(log, scope)
        return Finding(
            criterion=self.name,
            requirements=("R-08",),
            role=self.role,
            state=State.UNPROVEN if open_ends or not asked else State.KEPT,
            condition=f"every {_what(scope)} ran to its end",
            observed=float(max(done, 0)),
            limit=float(len(asked)),
            unit="",
            n=max(done, 0),
            basis="layers" if scope.layers else "sources",
            reason="; ".join(open_ends) or None,
            decides=rest or (_AGAIN if open_ends else None),
            evidence=cut[:MAX_NAMED],
        )


def _who_cut(log: EvidenceLog, scope: Scope) -> str:
    is_refused = any(budget.refusal is not None for budget in last_budgets(log))
    may_stop = scope.stopping is Stopping.ANYTIME
    return "the decision" if may_stop and not is_refused else "the budget"


def _what(scope: Scope) -> str:
    """Return what was asked to run, in a word or two."""
    if scope.layers and scope.sources:
        return "layer and source"
    return "source" if scope.sources else "layer"


def _why_incomplete(
    layer: Layer, ends: dict[str, SourceEnd], runs: list[LayerRun], *, may_select: bool
) -> str | None:
    end = ends.get(f"suite.{layer}")
    if end is None:
        return f"{layer} has no end: it was killed or never started"
    if end.reason is not EndReason.COMPLETED:
        return f"{layer} {end.reason}: {end.detail or 'no detail'}"
    fullest = max(runs, key=lambda run: run.selected, default=None)
    if fullest is None or fullest.selected == 0:
        return f"{layer} has no tests"
    left_out = fullest.collected - fullest.selected
    if left_out > 0 and not may_select:
        return f"{layer}: pytest's own options left out {left_out} of {fullest.collected} tests"
    return None
