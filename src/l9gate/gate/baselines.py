"""How one baseline differs from another."""

from collections.abc import Iterator

from l9gate.contract import Baseline, Drift, Impact
from l9gate.contract.baseline import Probe
from l9gate.contract.drift import tell
from l9gate.contract.headers import find_changed_headers
from l9gate.contract.schema import Promise

_ABSENT, _ANYTHING = "nothing", "anything"


def compare_baselines(older: Baseline, newer: Baseline) -> Iterator[tuple[str, Drift]]:
    """Yield what the newer one says otherwise, each with its document or probe."""
    for document in sorted({*older.documents, *newer.documents}):
        was, now = older.documents.get(document, {}), newer.documents.get(document, {})
        for path in sorted({*was, *now}):
            for drift in _compare_promises(path, was.get(path), now.get(path)):
                yield document, drift
    for name in sorted({*older.probes} & {*newer.probes}):
        for drift in _compare_probes(older.probes[name], newer.probes[name]):
            yield name, drift


def find_lost_probes(older: Baseline, newer: Baseline) -> list[str]:
    """Return the probes that the newer one says nothing of."""
    return sorted({*older.probes} - {*newer.probes})


def _compare_promises(path: str, was: Promise | None, now: Promise | None) -> Iterator[Drift]:
    if was is None or now is None:
        if was is not None:
            code = "shape.missing" if was.always else "shape.gone"
            yield tell(code, path, _kinds(was), _ABSENT)
        elif now is not None:
            yield tell("shape.added", path, _ABSENT, _kinds(now))
        return
    added = set(now.kinds) - set(was.kinds) if was.kinds else set()
    if added == {"null"}:
        yield tell("shape.null", path, _kinds(was), _kinds(now))
    elif added or (was.kinds and not now.kinds):
        yield tell("shape.type", path, _kinds(was), _kinds(now))
    if was.always and not now.always:
        yield tell("shape.gone", path, "always there", "not always there")
    names = set(now.values) - set(was.values)
    if names and was.values:
        impact = Impact.BREAKING if was.closed else None
        expected = ", ".join(was.values)
        yield tell("shape.value", path, expected, ", ".join(sorted(names)), impact=impact)


def _compare_probes(was: Probe, now: Probe) -> Iterator[Drift]:
    if was.statuses != now.statuses:
        yield tell("status.changed", "status", _statuses(was), _statuses(now))
        return  # another status has other headers and fields
    always = {name: "" for name, is_always in now.headers.items() if is_always}
    yield from find_changed_headers(always, was.headers, ())
    for document, paths in sorted(was.usual.items()):
        for path in sorted(set(paths) - set(now.usual.get(document, ()))):
            yield tell("shape.gone", f"{document} {path}", "always there", "not always there")


def _kinds(promise: Promise) -> str:
    return " or ".join(promise.kinds) or _ANYTHING


def _statuses(probe: Probe) -> str:
    return " or ".join(map(str, probe.statuses))
