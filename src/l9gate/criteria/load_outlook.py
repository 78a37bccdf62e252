"""What a load of so many calls could decide, before a single one is sent; pure."""

from collections.abc import Iterable

import msgspec

from l9gate.criteria.criterion import Criterion, Role, Scope
from l9gate.criteria.expression import render_condition
from l9gate.criteria.quantities import BY_NAME
from l9gate.criteria.quantity import Trended
from l9gate.criteria.stopping import sampled, wrong_share
from l9gate.criteria.threshold import Threshold
from l9gate.criteria.waiver import NotApplicable
from l9gate.measure.intervals import most_under
from l9gate.measure.sample_sizes import samples_needed
from l9gate.wire.messages import Usage
from l9gate.wire.prices import PriceList


class LoadSize(msgspec.Struct, frozen=True, kw_only=True):
    """How much is going to be sent."""

    calls: int
    duration_s: float
    model: str
    input_tokens: int  # of one call
    output_tokens: int

    def usd(self, prices: PriceList) -> float | None:
        """Return what it costs; None for a model without a price."""
        usage = Usage(input_tokens=self.input_tokens, output_tokens=self.output_tokens)
        each_usd = prices.cost_usd(self.model, usage)
        return None if each_usd is None else self.calls * each_usd


class LoadProspect(msgspec.Struct, frozen=True, kw_only=True):
    """What a load could say about one criterion, if every call gives it one sample."""

    criterion: str
    role: Role
    condition: str
    basis: str
    needs: int | None  # at least so many samples, all of them good; None: no number shows it
    allowed: int | None  # so many may be wrong and it is still kept; None: it cannot be
    breaks: int | None  # so many wrong ones show it broken; None: not even all of them
    minutes: float | None  # until there are as many as it needs
    usd: float | None  # the same

    @property
    def is_decidable(self) -> bool:
        """Whether so many calls can show it kept."""
        return self.allowed is not None


def soak_needs_s(criteria: Iterable[Criterion]) -> float | None:
    """Return how long a soak must last for all of its trends to be judged; None: none is asked."""
    inner = (one.criterion if isinstance(one, NotApplicable) else one for one in criteria)
    return max(
        (
            one.min_window_s
            for one in inner
            if isinstance(one, Threshold) and isinstance(BY_NAME[one.condition.quantity], Trended)
        ),
        default=None,
    )


def plan_load(
    criteria: Iterable[Criterion], scope: Scope, size: LoadSize, prices: PriceList
) -> tuple[LoadProspect, ...]:
    """Return what a load could decide of the criteria that count its calls.

    Args:
        criteria: of the policy, those that were asked of the scope.
        scope: of the run to come; its `stopping` tells which bounds count.
        size: of the load.
        prices: of models.
    """
    usd = size.usd(prices)
    found = []
    for criterion, role in sampled(criteria, scope):
        quantity, share = BY_NAME[criterion.condition.quantity], wrong_share(criterion.condition)
        if share is None or not quantity.name.startswith("load."):
            continue
        is_finite = 0 < share < 1
        needs = samples_needed(1 - share, scope.alpha, rule=scope.rule) if is_finite else None
        good = most_under(size.calls, 1 - share, scope.alpha, scope.rule)
        part = None if needs is None else needs / size.calls
        found.append(
            LoadProspect(
                criterion=criterion.name,
                role=role,
                condition=render_condition(criterion.condition),
                basis=quantity.basis,
                needs=needs,
                allowed=most_under(size.calls, share, scope.alpha, scope.rule),
                breaks=None if good is None else size.calls - good,
                minutes=None if part is None else part * size.duration_s / 60,
                usd=None if part is None or usd is None else part * usd,
            )
        )
    return tuple(found)
