"""How answers, and mocks of them, differ from the contract of the API."""

from collections.abc import Iterable

import msgspec

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.readings import Reading
from l9gate.evidence.records import ContractDrift, Exchange, Held, Origin

BREAKING = "breaking"
# A test that proves one of these has to break the contract.
DAMAGE = ("malformed_answer", "cut_stream")
_LOOKED_AT = frozenset({Held.KEPT, Held.DRIFTED})
_MAX_TOLD = 3


def read_contract_drifts(excerpt: Excerpt) -> Reading:
    """Return how many differences of answers of the run's kind break clients, each counted once.

    That there are none is in doubt while a waiver has expired: nobody said whether it is still due.
    """
    kind = excerpt.scope.kind
    seen, drifts = excerpt.exchanges_of(kind), excerpt.drifts_of(kind)
    asked = sum(one.held is Held.ON_PURPOSE for one in seen)
    left = f"left out: {asked:,} with a fault that a test asked for" if asked else None
    reading = _read(_count(seen), drifts, left)
    lapsed = [
        f"the waiver of {one.owner} for {one.code} expired on {one.expires}"
        for one in excerpt.lapsed_waivers()
    ]
    return msgspec.structs.replace(reading, doubt="; ".join(lapsed[:_MAX_TOLD]) or None)


def read_mock_drifts(excerpt: Excerpt) -> Reading:
    """Return how many differences of mocked answers would break clients, were they the API's.

    Mocked are exchanges without a socket, and objects of the SDK that a test made by hand.
    """
    seen, drifts = excerpt.exchanges_of(Origin.MOCKED), excerpt.drifts_of(Origin.MOCKED)
    made = excerpt.hand_made()
    owners = {*(one.owner for one in seen), *(one.owner for one in made)}
    damaged = {owner for owner in owners if is_about_damage(excerpt, owner)}
    n = _count(seen) + sum(one.held for one in made)
    others = _count(one for one in seen if one.owner not in damaged)
    others += sum(one.held for one in made if one.owner not in damaged)
    unread = sum(one.unread for one in made)
    notes = (
        f"left out: {n - others:,} of tests about {' or '.join(DAMAGE)}" if n > others else None,
        f"not read: {unread:,} objects with mocks inside" if unread else None,
        *dict.fromkeys(
            f"objects made by hand are not seen: {one.blind}" for one in made if one.blind
        ),
    )
    meant = (one for one in drifts if one.owner not in damaged)
    return _read(others, meant, "; ".join(note for note in notes if note) or None)


def is_about_damage(excerpt: Excerpt, owner: str | None) -> bool:
    """Whether a test behind an owner has to break the contract; of a file, any that is in it."""
    ownership = excerpt.ownership
    if owner is None or "::" in owner:
        return any(ownership.carries(owner, scenario) for scenario in DAMAGE)
    tests = (test for name, test in ownership.first.items() if name.startswith(f"{owner}::"))
    return any(scenario in test.scenarios for test in tests for scenario in DAMAGE)


def _count(seen: Iterable[Exchange]) -> int:
    return sum(one.held in _LOOKED_AT for one in seen)


def _read(n: int, drifts: Iterable[ContractDrift], left: str | None) -> Reading:
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
    who += f", made at {first.built_at}" if first.built_at is not None else ""
    told = f"{where}: {first.expected} expected, {first.found} found ({count:,}x{who})"
    return told if first.waiver is None else f"{told}; {first.waiver}"
