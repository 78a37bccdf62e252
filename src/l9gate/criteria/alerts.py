"""Alerts: conditions on a sliding window, by point estimates, a record for each change of state."""

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import msgspec

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import Condition
from l9gate.criteria.quantities import BY_NAME, Rate, Sample
from l9gate.criteria.samples import Observation
from l9gate.criteria.snapshot import Snapshot
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Alert
from l9gate.measure.intervals import nearest_rank

OK = "ok"
INSUFFICIENT = "insufficient data"


class Severity(StrEnum):
    """What an alert asks of whoever is on call."""

    WARNING = "warning"
    CRITICAL = "critical"
    INVESTIGATE = "investigate"


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sliding window: how long it is, how often it is looked at, what it must hold."""

    window_s: Annotated[float, msgspec.Meta(ge=1)] = 300.0
    step_s: Annotated[float, msgspec.Meta(ge=1)] = 10.0
    min_samples: Annotated[int, msgspec.Meta(ge=1)] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """A condition that is raised while it holds."""

    name: str
    requirement: str
    severity: Severity
    when: Condition
    where: Mapping[str, str] = field(default_factory=dict)


def evaluate_alerts(
    log: EvidenceLog,
    rules: Iterable[AlertRule],
    scope: Scope,
    settings: AlertSettings = AlertSettings(),  # noqa: B008  # frozen
) -> list[Alert]:
    """Return every change of state of every rule, in the order of time and then of the rules.

    A window ends at each multiple of the step and holds what ended within `window_s` before it,
    its start excluded. A rule begins in the state of insufficient data.
    """
    snapshot = Snapshot.of_log(log)
    watched = [(rule, _Series(rule, snapshot, scope)) for rule in rules]
    times = [one.at_s for _, series in watched for one in series.observations]
    if not times:
        return []
    states = {rule.name: INSUFFICIENT for rule, _ in watched}
    changes: list[Alert] = []
    first = math.ceil(min(times) / settings.step_s)
    last = math.ceil(max(times) / settings.step_s)
    for step in range(first, last + 1):
        end_s = step * settings.step_s
        for rule, series in watched:
            change = _change(rule, series.window(end_s, settings), states[rule.name], settings)
            if change is not None:
                states[rule.name] = change.after
                changes.append(msgspec.structs.replace(change, at_s=end_s))
    return changes


def estimate(rule: AlertRule, values: Sequence[float]) -> float | None:
    """Return the point estimate of a rule's quantity: a nearest rank or a plain share."""
    if not values:
        return None
    if rule.when.quantile is None:
        return sum(values) / len(values)
    return nearest_rank(sorted(values), rule.when.quantile)


class _Series:
    """What one rule watches, in the order of time."""

    def __init__(self, rule: AlertRule, log: EvidenceLog, scope: Scope) -> None:
        quantity = BY_NAME[rule.when.quantity]
        found: list[Observation] = []
        if isinstance(quantity, Sample | Rate):
            found = quantity.observe(Excerpt(log, scope, where=rule.where))
        self.observations = sorted(found, key=lambda one: one.at_s)
        self._times = [one.at_s for one in self.observations]

    def window(self, end_s: float, settings: AlertSettings) -> list[float]:
        """Return the values of the window that ends then."""
        start = bisect.bisect_right(self._times, end_s - settings.window_s)
        end = bisect.bisect_right(self._times, end_s)
        return [one.value for one in self.observations[start:end]]


def _change(
    rule: AlertRule, values: list[float], before: str, settings: AlertSettings
) -> Alert | None:
    """Return the change of state that a window brings; its time is filled in by the caller."""
    observed = estimate(rule, values)
    if observed is None or len(values) < settings.min_samples:
        after = INSUFFICIENT
    else:
        is_raised = rule.when.operator.holds(observed, rule.when.limit)
        after = str(rule.severity) if is_raised else OK
    if after == before:
        return None
    return Alert(
        at_s=0.0,
        rule=rule.name,
        before=before,
        after=after,
        observed=observed,
        samples=len(values),
    )
