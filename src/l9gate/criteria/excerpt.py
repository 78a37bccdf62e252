"""The part of the evidence that one criterion looks at."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from l9gate.criteria.calls import Call
from l9gate.criteria.criterion import Scope
from l9gate.criteria.load_view import LOAD_KEYS, LoadLog, LoadView
from l9gate.criteria.ownership import Ownership
from l9gate.criteria.rest import prices_of
from l9gate.criteria.snapshot import Snapshot
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import (
    Conduct,
    ContractDrift,
    Control,
    Exchange,
    Fault,
    Gauge,
    HandMade,
    LapsedWaiver,
    Layer,
    LayerRun,
    Origin,
    ReportedCall,
    Signal,
    TestOutcome,
)
from l9gate.wire.prices import PriceList

CALL_KEYS = frozenset({"layer", "route", "model", "stream", "tools", "scenario"})
SIGNAL_KEYS = frozenset({"layer", "operation", "scenario"})
GAUGE_KEYS = frozenset({"layer", "span", "scenario"})
TEST_KEYS = frozenset({"layer", "scenario"})
RUN_KEYS = frozenset({"layer"})
WHERE_KEYS = CALL_KEYS | SIGNAL_KEYS | GAUGE_KEYS | LOAD_KEYS


class Excerpt:
    """A log seen through a scope, the layers of a criterion and its `where`.

    Without layers it shows every layer but unit, whose traffic is mocked, and what no test sent.
    """

    def __init__(
        self,
        log: EvidenceLog,
        scope: Scope,
        layers: frozenset[Layer] = frozenset(),
        where: Mapping[str, str] | None = None,
    ) -> None:
        self.scope = scope
        self.where: Mapping[str, str] = {} if where is None else where
        self._log = Snapshot.of_log(log)
        named = self.where.get("layer")
        self._layers = layers if named is None else frozenset({Layer(named)})

    @property
    def ownership(self) -> Ownership:
        """Who owns what."""
        return self._log.ownership

    @property
    def log(self) -> Snapshot:
        """The whole log."""
        return self._log

    @property
    def load_log(self) -> LoadLog:
        """Everything that load put into the log."""
        return self._log.load

    @property
    def load(self) -> LoadView:
        """The calls under load that `where` leaves, of the run's kind."""
        return self._log.load.view(self.scope.kind, self.where)

    @property
    def layers(self) -> frozenset[Layer]:
        """The layers whose tests count."""
        return self._layers or frozenset(self.scope.layers)

    @cached_property
    def calls(self) -> list[Call]:
        """The calls of the run's kind that ordinary tests, or no test, sent."""
        return [call for call in self._log.calls if self._shows(call)]

    @property
    def attempts(self) -> list[Exchange]:
        """The attempts of these calls."""
        return [attempt for call in self.calls for attempt in call.attempts]

    @property
    def prices(self) -> PriceList:
        """What tokens cost, by what the runs were accounted with."""
        return prices_of(self._log)

    def all_exchanges(self) -> list[Exchange]:
        """Return every exchange of every layer and origin, whoever sent it."""
        return list(self._log.of(Exchange))

    def exchanges_of(self, origin: Origin) -> list[Exchange]:
        """Return the exchanges of one origin, of tests about failures as well."""
        return [
            one
            for one in self._log.of(Exchange)
            if one.origin is origin and self._has_layer(one.layer) and self._has_scenario(one.owner)
        ]

    def drifts_of(self, origin: Origin) -> list[ContractDrift]:
        """Return how answers of one origin differ from the contract."""
        return [
            one
            for one in self._log.of(ContractDrift)
            if one.origin is origin and self._has_layer(one.layer) and self._has_scenario(one.owner)
        ]

    def lapsed_waivers(self) -> list[LapsedWaiver]:
        """Return the waivers of differences that had expired when the run began, each once."""
        told = (msgspec.structs.replace(one, at_s=0.0) for one in self._log.of(LapsedWaiver))
        return list(dict.fromkeys(told))

    def hand_made(self) -> list[HandMade]:
        """Return what tests made of the SDK's types."""
        return [
            one
            for one in self._log.of(HandMade)
            if self._has_layer(one.layer) and self._has_scenario(one.owner)
        ]

    def signals(self) -> list[Signal]:
        """Return the operations that the application reports, without its mock mode.

        Unless `where` names an operation, those that are part of another do not count: what users
        did once would be in the sample twice.
        """
        name = self.where.get("operation")
        return [
            one
            for one in self._log.of(Signal)
            if not one.mock
            and self._has_layer(one.layer)
            and self._has_scenario(one.owner)
            and (one.within is None if name is None else one.operation == name)
        ]

    def gauges(self, name: str) -> list[Gauge]:
        """Return the readings of one gauge."""
        return [
            one
            for one in self._log.of(Gauge)
            if one.name == name
            and self._has_layer(one.layer)
            and self._has_scenario(one.owner)
            and self.where.get("span", one.span) == one.span
        ]

    def layer_runs(self) -> list[LayerRun]:
        """Return the sessions of the layers."""
        return [one for one in self._log.of(LayerRun) if one.layer in self.layers]

    def faults(self) -> list[Fault]:
        """Return what l9gate itself got wrong."""
        return list(self._log.of(Fault))

    def conducts(self) -> list[Conduct]:
        """Return what the clients did to the simulator of a rehearsal."""
        return list(self._log.of(Conduct))

    def controls(self) -> list[Control]:
        """Return the negative controls of these tests."""
        return list(self._log.of(Control))

    def reported_calls(self) -> list[ReportedCall]:
        """Return the calls that services in other processes tell of."""
        return list(self._log.of(ReportedCall))

    def observations(self) -> int:
        """Return how many tests, exchanges, signals and calls under load there are in all."""
        kinds = (TestOutcome, Exchange, Signal)
        seen = sum(1 for kind in kinds for _ in self._log.of(kind))
        return seen + sum(one.calls for one in self.load_log.blocks)

    def all_signals(self) -> list[Signal]:
        """Return the operations of every layer and mode, whoever caused them."""
        return list(self._log.of(Signal))

    def _shows(self, call: Call) -> bool:
        last = call.last
        return (
            last.origin is self.scope.kind
            and self._has_layer(last.layer)
            and self._has_scenario(last.owner)
            and self._has_route(last)
            and self.where.get("model", last.model) == last.model
            and self.where.get("stream", _word(last.stream)) == _word(last.stream)
            and self.where.get("tools", _word(last.tools)) == _word(last.tools)
            and not self.ownership.is_about_failure(last.owner)
        )

    def _has_layer(self, layer: Layer | None) -> bool:
        return layer in self._layers if self._layers else layer is not Layer.UNIT

    def _has_scenario(self, owner: str | None) -> bool:
        scenario = self.where.get("scenario")
        return scenario is None or self.ownership.carries(owner, scenario)

    def _has_route(self, exchange: Exchange) -> bool:
        route = self.where.get("route")
        return route is None or is_on_route(exchange, route)


def is_on_route(exchange: Exchange, route: str) -> bool:
    """Whether method and path are those of a route; a gateway may have a prefix before the path."""
    method, _, path = route.partition(" ")
    return exchange.method == method and exchange.path.endswith(path)


def _word(flag: bool) -> str:
    return "true" if flag else "false"
