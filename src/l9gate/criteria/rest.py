"""What a run whose budget was used up left undone, and what the rest would cost."""

from l9gate.criteria.criterion import Scope
from l9gate.criteria.ownership import Ownership
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Budget, Layer, LayerRun, LayerSpending
from l9gate.wire.prices import PriceList, in_dollars


def last_budgets(log: EvidenceLog) -> list[Budget]:
    """Return the last word on the money of every run in the log."""
    return list({one.run: one for one in log.of(Budget)}.values())


def prices_of(log: EvidenceLog) -> PriceList:
    """Return the prices that a run was accounted with: the shipped ones, and what it declared."""
    return PriceList(
        {name: price for one in last_budgets(log) for name, price in one.prices.items()}
    )


def cut_tests(log: EvidenceLog) -> tuple[str, ...]:
    """Return the tests that the budget ended: they neither passed nor failed."""
    return tuple(one.node_id for one in Ownership.of(log).first.values() if one.cut)


def cost_of_rest(log: EvidenceLog, scope: Scope) -> str | None:
    """Return what the tests that were not run would cost at the pace so far.

    None if no run was stopped by its budget. Layers that never started are named, since nothing is
    known of their cost.
    """
    budgets = [one for one in last_budgets(log) if one.refusal is not None]
    if not budgets:
        return None
    spent = {layer: _spent_usd(budgets, layer) for layer in Layer}
    tests = [one for one in Ownership.of(log).first.values() if one.layer is not None]
    selected = {run.layer: run.selected for run in log.of(LayerRun)}
    words, rest_usd = [], 0.0
    for layer in scope.layers:
        done = sum(one.layer is layer and not one.cut for one in tests)
        left = selected.get(layer, 0) - done
        if layer.is_real and layer not in selected:
            words.append(f"{layer}: not started")
        if not layer.is_real or left <= 0:
            continue
        if done == 0 or spent[layer] == 0:
            words.append(f"{layer}: {left} tests, at a cost that is not known")
            continue
        usd = left * spent[layer] / done
        rest_usd += usd
        words.append(f"{layer}: {left} tests, about {in_dollars(usd)}")
    total_usd = rest_usd + sum(spent.values())
    asked = f"a budget of about {in_dollars(total_usd)} or more" if rest_usd else "a larger budget"
    return f"{asked} (left to do: {'; '.join(words)})" if words else asked


def _spent_usd(budgets: list[Budget], layer: Layer) -> float:
    parts: list[LayerSpending] = [one for budget in budgets for one in budget.layers]
    return sum(one.spent_usd for one in parts if one.layer is layer)
