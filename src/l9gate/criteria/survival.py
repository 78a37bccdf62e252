"""Which tests did not fail although the API could not serve them, and why not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from l9gate.evidence.records import (
    Control,
    Layer,
    RemarkKind,
    Survivor,
    TestOutcome,
    TestState,
)
from l9gate.evidence.sightings import Against, Attempt, Sighting

# What a test may declare, by marker or by the exception that it expects, and then pass.
_DECLARED: dict[Against, frozenset[str]] = {
    Against.DEAD: frozenset(
        {
            "connection", "connection_error", "timeout", "timeout_error", "unreachable",
            "APIConnectionError", "APITimeoutError", "ConnectError", "ConnectTimeout",
            "ConnectionError", "ConnectionRefusedError", "TimeoutException", "TransportError",
        }
    ),
    Against.REFUSING: frozenset({"authentication_error", "AuthenticationError"}),
    Against.GARBAGE: frozenset(
        {"malformed_body", "malformed_answer", "APIResponseValidationError", "JSONDecodeError"}
    ),
}  # fmt: skip
_FAILURES = frozenset({TestState.FAILED, TestState.ERROR})
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Tests:
    """All tests that were seen, by node id, with what they did against each endpoint."""

    seen: dict[str, dict[Against, Sighting]]

    @classmethod
    def of(cls, attempts: Mapping[Against, Attempt]) -> "_Tests":
        seen: dict[str, dict[Against, Sighting]] = {}
        for against, attempt in attempts.items():
            for name, sighting in attempt.sightings.items():
                seen.setdefault(name, {})[against] = sighting
        return cls(seen)

    def talking(self) -> list[str]:
        """Return the tests that must fail: they call the API, or belong to a real layer."""
        return [name for name, runs in self.seen.items() if any(map(_must_fail, runs.values()))]


def find_talking(attempts: Mapping[Against, Attempt]) -> tuple[str, ...]:
    """Return the node ids of the tests that must fail, in the order in which they were run."""
    return tuple(_Tests.of(attempts).talking())


def assess(
    attempts: Mapping[Against, Attempt], digest: str, layers: tuple[Layer, ...], at_s: float
) -> Control:
    """Return the survivors and what stayed open; an endpoint without an attempt stays open."""
    tests = _Tests.of(attempts)
    talking = tests.talking()
    survivors = (_survivor(tests.seen[name]) for name in talking)
    return Control(
        at_s=at_s,
        digest=digest,
        layers=layers,
        tests=len(talking),
        survivors=tuple(sorted((one for one in survivors if one is not None), key=_place)),
        open_ends=tuple(_open_ends(attempts, tests, talking)),
        notes=tuple(_notes(attempts, tests, talking)),
    )


def _must_fail(sighting: Sighting) -> bool:
    layer = sighting.outcome.layer
    return sighting.calls > 0 or (layer is not None and layer.is_real)


def _first(runs: Mapping[Against, Sighting]) -> TestOutcome:
    return next(iter(runs.values())).outcome


def _survivor(runs: Mapping[Against, Sighting]) -> Survivor | None:
    survived = {against: one for against, one in runs.items() if _survived(one, against)}
    if not survived:
        return None
    worst = next(iter(survived.values()))
    return Survivor(
        node_id=worst.outcome.node_id,
        layer=worst.outcome.layer,
        place=worst.place,
        against=tuple(against.value for against in survived),
        reason=_reason(worst),
    )


def _place(survivor: Survivor) -> tuple[str, int]:
    file, _, line = survivor.place.rpartition(":")
    return (file, int(line)) if line.isdecimal() else (survivor.place, 0)


def _survived(sighting: Sighting, against: Against) -> bool:
    if sighting.timed_out or sighting.outcome.state in _FAILURES:
        return False
    return not _is_declared(sighting, against)


def _is_declared(sighting: Sighting, against: Against) -> bool:
    """Whether it says that it expects just this; a test that did not run shows nothing."""
    outcome = sighting.outcome
    if outcome.state is not TestState.PASSED:
        return False
    if outcome.expects_fallback:
        return True
    said = outcome.expects_error or sighting.expects
    return bool(said) and not _DECLARED[against].isdisjoint(said)


def _reason(sighting: Sighting) -> str:
    outcome = sighting.outcome
    if outcome.state is TestState.SKIPPED:
        return f"skipped: {outcome.reason or 'no reason given'}"
    if outcome.state is TestState.XFAILED:
        return f"xfail: {outcome.reason or 'no reason given'}"
    clauses = [_what_happened(sighting)]
    if sighting.caught:
        clauses.extend(sighting.caught)
    clauses += [f"failed, and was turned into a pass: {one}" for one in _rewritten(outcome)]
    if sighting.fallback is not None:
        clauses.append(f"fallback: {sighting.fallback}")
    if sighting.expects:
        clauses.append(f"it expects {', '.join(sighting.expects)}, which any failure gives")
    if not sighting.asserts:
        clauses.append("asserts nothing")
    if outcome.state is TestState.XPASSED:
        clauses.append("marked xfail, and passed")
    return "; ".join(clauses)


def _rewritten(outcome: TestOutcome) -> list[str]:
    return [one.detail for one in outcome.remarks if one.kind is RemarkKind.REWRITTEN]


def _what_happened(sighting: Sighting) -> str:
    stand_ins = _stand_ins(sighting)
    stand_in = f"{stand_ins[0]} stands in for the client" if stand_ins else ""
    if sighting.calls:
        one = sighting.calls == 1
        calls = "its call was not" if one else f"none of its {sighting.calls} calls was"
        beside = f"; {stand_in}" if stand_in else ""
        ends = ", ".join(sighting.endings)
        return f"{calls} served ({ends}) and it passed all the same{beside}"
    if sighting.replayed:
        return "no call was made: recorded cassette (vcrpy)"
    if stand_in:
        return f"no call was made: {stand_in}"
    if sighting.was_cached:
        return "no call was made: served from cache"
    if sighting.mocked:
        return "no call was made: a mock transport answered"
    return "no call was made"


def _open_ends(
    attempts: Mapping[Against, Attempt], tests: _Tests, talking: list[str]
) -> Iterable[str]:
    for against in Against:
        attempt = attempts.get(against)
        if attempt is None:
            if talking:
                yield f"{against}: not run"
            continue
        if attempt.problem is not None:
            yield f"{against}: {attempt.problem}"
        if attempt.broken:
            yield f"{against}: could not be imported: {_named(attempt.broken)}"
        left = [name for name in attempt.tests if name not in attempt.sightings]
        if left:
            yield f"{against}: not reached: {_named(left)}"
        late = [name for name, one in attempt.sightings.items() if one.timed_out]
        if late:
            yield f"{against}: timed out: {_named(late)}"
    if not any(one.calls for runs in tests.seen.values() for one in runs.values()):
        yield "no test called the API"


def _notes(attempts: Mapping[Against, Attempt], tests: _Tests, talking: list[str]) -> Iterable[str]:
    offline = dict.fromkeys(name for attempt in attempts.values() for name in attempt.offline)
    if offline:
        yield f"offline, exempt and not run: {_named(offline)}"
    declared = [name for name in talking if _passed_as_declared(tests.seen[name])]
    if declared:
        yield f"passed as they declare: {_named(declared)}"
    silent = [name for name in talking if not any(one.calls for one in tests.seen[name].values())]
    failed = [name for name in silent if _first(tests.seen[name]).state in _FAILURES]
    if failed:
        yield f"failed before any call, which shows little: {_named(failed)}"
    chosen = set(talking)
    others = {name: runs for name, runs in tests.seen.items() if name not in chosen}
    for told, names in (
        ("a mock transport answers", [n for n, r in others.items() if _any(r, "mocked")]),
        ("a cassette answers", [n for n, r in others.items() if _any(r, "replayed")]),
        ("a mock stands in for the client", [n for n, r in others.items() if _has_stand_in(r)]),
        ("skipped", [n for n, r in others.items() if _first(r).state is TestState.SKIPPED]),
    ):
        if names:
            yield f"{told}, not counted: {_named(names)}"


def _any(runs: Mapping[Against, Sighting], what: str) -> bool:
    return any(getattr(one, what) > 0 for one in runs.values())


def _has_stand_in(runs: Mapping[Against, Sighting]) -> bool:
    return any(_stand_ins(one) for one in runs.values())


def _stand_ins(sighting: Sighting) -> list[str]:
    return [one.detail for one in sighting.outcome.remarks if one.kind is RemarkKind.STAND_IN]


def _passed_as_declared(runs: Mapping[Against, Sighting]) -> bool:
    return any(
        one.outcome.state is TestState.PASSED and _is_declared(one, against)
        for against, one in runs.items()
    )


def _named(names: Iterable[str]) -> str:
    found = list(names)
    more = len(found) - _MAX_NAMED
    return ", ".join(found[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
