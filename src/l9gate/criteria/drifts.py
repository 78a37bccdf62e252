"""How answers, and mocks of them, differ from the contract of the API."""

from collections.abc import Iterable

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.readings import Reading
from l9gate.evidence.records import ContractDrift, Exchange, Held, Origin

BREAKING = "breaking"
# A test that proves one of these has to break the contract.
DAMAGE = ("malformed_answer", "cut_stream")
_LOOKED_AT = frozenset({Held.KEPT, Held.DRIFTED})
_MAX_TOLD = 3


def read_contract_drifts(excerpt: Excerpt) -> Reading:
    """Return how many differences of answers of the run's kind break clients, each counted once."""
    kind = excerpt.scope.kind
    seen, drifts = excerpt.exchanges_of(kind), excerpt.drifts_of(kind)
    asked = sum(one.held is Held.ON_PURPOSE for one in seen)
    left = f"left out: {asked:,} with a fault that a test asked for" if asked else None
    return _read(seen, drifts, left)


def read_mock_drifts(excerpt: Excerpt) -> Reading:
    """Return how many differences of mocked answers would break clients, were they the API's."""
    seen, drifts = excerpt.exchanges_of(Origin.MOCKED), excerpt.drifts_of(Origin.MOCKED)
    owners = {one.owner for one in seen}
    damaged = {owner for owner in owners if _is_about_damage(excerpt, owner)}
    others = [one for one in seen if one.owner not in damaged]
    count = sum(one.held in _LOOKED_AT for one in seen) - sum(
        one.held in _LOOKED_AT for one in others
    )
    left = f"left out: {count:,} of tests about {' or '.join(DAMAGE)}"
    meant = (one for one in drifts if one.owner not in damaged)
    return _read(others, meant, left if count else None)


def _is_about_damage(excerpt: Excerpt, owner: str | None) -> bool:
    return any(excerpt.ownership.carries(owner, scenario) for scenario in DAMAGE)


def _read(seen: Iterable[Exchange], drifts: Iterable[ContractDrift], left: str | None) -> Reading:
    n = sum(one.held in _LOOKED_AT for one in seen)
    breaking: dict[tuple[str, str], list[ContractDrift]] = {}
    others: dict[str, dict[tuple[str, str], None]] = {"warning": {}, "waived": {}}
    for drift in drifts:
        if drift.impact == BREAKING:
            breaking.setdefault((drift.code, drift.place), []).append(drift)
        else:
            others.setdefault(drift.impact, {})[drift.code, drift.place] = None
    graded = (_told(list(places), f"{impact}: ") for impact, places in others.items())
    notes = (_told(list(breaking), ""), *graded, left)
    return Reading(
        value=float(len(breaking)) if n or breaking else None,
        n=n,
        note="; ".join(note for note in notes if note) or None,
        evidence=tuple(_line(equal) for equal in breaking.values()),
    )


def _told(places: list[tuple[str, str]], what: str) -> str | None:
    if not places:
        return None
    named = ", ".join(f"{code} {place}".rstrip() for code, place in places[:_MAX_TOLD])
    more = len(places) - _MAX_TOLD
    return f"{what}{named}" + (f" and {more} more" if more > 0 else "")


def _line(equal: list[ContractDrift]) -> str:
    """Return a difference with how often it came, and where first."""
    first, count = equal[0], sum(one.count for one in equal)
    where = f"{first.code} {first.place}".rstrip()
    who = f", first in {first.owner}" if first.owner is not None else ""
    return f"{where}: {first.expected} expected, {first.found} found ({count:,}x{who})"
