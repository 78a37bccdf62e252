"""What must have been exercised at all: failure scenarios, each proved by a test."""

from dataclasses import dataclass

from l9gate.criteria.criterion import Finding, Role, Scope, State, is_covered
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import Condition
from l9gate.criteria.outcomes import Account, account_of
from l9gate.criteria.quantities import Scalar
from l9gate.criteria.threshold import MAX_NAMED
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Layer

_MAX_TOLD = 3


@dataclass(frozen=True, slots=True)
class Refutation:
    """A single number that shows the tests of scenarios wrong, whatever they say."""

    quantity: Scalar
    condition: Condition

    def why(self, excerpt: Excerpt) -> str | None:
        """Return what was seen that the tests deny; None if nothing was, or nothing is known."""
        seen = self.quantity.read(excerpt)
        holds = self.condition.operator.holds
        if seen.value is None or not holds(seen.value, self.condition.limit):
            return None
        found = f"refuted: {self.quantity.name} is {seen.value:g}, n={seen.n:,}"
        return "; ".join((found, *seen.evidence[:_MAX_TOLD]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Asks whether every named scenario has a test, and all its tests passed with proof."""

    name: str
    role: Role
    layers: frozenset[Layer]
    scenarios: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    refuted_by: Refutation | None = None

    def is_asked_of(self, scope: Scope) -> bool:
        """Return whether all its layers were asked for."""
        return is_covered(scope, self.layers, frozenset())

    def judge(self, log: EvidenceLog, scope: Scope) -> Finding:
        """Return broken if a test of a scenario failed, unproven if one has no passed test.

        Broken as well if other evidence refutes what the tests showed.
        """
        excerpt = Excerpt(log, scope, self.layers)
        account = account_of(excerpt)
        refuted = None if self.refuted_by is None else self.refuted_by.why(excerpt)
        states = {name: _state_of(name, account) for name in self.scenarios}
        broken = [name for name, state in states.items() if state is State.BROKEN]
        missing = [name for name, state in states.items() if state is State.UNPROVEN]
        proved = len(states) - len(broken) - len(missing)
        reasons = [] if refuted is None else [refuted]
        reasons += [
            f"{word}: {', '.join(names)}"
            for word, names in (("failed", broken), ("not proved", missing))
            if names
        ]
        return Finding(
            criterion=self.name,
            requirements=self.requirements,
            role=self.role,
            state=State.BROKEN if broken or refuted else State.UNPROVEN if missing else State.KEPT,
            condition=self._condition(),
            observed=float(proved),
            limit=float(len(states)),
            unit="",
            n=sum(
                not set(self.scenarios).isdisjoint(one.outcome.scenarios) for one in account.tests
            ),
            basis="tests",
            reason="; ".join(reasons) or None,
            decides=f"a passing test for {', '.join(missing)}" if missing else None,
            evidence=_offenders(frozenset(broken + missing), account),
            layers=tuple(layer for layer in Layer if layer in self.layers),
        )

    def _condition(self) -> str:
        proved = f"scenarios proved: {', '.join(self.scenarios)}"
        if self.refuted_by is None:
            return proved
        return f"{proved}; not refuted by {self.refuted_by.quantity.name}"


def _state_of(scenario: str, account: Account) -> State:
    tests = [test for test in account.tests if scenario in test.outcome.scenarios]
    if any(test.failed for test in tests):
        return State.BROKEN
    return State.KEPT if tests and all(test.passed for test in tests) else State.UNPROVEN


def _offenders(scenarios: frozenset[str], account: Account) -> tuple[str, ...]:
    return tuple(
        test.label
        for test in account.tests
        if not test.passed and not scenarios.isdisjoint(test.outcome.scenarios)
    )[:MAX_NAMED]
