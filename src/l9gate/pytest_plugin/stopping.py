"""When a session stops early: what its run's policy says while the tests still run."""

from collections.abc import Collection
from dataclasses import replace

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.policy import parse_policy
from l9gate.criteria.quantities import BY_NAME
from l9gate.criteria.snapshot import Snapshot
from l9gate.criteria.stopping import look_at_all, progress_of, sampled, why_stop
from l9gate.evidence.log import EvidenceLog, Sink
from l9gate.evidence.records import Layer
from l9gate.measure.clock import Clock
from l9gate.measure.sequential import Stopping
from l9gate.observe.halt import Halt
from l9gate.store.run import RunFolder


def open_halt(
    folder: RunFolder, layers: Collection[Layer], sink: Sink, clock: Clock
) -> Halt | None:
    """Return what stops the session of these layers once they are broken; None if nothing does.

    Only criteria on these layers alone can be decided by them, and only those that count calls:
    how many gaps or operations a call in flight is good for, nobody knows.
    """
    manifest = folder.manifest
    if manifest.stopping is not Stopping.ANYTIME:
        return None
    policy = replace(parse_policy(folder.policy_text()), stopping=manifest.stopping)
    scope = Scope(
        layers=manifest.layers,
        kind=manifest.kind,
        environment=manifest.environment,
        alpha=policy.alpha,
        stopping=manifest.stopping,
    )
    criteria = [
        (one, role)
        for one, role in sampled(policy.asked(scope), scope)
        if one.layers and one.layers <= set(layers) and not one.sources
        if BY_NAME[one.condition.quantity].basis == "calls"
    ]

    def look(log: EvidenceLog, begun: int) -> str | None:
        snapshot = Snapshot(log)
        progress = {
            one.name: found
            for one, _ in criteria
            for excerpt in (Excerpt(snapshot, scope, one.layers, one.where),)
            for found in (progress_of(one, excerpt, begun),)
            if found is not None
        }
        return why_stop(look_at_all(criteria, progress, scope))

    def decide(log: EvidenceLog, begun: int) -> str | None:
        if look(log, begun) is None:
            return None
        sink.flush()
        with folder.read() as whole:  # other processes may have seen more
            return look(whole, begun)

    return Halt(sink, clock, decide)
