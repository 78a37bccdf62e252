"""What a run would take and could decide; reads earlier runs and sends nothing."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from l9gate.criteria.criterion import Criterion, Scope
from l9gate.criteria.load_outlook import LoadProspect, LoadSize, plan_load, soak_needs_s
from l9gate.criteria.planning import Outlook, look_ahead
from l9gate.criteria.policy import Policy, parse_policy, policy_text_of
from l9gate.criteria.rest import last_budgets
from l9gate.criteria.snapshot import Snapshot
from l9gate.errors import BudgetError, RunDataError
from l9gate.evidence.load import Source
from l9gate.evidence.records import Exchange, Layer, LayerRun, Origin
from l9gate.gate.judgement import scope_of
from l9gate.gate.money import check_budget
from l9gate.gate.request import RunRequest, scope_of_request
from l9gate.measure.clock import Clock
from l9gate.measure.sequential import Stopping
from l9gate.store.history import read_history
from l9gate.store.ledger import Ledger
from l9gate.store.run import open_run
from l9gate.wire.prices import AS_OF, in_dollars

MAX_RUNS = 20  # that are looked back at


class LayerForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What one layer took the last time; None where nothing is known."""

    layer: Layer
    run: str | None
    kind: Origin | None
    tests: int | None
    calls: int | None
    minutes: float | None
    usd: float | None
    fits: bool | None  # whether the budget pays for it, after the layers before it


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run can be expected to decide one criterion."""

    outlook: Outlook
    decidable: bool | None  # None: not known
    why: str


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What is known before a run."""

    layers: tuple[LayerForecast, ...]
    prospects: tuple[Prospect, ...]
    environment: str
    budget: str  # in words
    caps_usd: dict[str, float]
    left_today_usd: float | None  # of the day's limit; None without one
    minutes: float | None  # of all layers; None if one is not known
    usd: float | None
    prices_as_of: str
    warnings: tuple[str, ...]
    stopping: Stopping = Stopping.FIXED


class LoadForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a load would send, cost, and could decide."""

    calls: int
    minutes: float
    usd: float | None  # None: its model has no price
    model: str
    environment: str
    stopping: Stopping
    prospects: tuple[LoadProspect, ...]
    prices_as_of: str
    soak_minutes: float | None  # the least for the trends of a soak; None: none is asked


class _Earlier(msgspec.Struct, frozen=True):
    """A run to learn from."""

    name: str
    layers: frozenset[Layer]
    kind: Origin
    log: Snapshot
    scope: Scope


def plan(request: RunRequest, clock: Clock) -> Forecast:
    """Return what the asked layers would take and what could be decided; sends nothing.

    Raises:
        PolicyError: the policy is wrong.
    """
    policy = _policy_of(request)
    scope = scope_of_request(request, policy)
    with ExitStack() as stack:
        earlier = list(_earlier_runs(request, policy, stack))
        layers, caps_usd, words, warnings = _money(request, clock, earlier)
        prospects = tuple(
            _prospect(
                criterion, scope, _newest(earlier, criterion.layers or set(scope.layers)), layers
            )
            for criterion in policy.asked(scope)
        )
    return Forecast(
        layers=layers,
        prospects=prospects,
        environment=request.environment.name,
        budget=words,
        caps_usd=caps_usd,
        left_today_usd=_left_today(request, clock, caps_usd),
        minutes=_total([one.minutes for one in layers]),
        usd=_total([one.usd for one in layers]),
        prices_as_of=AS_OF.isoformat(),
        warnings=warnings,
        stopping=policy.stopping,
    )


def forecast_load(request: RunRequest, size: LoadSize) -> LoadForecast:
    """Return what a load of this size would take and could decide; sends nothing.

    Raises:
        PolicyError: the policy is wrong.
    """
    policy = _policy_of(request)
    scope = Scope(
        layers=(),
        kind=request.kind,
        environment=request.environment.name,
        alpha=policy.alpha,
        sources=(Source.LOAD,),
        stopping=policy.stopping,
    )
    prices = request.settings.prices
    soak = msgspec.structs.replace(scope, sources=(Source.SOAK,))
    soak_s = soak_needs_s(policy.asked(soak))
    return LoadForecast(
        calls=size.calls,
        minutes=size.duration_s / 60,
        usd=size.usd(prices),
        model=size.model,
        environment=request.environment.name,
        stopping=policy.stopping,
        prospects=plan_load(policy.asked(scope), scope, size, prices),
        prices_as_of=AS_OF.isoformat(),
        soak_minutes=None if soak_s is None else soak_s / 60,
    )


def _policy_of(request: RunRequest) -> Policy:
    chosen = request.policy or request.settings.policy
    policy = parse_policy(policy_text_of(chosen), str(chosen or "the default policy"))
    return replace(policy, stopping=request.stopping or policy.stopping)


def _earlier_runs(request: RunRequest, policy: Policy, stack: ExitStack) -> Iterator[_Earlier]:
    """Yield readable runs of the same package and environment: live ones first, newest first."""
    found = [
        entry
        for entry in read_history(request.settings.runs)[:MAX_RUNS]
        if entry.manifest is not None
        and entry.manifest.package == request.settings.package
        and entry.manifest.environment == request.environment.name
        and entry.manifest.narrowed is None
    ]
    for wanted in (Origin.LIVE, Origin.SIMULATED):
        for entry in found:
            manifest = entry.manifest
            if manifest is None or manifest.kind is not wanted:
                continue
            try:
                log = stack.enter_context(open_run(entry.path).read())
            except RunDataError:
                continue
            scope = scope_of(manifest, policy)
            layers = frozenset(run.layer for run in log.of(LayerRun))
            yield _Earlier(entry.path.name, layers, manifest.kind, Snapshot(log), scope)


def _newest(
    earlier: Sequence[_Earlier], layers: "frozenset[Layer] | set[Layer]"
) -> _Earlier | None:
    return next((one for one in earlier if layers <= one.layers), None)


def _money(
    request: RunRequest, clock: Clock, earlier: Sequence[_Earlier]
) -> tuple[tuple[LayerForecast, ...], dict[str, float], str, tuple[str, ...]]:
    """Return the layers with what they cost, the limits, these in words, and warnings."""
    warnings = []
    caps_usd: dict[str, float] = {}
    words = "budget: none is needed, the unit layer calls nobody"
    if request.calls_api:
        try:
            caps = check_budget(
                request.settings, request.environment, request.kind, request.budget_usd
            )
            caps_usd = {word: usd for word, usd in caps.by_scope() if usd is not None}
            words = caps.in_words()
        except BudgetError as error:
            words = f"budget: {error}"
            warnings.append(f"{error}\n{error.hint}")
        stale = request.settings.prices.stale(datetime.fromtimestamp(clock.now_s(), UTC).date())
        warnings += [] if stale is None else [stale]
    limits = (caps_usd.get("run"), _left_today(request, clock, caps_usd))
    left_usd = min((usd for usd in limits if usd is not None), default=None)
    layers = []
    for layer in request.layers:
        known = _layer(layer, _newest(earlier, {layer}))
        fits = None
        if left_usd is not None and known.usd is not None:
            left_usd -= known.usd
            fits = left_usd >= 0
        layers.append(msgspec.structs.replace(known, fits=fits))
    return tuple(layers), caps_usd, words, tuple(warnings)


def _layer(layer: Layer, earlier: _Earlier | None) -> LayerForecast:
    if earlier is None:
        return LayerForecast(
            layer=layer, run=None, kind=None, tests=None, calls=None, minutes=None, usd=None,
            fits=None,
        )  # fmt: skip
    runs = [run for run in earlier.log.of(LayerRun) if run.layer is layer]
    kind = earlier.kind
    calls = [one for one in earlier.log.of(Exchange) if one.layer is layer and one.origin is kind]
    budgets = last_budgets(earlier.log)
    parts = [part for one in budgets for part in one.layers if part.layer is layer]
    is_told = bool(budgets) and all(one.is_final for one in budgets)
    spent_usd = sum(part.spent_usd for part in parts) if is_told else None
    return LayerForecast(
        layer=layer,
        run=earlier.name,
        kind=kind,
        tests=sum(run.selected for run in runs),
        calls=len(calls),
        minutes=sum(run.ended_s - run.started_s for run in runs) / 60,
        usd=spent_usd if layer.is_real else 0.0,
        fits=None,
    )


def _prospect(
    criterion: Criterion,
    scope: Scope,
    earlier: _Earlier | None,
    layers: Sequence[LayerForecast],
) -> Prospect:
    facts = None if earlier is None else (earlier.name, earlier.log, earlier.scope)
    outlook = look_ahead(criterion, scope, facts)
    wanted = criterion.layers or frozenset(scope.layers)
    dear = [one.layer for one in layers if one.layer in wanted and one.fits is False]
    if dear:
        return Prospect(
            outlook=outlook,
            decidable=False,
            why=f"the budget ends before the layer {dear[0]} does",
        )
    if outlook.expected is None:
        return Prospect(outlook=outlook, decidable=None, why="not known without an earlier run")
    if outlook.needs is not None and outlook.expected < outlook.needs:
        more = outlook.needs - outlook.expected
        return Prospect(outlook=outlook, decidable=False, why=f"{more:,} {outlook.basis} too few")
    return Prospect(outlook=outlook, decidable=True, why="enough to decide it")


def _total(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _left_today(request: RunRequest, clock: Clock, caps_usd: dict[str, float]) -> float | None:
    """Return what is left of the day's limit; no ledger is created where there is none."""
    day_usd = caps_usd.get("day")
    if day_usd is None or not request.settings.ledger.exists():
        return day_usd
    ledger = Ledger(request.settings.ledger, clock)
    try:
        return max(day_usd - ledger.spent_on(ledger.today()), 0.0)
    finally:
        ledger.close()


def in_words(forecast: Forecast) -> str:
    """Return what a forecast costs in one clause."""
    if forecast.minutes is None or forecast.usd is None:
        return "minutes and dollars are not known for every layer"
    return f"about {forecast.minutes:.1f} min and {in_dollars(forecast.usd)}"
