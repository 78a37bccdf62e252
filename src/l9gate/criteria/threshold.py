"""A condition on a number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from l9gate.criteria.bursts import decide_bursts
from l9gate.criteria.criterion import Finding, Role, Scope, State, is_covered
from l9gate.criteria.decision import (
    Decision,
    decide_number,
    decide_pace,
    decide_quantile,
    decide_rate,
    decide_trend,
)
from l9gate.criteria.effort import describe_effort
from l9gate.criteria.excerpt import CALL_KEYS, Excerpt
from l9gate.criteria.expression import Condition, render_condition
from l9gate.criteria.load_bursts import BURSTING, observe_calls
from l9gate.criteria.load_finding import price_of_load, qualify
from l9gate.criteria.quantities import (
    BY_NAME,
    OF_ANY_RUN,
    CountedRate,
    PaceOf,
    RankedSample,
    Rate,
    Sample,
    Scalar,
    Trended,
)
from l9gate.criteria.rest import prices_of
from l9gate.criteria.samples import describe_mix
from l9gate.evidence.load import Source
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Layer

MAX_NAMED = 20
# What to do about a broken one; not before, since tracing makes tests several times slower.
WHO_ALLOCATES = {
    "memory_growth_bytes": "who allocates: `memray run -m pytest TEST`, then `memray tree`"
}
SUSTAINED_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Asks whether a quantity stands as it should to its limit."""

    name: str
    role: Role
    layers: frozenset[Layer]
    condition: Condition
    requirements: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    min_n: int = 0
    min_window_s: float = SUSTAINED_S
    sources: frozenset[str] = frozenset()
    burst_s: float | None = None  # samples that follow each other so closely are of one burst

    def is_asked_of(self, scope: Scope) -> bool:
        """Return whether all its layers and sources were asked for; of l9gate itself, always."""
        is_of_any_run = self.condition.quantity in OF_ANY_RUN and not self.layers
        return is_of_any_run or is_covered(scope, self.layers, self.sources)

    def judge(self, log: EvidenceLog, scope: Scope) -> Finding:
        """Return the answer that the excerpt of the log gives."""
        excerpt = Excerpt(log, scope, self.layers, self.where)
        quantity = BY_NAME[self.condition.quantity]
        decision, note, evidence = (
            self._decide(excerpt, scope)
            if self.burst_s is None
            else self._decide_bursts(excerpt, scope, self.burst_s)
        )
        asks_calls = quantity.keys == CALL_KEYS and decision.state is State.UNPROVEN
        is_load = quantity.name.startswith(f"{Source.LOAD}.")
        reasons = (decision.reason, note)
        finding = Finding(
            criterion=self.name,
            requirements=self.requirements,
            role=self.role,
            state=decision.state,
            condition=render_condition(self.condition),
            observed=decision.observed,
            limit=self.condition.limit,
            unit=quantity.unit.value,
            n=decision.n,
            basis=quantity.basis,
            interval=decision.interval,
            reason="; ".join(reason for reason in reasons if reason) or None,
            decides=describe_effort(
                decision,
                quantity.basis,
                excerpt.calls if asks_calls else (),
                prices_of(log),
                price_of_load(excerpt, decision.n) if is_load else None,
            ),
            evidence=evidence[:MAX_NAMED],
            where=dict(self.where),
            layers=tuple(layer for layer in Layer if layer in self.layers),
            sources=tuple(source for source in Source if source in self.sources),
        )
        return qualify(finding, self.condition, excerpt) if is_load else finding

    def _decide(
        self, excerpt: Excerpt, scope: Scope
    ) -> tuple[Decision, str | None, tuple[str, ...]]:
        """Return the decision, a note for the reader, and the names behind it."""
        quantity = BY_NAME[self.condition.quantity]
        if isinstance(quantity, RankedSample):
            ranked = quantity.rank(excerpt)
            return decide_quantile(ranked, self.condition, scope.alpha, scope.rule), None, ()
        if isinstance(quantity, CountedRate):
            k, n = quantity.count(excerpt)
            return decide_rate(k, n, self.condition, scope.alpha, scope.rule), None, ()
        if isinstance(quantity, Sample):
            values = [one.value for one in quantity.observe(excerpt)]
            decision = decide_quantile(values, self.condition, scope.alpha, scope.rule)
            return decision, self._note_on_sample(excerpt, values), ()
        if isinstance(quantity, Rate):
            events = quantity.observe(excerpt)
            k = sum(one.value > 0 for one in events)
            return decide_rate(k, len(events), self.condition, scope.alpha, scope.rule), None, ()
        if isinstance(quantity, PaceOf):
            pace = quantity.read(excerpt)
            rule, window_s = scope.rule, self.min_window_s
            return decide_pace(pace, self.condition, scope.alpha, window_s, rule), None, ()
        return self._decide_fact(quantity, excerpt, scope)

    def _decide_bursts(
        self, excerpt: Excerpt, scope: Scope, burst_s: float
    ) -> tuple[Decision, str | None, tuple[str, ...]]:
        """Return the same for samples that come in bursts."""
        quantity = BY_NAME[self.condition.quantity]
        if quantity.name in BURSTING:
            calls = observe_calls(quantity.name, excerpt.load)
            decision, note = decide_bursts(calls, burst_s, self.condition, scope)
            return decision, note, ()
        assert isinstance(quantity, Sample | Rate)  # noqa: S101  # the policy takes nothing else
        found = quantity.observe(excerpt)
        decision, note = decide_bursts(found, burst_s, self.condition, scope)
        if isinstance(quantity, Rate):
            return decision, note, ()
        notes = (note, self._note_on_sample(excerpt, [one.value for one in found]))
        return decision, "; ".join(one for one in notes if one) or None, ()

    def _decide_fact(
        self, quantity: Scalar | Trended, excerpt: Excerpt, scope: Scope
    ) -> tuple[Decision, str | None, tuple[str, ...]]:
        """Return the same for what is no sample."""
        if isinstance(quantity, Trended):
            trend = quantity.find(excerpt)
            decision = decide_trend(trend, self.condition, scope.alpha, self.min_window_s)
            return decision, trend.note, trend.evidence
        reading = quantity.read(excerpt)
        decision = decide_number(reading.value, reading.n, self.condition, self.min_n)
        if reading.doubt is not None and decision.state is State.KEPT:
            decision = replace(decision, state=State.UNPROVEN, reason=reading.doubt)
        more = WHO_ALLOCATES.get(quantity.name) if decision.state is State.BROKEN else None
        return decision, "; ".join(filter(None, (reading.note, more))) or None, reading.evidence

    def _note_on_sample(self, excerpt: Excerpt, values: list[float]) -> str | None:
        """Return what a reader must know of a sample: timeouts in it, traffic mixed in it."""
        if BY_NAME[self.condition.quantity].keys != CALL_KEYS:
            return None
        censored = sum(math.isinf(value) for value in values)
        notes = (
            f"{censored} ended by a deadline count as +infinity" if censored else None,
            describe_mix(excerpt.calls, self.where),
        )
        return "; ".join(note for note in notes if note) or None
